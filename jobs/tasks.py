"""Task calls of jobs. Ids in, outcomes out; no call sleeps or waits for another, and each may run twice."""

import uuid

import structlog
from celery import shared_task
from celery.exceptions import SoftTimeLimitExceeded
from django.db import InterfaceError, OperationalError, close_old_connections

from jobs import queue
from jobs.services import Outcome, item_fail, item_provision, item_tried, job_settle, job_start, jobs_sweep

log = structlog.get_logger(__name__)

#: tries of one item that may end in a database error, and the seconds before the next one
MAX_TRIES = 5
BACK_OFF = (0.5, 1.0, 3.0, 10.0, 30.0)

#: a lost connection, a deadlock, a statement that took too long, a server that starts up
TRANSIENT = (OperationalError, InterfaceError)


@shared_task(name=queue.START, soft_time_limit=90, time_limit=120, ignore_result=True)
def start(job_id: str) -> bool:
    """Begin the job: write its items and publish a call for each."""
    return job_start(job_id=uuid.UUID(job_id))


@shared_task(name=queue.PROVISION_ITEM, soft_time_limit=90, time_limit=120)
def provision_item(item_id: int, tries: int = 0) -> str:
    """Create the charger of one item and return what came of it.

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
    if any((swept.started, swept.dispatched, swept.exhausted)):
        log.info("jobs_swept", started=swept.started, dispatched=swept.dispatched, exhausted=swept.exhausted)
