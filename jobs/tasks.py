"""Task calls of jobs. Ids in, outcomes out; no call sleeps or waits for another, and each may run twice."""

import uuid
from datetime import datetime, timedelta
from typing import Any

import structlog
from celery import Task, shared_task
from celery.exceptions import SoftTimeLimitExceeded
from django.conf import settings
from django.core.exceptions import ObjectDoesNotExist
from django.db import IntegrityError, InterfaceError, OperationalError, close_old_connections
from django.utils import timezone

from jobs import queue
from jobs.services import (
    Found,
    Outcome,
    item_fail,
    item_provision,
    item_tried,
    items_find_lost,
    items_provision,
    items_redelivered,
    job_settle,
    job_start,
    jobs_prune,
    jobs_sweep,
)

log = structlog.get_logger(__name__)

#: tries of one item that may end in a database error, and the seconds before the next one
MAX_TRIES = 5
BACK_OFF = (0.5, 1.0, 3.0, 10.0, 30.0)

#: a lost connection, a deadlock, a statement that took too long, a server that starts up
TRANSIENT = (OperationalError, InterfaceError)
#: an identity that another took in the same moment; a location that is being deleted
MEANWHILE = (IntegrityError, ObjectDoesNotExist)
#: seconds that one run of housekeeping may keep a process of the worker
BUDGET = 5.0


@shared_task(name=queue.START, soft_time_limit=90, time_limit=120, ignore_result=True)
def start(job_id: str) -> bool:
    """Begin the job: write its items and publish a call for each."""
    return job_start(job_id=uuid.UUID(job_id))


@shared_task(name=queue.PROVISION_ITEMS, bind=True, soft_time_limit=90, time_limit=120)
def provision_items(self: "Task[Any, Any]", item_ids: list[int]) -> list[str]:
    """Run the calls of one message and return the outcome of each.

    What they ask of the database is asked once for all of them; a call that needs more than that, or all of them when
    anything goes wrong, is then run as if it had come alone.
    """
    if _redelivered(self):
        items_redelivered(item_ids=item_ids)
        return [Outcome.RETRY] * len(item_ids)
    try:
        done = items_provision(item_ids=item_ids)
    except SoftTimeLimitExceeded:
        raise
    except (*TRANSIENT, *MEANWHILE) as error:
        log.warning("items_to_be_done_singly", items=len(item_ids), error=repr(error))
        close_old_connections()
        done = {}
    except Exception:  # a bug that one of them meets must not cost the others
        log.exception("items_to_be_done_singly", items=len(item_ids))
        done = {}
    return [str(done.get(item_id) or _provision(item_id, 0)) for item_id in item_ids]


@shared_task(name=queue.PROVISION_ITEM, bind=True, soft_time_limit=90, time_limit=120)
def provision_item(self: "Task[Any, Any]", item_id: int, tries: int = 0) -> str:
    """Create the charger of one item and return what came of it."""
    if _redelivered(self) and not items_redelivered(item_ids=[item_id]):
        return Outcome.RETRY
    return _provision(item_id, tries)


def _redelivered(task: "Task[Any, Any]") -> bool:
    """Whether the message was given to a worker before, which ended before it was done: perhaps because of it."""
    return bool((task.request.delivery_info or {}).get("redelivered"))


def _provision(item_id: int, tries: int) -> str:
    """Run one call.

    Never raises for one charger: a header call that raises would skip the chord's callback, and the other calls in
    the same message with it.
    """
    try:
        return item_provision(item_id=item_id)
    except TRANSIENT as error:
        close_old_connections()
        return _again(item_id, tries, error)
    except SoftTimeLimitExceeded:
        raise  # it is the message's time that ran out; the sweeper dispatches what it did not get to
    except Exception:  # a bug that one charger meets must not cost the others of the same message
        log.exception("item_not_provisioned", item_id=item_id)
        return _failed(item_id, "internal_error")


def _again(item_id: int, tries: int, error: Exception) -> str:
    log.warning("item_to_be_tried_again", item_id=item_id, tries=tries + 1, error=str(error))
    if tries + 1 >= MAX_TRIES:
        return _failed(item_id, "database_unavailable")
    countdown = BACK_OFF[tries]
    queue.provision_again(item_id, tries + 1, countdown=countdown)
    try:
        item_tried(item_id=item_id, due_in=countdown)
    except TRANSIENT:
        close_old_connections()  # the count is for people; the call that was published carries its own
    return Outcome.RETRY


def _failed(item_id: int, code: str) -> str:
    try:
        item_fail(item_id=item_id, code=code)
    except TRANSIENT:
        close_old_connections()
        return Outcome.RETRY  # still pending in the database: the sweeper comes back to it
    return Outcome.FAILED


@shared_task(name=queue.FINISH, soft_time_limit=60, time_limit=90, ignore_result=True)
def finish(job_id: str) -> float | None:
    """Settle the job, or look again in a moment: callback and errback of the chord, and its own successor."""
    countdown = job_settle(job_id=uuid.UUID(job_id))
    if countdown is not None:
        queue.settle(uuid.UUID(job_id), countdown=countdown)
    return countdown


@shared_task(name=queue.SWEEP, soft_time_limit=60, time_limit=90, ignore_result=True)
def sweep() -> None:
    """Find what was lost."""
    swept = jobs_sweep()
    if swept.started:
        log.info("jobs_swept", started=swept.started)


@shared_task(name=queue.FIND_LOST, soft_time_limit=60, time_limit=90, ignore_result=True)
def find_lost(before: str) -> None:
    """Publish again what was lost: this came from the end of the line, so all calls before it were taken."""
    found = items_find_lost(before=datetime.fromisoformat(before))
    if found != Found(0, 0):
        log.warning("calls_lost", dispatched=found.dispatched, exhausted=found.exhausted)


@shared_task(name=queue.PRUNE, soft_time_limit=60, time_limit=90, ignore_result=True)
def prune() -> None:
    """Delete jobs older than the retention; what does not fit into one run is left to another."""
    before = timezone.now() - timedelta(days=settings.JOB_RETENTION_DAYS)
    deleted, is_done = jobs_prune(before=before, seconds=BUDGET)
    if deleted:
        log.info("jobs_pruned", jobs=deleted, done=is_done)
    if not is_done:
        queue.prune()
