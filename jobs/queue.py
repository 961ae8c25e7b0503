"""Publishing task calls. Nothing here raises when the broker is away: the sweeper finds in the rows what was not sent.

Tasks are called by their stable names, so that whoever publishes need not import them.
"""

import functools
import math
import uuid
from bisect import bisect_right
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any, TypeVar

import structlog
from celery import Signature, chord, group, signature
from celery.exceptions import BackendError
from django.conf import settings
from kombu.exceptions import KombuError
from redis.exceptions import RedisError

log = structlog.get_logger(__name__)

START = "jobs.start"
PROVISION_ITEM = "jobs.provision_item"
PROVISION_ITEMS = "jobs.provision_items"
FINISH = "jobs.finish"
SWEEP = "jobs.sweep"
FIND_LOST = "jobs.find_lost"
PRUNE = "jobs.prune"

#: what "the broker is away" looks like, from the publisher or from the result store of a chord
BROKER_TROUBLE = (KombuError, BackendError, RedisError, OSError)
#: seconds that a request waits for the broker at most
PATIENCE = 2.0
#: messages that share work evenly, and the calls in each up to which fewer messages are worth it
EVENLY_MANY, EVENLY_SIZE = 4, 50
#: calls in a message at most, so that one message stays far below the time limit of a task
MAX_CALLS = 500
#: Levels of the line, which are priorities on Redis: all of one level is served before the next, and within a level who
#: came first. A job's messages stand the deeper the more calls of its organization come before them (`STEPS`): so large
#: jobs move side by side, and a small job passes a large one whoever asked for it.
AT_ONCE, FIRST, END_OF_LINE = 0, 1, 9
LEVELS = tuple(range(END_OF_LINE + 1))
STEPS = (100, 300, 1_000, 3_000, 10_000, 30_000, 100_000)
#: calls up to which starting a job is quick, and the level at which others start: after all that is small
QUICK_START, SLOW_START = 1_000, 2

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
def start(job_id: uuid.UUID, calls: int) -> None:
    """Have a worker start the job of so many calls, or publish what it has not published yet."""
    level = AT_ONCE if calls <= QUICK_START else SLOW_START
    # A publisher that does not say that it ignores the result subscribes to it, and nobody ends that.
    signature(START, args=(str(job_id),)).apply_async(priority=level, ignore_result=True)


def start_soon(job_id: uuid.UUID, calls: int) -> None:
    """Do `start` for a request that waits: return after `PATIENCE` seconds, whatever the broker does."""
    waiting = _publisher.submit(start, job_id, calls)
    try:
        waiting.result(timeout=PATIENCE)
    except TimeoutError:
        waiting.cancel()  # one that has not begun must not queue up behind a broker that hangs
        log.warning("broker_is_slow", job_id=str(job_id), meanwhile="the sweeper will start the job")


@_never_raises
def dispatch(job_id: uuid.UUID, item_ids: Sequence[int], *, crowd: int = 1, singly: bool = False) -> None:
    """Publish one call for each item as a chord whose callback settles the job.

    The calls travel in messages of several, at most `JOB_MAX_MESSAGES` for the whole; `singly` gives each its own.
    `crowd` is among how many jobs of its organization the job takes turns.
    """
    if not item_ids:
        return
    size = 1 if singly else calls_per_message(len(item_ids))
    header = [
        _message(item_ids[start : start + size]).set(priority=level(start * crowd), headers={"job_id": str(job_id)})
        for start in range(0, len(item_ids), size)
    ]
    chord(group(header))(_finish(job_id).on_error(_finish(job_id)))


@_never_raises
def provision_again(item_id: int, tries: int, *, countdown: float) -> None:
    """Publish the call of one item again, outside of its chord, to run after `countdown` seconds."""
    signature(PROVISION_ITEM, args=(item_id, tries)).apply_async(
        countdown=countdown, priority=FIRST, ignore_result=True
    )


@_never_raises
def settle(job_id: uuid.UUID, *, countdown: float = 0.0) -> None:
    """Have a worker look whether the job is done, after `countdown` seconds.

    In line with small jobs: many jobs that wait for a simulator must not hold up those that can get on.
    """
    _finish(job_id).apply_async(countdown=countdown, priority=FIRST, ignore_result=True)


@_never_raises
def find_lost(before: datetime) -> None:
    """Have a worker look for lost calls among those that were published before a moment, when it has come to them.

    Whoever runs this has taken it from the end of the line: all that stood before it was taken by somebody.
    """
    signature(FIND_LOST, args=(before.isoformat(),)).apply_async(priority=END_OF_LINE, ignore_result=True)


@_never_raises
def prune() -> None:
    """Have a worker go on forgetting old jobs when nothing else is to be done."""
    signature(PRUNE).apply_async(priority=END_OF_LINE, ignore_result=True)


def calls_per_message(calls: int) -> int:
    """Return how many calls go into one message: one for the smallest jobs, more as the job grows.

    A message costs as much as thirty calls that share one: a job goes into few messages, as many as keep the workers of
    a machine evenly busy; a large one into `JOB_MAX_MESSAGES`.
    """
    if settings.JOB_MAX_MESSAGES == 0:
        return 1
    few = min(EVENLY_SIZE, math.ceil(calls / EVENLY_MANY))
    return min(MAX_CALLS, max(few, math.ceil(calls / settings.JOB_MAX_MESSAGES)))


def level(position: int) -> int:
    """Return the level of a message before which so many calls come."""
    return FIRST + bisect_right(STEPS, position)


def _finish(job_id: uuid.UUID) -> "Signature[Any]":
    # Immutable: what the callback is given (results, or the id of a failed call) says less than the rows do.
    return signature(FINISH, args=(str(job_id),), immutable=True)


def _message(item_ids: Sequence[int]) -> "Signature[Any]":
    if len(item_ids) == 1:
        return signature(PROVISION_ITEM, args=(item_ids[0],))
    return signature(PROVISION_ITEMS, args=(list(item_ids),))
