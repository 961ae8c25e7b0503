"""Housekeeping of chargers on the Celery worker."""

from datetime import timedelta

import structlog
from celery import shared_task
from django.conf import settings
from django.utils import timezone

from chargers.services.commands import commands_lose_orphans
from chargers.services.forgetting import books_prune
from chargers.services.pruning import hosts_forget, messages_prune

log = structlog.get_logger(__name__)

#: seconds that one run may take, in which a process of the worker does nothing else; and the priority with which it is
#: published again: after everything else
BUDGET = 5.0
LAST = 9


@shared_task(name="chargers.prune_messages", ignore_result=True)
def prune_messages() -> None:
    """Delete messages older than the retention; what does not fit into one run is left to another right after it."""
    before = timezone.now() - timedelta(days=settings.MESSAGE_RETENTION_DAYS)
    deleted, is_done = messages_prune(before=before, seconds=BUDGET)
    hosts = hosts_forget()
    if deleted or hosts:
        log.info("pruned", messages=deleted, hosts=hosts, done=is_done)
    if not is_done:
        prune_messages.apply_async(priority=LAST)


@shared_task(name="chargers.prune_books", ignore_result=True)
def prune_books() -> None:
    """Delete old commands and transactions; what does not fit into one run is left to another right after it."""
    now = timezone.now()
    deleted = books_prune(
        commands_before=now - timedelta(days=settings.COMMAND_RETENTION_DAYS),
        transactions_before=now - timedelta(days=settings.TRANSACTION_RETENTION_DAYS),
        seconds=BUDGET,
    )
    if deleted is None:
        prune_books.apply_async(priority=LAST)
    elif deleted:
        log.info("books_pruned", rows=deleted)


@shared_task(name="chargers.lose_orphans", ignore_result=True)
def lose_orphans() -> None:
    """End commands of hosts that are gone. Living hosts do the same; this is for when there is none."""
    lost = commands_lose_orphans()
    if lost:
        log.info("commands_lost", count=lost)
