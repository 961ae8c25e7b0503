"""One charger of a job."""

import enum
import secrets
from collections.abc import Collection
from datetime import timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F, Q
from django.utils import timezone

from chargers.errors import IdentityInUse
from chargers.models import Charger
from chargers.services.provisioning import charger_create, chargers_want
from jobs.choices import ITEM_MOVES, ItemStatus
from jobs.errors import ITEM_MESSAGES, RETRYABLE
from jobs.groups import SUFFIX_DIGITS, Group, display_name
from jobs.models import ProvisioningItem, ProvisioningJob
from jobs.services.locking import LockedItem, items_lock
from jobs.services.places import new_charger, place_of
from ocpplab.common.choices import ProvisioningStatus
from ocpplab.common.transitions import move

SUFFIX_DRAWS = 5


class Outcome(enum.StrEnum):
    """What one call came to."""

    CREATED = "created"
    FAILED = "failed"
    SETTLED = "settled"  # somebody else had done it: a repeated call
    GONE = "gone"  # the job, its location or its organization was deleted meanwhile
    RETRY = "retry"  # the call was published again


def item_provision(*, item_id: int) -> Outcome:
    """Create the charger of an item, once, and want it online; or record why that cannot be.

    The item's row is locked until the charger is committed with it, so a second call at the same time waits and then
    finds it done. Database errors that a retry can cure come through as `OperationalError`.
    """
    try:
        with transaction.atomic():
            found = items_lock([item_id])
            if not found:
                return Outcome.GONE
            item = found[0]
            if item.status != ItemStatus.PENDING:
                return Outcome.SETTLED
            return _provision(item)
    except (IntegrityError, ProvisioningJob.DoesNotExist):
        if not ProvisioningItem.objects.filter(pk=item_id).exists():
            return Outcome.GONE  # a foreign key broke because the location is being deleted
        raise


def item_fail(*, item_id: int, code: str) -> bool:
    """Record a failure that no further call can cure; return whether the item was still pending."""
    rows = ProvisioningItem.objects.filter(pk=item_id, status=ItemStatus.PENDING)
    return bool(
        move(
            rows,
            ITEM_MOVES,
            to=ItemStatus.FAILED,
            error_code=code,
            error_message=ITEM_MESSAGES[code],
            error_retryable=code in RETRYABLE,
            moved_at=timezone.now(),
        )
    )


def item_tried(*, item_id: int, due_in: float) -> None:
    """Count a try that came to nothing and note when the next one is due, in seconds from now."""
    ProvisioningItem.objects.filter(pk=item_id, status=ItemStatus.PENDING).update(
        attempts=F("attempts") + 1, dispatched_at=timezone.now() + timedelta(seconds=due_in)
    )


def _provision(item: LockedItem) -> Outcome:
    charger_id = item.charger_id
    if charger_id is not None:
        chargers_want_again([charger_id])
    else:
        try:
            charger_id = _create(item).id
        except IdentityInUse as error:
            code = error.code if item.explicit else "no_free_suffix"
            message = error.detail if item.explicit else ITEM_MESSAGES[code]
            return _moved(item, ItemStatus.FAILED, error_code=code, error_message=message)
    return _moved(item, ItemStatus.CREATED, charger_id=charger_id, identity=item.identity, name=item.name)


def chargers_want_again(ids: Collection[int]) -> None:
    """Want chargers that items have already: a single create wrote its row at once, a retry may find one given up.

    One that its user has stopped meanwhile stays stopped.
    """
    given_up = Q(provisioning_status=ProvisioningStatus.FAILED)
    chargers_want(ids=Charger.objects.filter(Q(wanted=True) | given_up, pk__in=ids).values_list("pk", flat=True))


def _moved(item: LockedItem, to: ItemStatus, **changes: Any) -> Outcome:
    move(ProvisioningItem.objects.filter(pk=item.id), ITEM_MOVES, to=to, moved_at=timezone.now(), **changes)
    return Outcome.CREATED if to == ItemStatus.CREATED else Outcome.FAILED


def _create(item: LockedItem) -> Charger:
    """Create the charger; a drawn suffix that clashes is drawn again, into `item`. Raises `IdentityInUse`."""
    group = place_of(item.job_id).groups[item.group]
    for _ in range(SUFFIX_DRAWS):
        try:
            return charger_create(
                new=new_charger(item), status=ProvisioningStatus.PROVISIONING, wanted=True, reserved=True
            )
        except IdentityInUse:
            if item.explicit:
                raise
            _draw_again(item, group)
    raise IdentityInUse(item.identity, group["ws_url"])


def _draw_again(item: LockedItem, group: Group) -> None:
    """Give the item another suffix, one that no item of its job has."""
    siblings = ProvisioningItem.objects.filter(job_id=item.job_id)
    while True:
        suffix = secrets.token_hex(SUFFIX_DIGITS // 2)
        if not siblings.filter(identity__endswith=suffix).exists():
            break
    item.identity, item.name = group["prefix"] + suffix, display_name(group["name"], suffix)
