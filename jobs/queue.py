"""Publishing task calls. Nothing here raises when the broker is away: the sweeper finds in the rows what was not sent.

Tasks are called by their stable names, so that whoever publishes need not import them.
"""

import functools
import math
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import structlog
from celery import Signature, chord, chunks, group, signature
from celery.exceptions import BackendError
from django.conf import settings
from kombu.exceptions import KombuError
from redis.exceptions import RedisError

log = structlog.get_logger(__name__)

START = "jobs.start"
PROVISION_ITEM = "jobs.provision_item"
FINISH = "jobs.finish"
SWEEP = "jobs.sweep"

#: what "the broker is away" looks like, from the publisher or from the result store of a chord
BROKER_TROUBLE = (KombuError, BackendError, RedisError, OSError)
#: seconds that a request waits for the broker at most
PATIENCE = 2.0
#: messages that share work evenly, and the calls in each up to which fewer messages are worth it
EVENLY_MANY, EVENLY_SIZE = 20, 50
#: calls in a message at most, so that one message stays far below the time limit of a task
MAX_CALLS = 500
#: priorities on Redis: 0 is served first. Starting and settling are quick and never wait behind the chargers of others;
#: the chargers of a small job go before those of a large one.
SMALL_JOB, LARGE_JOB, HUGE_JOB = 3, 6, 9

F = TypeVar("F", bound=Callable[..., None])

_publisher = ThreadPoolExecutor(max_workers=2, thread_name_prefix="publish")


def _never_raises(publish: F) -> F:
    @functools.wraps(publish)
    def guarded(*args: Any, **options: Any) -> None:
        try:
            publish(*args, **options)
        except BROKER_TROUBLE as error:
            log.warning("call_not_published", call=publish.__name__, error=repr(error), meanwhile="the sweeper will")

    return guarded  # type: ignore[return-value]


@_never_raises
def start(job_id: uuid.UUID) -> None:
    """Have a worker start the job, or publish what it has not published yet."""
    # A publisher that does not say that it ignores the result subscribes to it, and nobody ends that.
    signature(START, args=(str(job_id),)).apply_async(ignore_result=True)


def start_soon(job_id: uuid.UUID) -> None:
    """Do `start` for a request that waits: return after `PATIENCE` seconds, whatever the broker does."""
    waiting = _publisher.submit(start, job_id)
    try:
        waiting.result(timeout=PATIENCE)
    except TimeoutError:
        waiting.cancel()  # one that has not begun must not queue up behind a broker that hangs
        log.warning("broker_is_slow", job_id=str(job_id), meanwhile="the sweeper will start the job")


@_never_raises
def dispatch(job_id: uuid.UUID, item_ids: Sequence[int], *, singly: bool = False) -> None:
    """Publish one call for each item as a chord whose callback settles the job.

    The calls travel in messages of several, at most `JOB_MAX_MESSAGES` for the whole; `singly` gives each its own.
    """
    if not item_ids:
        return
    size = 1 if singly else calls_per_message(len(item_ids))
    calls = [(item_id,) for item_id in item_ids]
    task = signature(PROVISION_ITEM)
    header = group(task.clone(call) for call in calls) if size == 1 else chunks(task, calls, size).group()  # type: ignore[arg-type]
    for message in header.tasks:
        message.set(priority=_priority(len(item_ids)))
    chord(header)(_finish(job_id).on_error(_finish(job_id)))


@_never_raises
def provision_again(item_id: int, tries: int, *, countdown: float) -> None:
    """Publish the call of one item again, outside of its chord, to run after `countdown` seconds."""
    signature(PROVISION_ITEM, args=(item_id, tries)).apply_async(
        countdown=countdown, priority=SMALL_JOB, ignore_result=True
    )


@_never_raises
def settle(job_id: uuid.UUID, *, countdown: float = 0.0) -> None:
    """Have a worker look whether the job is done, after `countdown` seconds.

    In line with small jobs: many jobs that wait for a simulator must not hold up those that can get on.
    """
    _finish(job_id).apply_async(countdown=countdown, priority=SMALL_JOB, ignore_result=True)


def calls_per_message(calls: int) -> int:
    """Return how many calls go into one message: one for small jobs, more as the job grows.

    A message costs as much as several calls: a middling job goes into few messages, as many as keep the workers of a
    machine evenly busy; a large one into `JOB_MAX_MESSAGES`.
    """
    if settings.JOB_MAX_MESSAGES == 0:
        return 1
    few = min(EVENLY_SIZE, math.ceil(calls / EVENLY_MANY))
    return min(MAX_CALLS, max(few, math.ceil(calls / settings.JOB_MAX_MESSAGES)))


def _finish(job_id: uuid.UUID) -> "Signature[Any]":
    # Immutable: what the callback is given (results, or the id of a failed call) says less than the rows do.
    return signature(FINISH, args=(str(job_id),), immutable=True)


def _priority(calls: int) -> int:
    if calls <= 100:
        return SMALL_JOB
    return LARGE_JOB if calls <= 1000 else HUGE_JOB
