"""Housekeeping of the built-in CSMS on the Celery worker."""

from datetime import timedelta

import structlog
from celery import shared_task
from django.conf import settings

from .store import transactions_prune

log = structlog.get_logger(__name__)


@shared_task(name="csms.prune_transactions", ignore_result=True)
def prune_transactions() -> None:
    """Delete transactions that were not heard of for as long as messages are kept."""
    deleted = transactions_prune(older_than=timedelta(days=settings.MESSAGE_RETENTION_DAYS))
    if deleted:
        log.info("csms_pruned", transactions=deleted)
