"""Housekeeping of chargers on the Celery worker."""

from datetime import timedelta

import structlog
from celery import shared_task
from django.conf import settings
from django.utils import timezone

from chargers.services.pruning import hosts_forget, messages_prune

log = structlog.get_logger(__name__)

#: seconds that one run may take; well below the time limit of a task
BUDGET = 60.0


@shared_task(name="chargers.prune_messages", ignore_result=True)
def prune_messages() -> None:
    """Delete messages older than the retention; what does not fit into one run is left to another right after it."""
    before = timezone.now() - timedelta(days=settings.MESSAGE_RETENTION_DAYS)
    deleted, is_done = messages_prune(before=before, seconds=BUDGET)
    hosts = hosts_forget()
    if deleted or hosts:
        log.info("pruned", messages=deleted, hosts=hosts, done=is_done)
    if not is_done:
        prune_messages.delay()
