"""Power switch of chargers: whether they should have a session, and a fresh one."""

from collections.abc import Collection

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from chargers.models import Charger
from chargers.services.nudge import nudge
from chargers.services.provisioning import chargers_want


def chargers_start(*, ids: Collection[int]) -> int:
    """Want sessions, and return how many chargers had been stopped. One that failed to be provisioned tries again."""
    with transaction.atomic():
        _lock(ids)
        stopped = Charger.objects.filter(id__in=ids, wanted=False)
        count = stopped.update(wanted=True, updated_at=timezone.now())
        chargers_want(ids=ids)
        nudge()
    return count


def chargers_stop(*, ids: Collection[int]) -> int:
    """Want no sessions, and return how many chargers had been running or waiting for one."""
    with transaction.atomic():
        _lock(ids)
        count = Charger.objects.filter(id__in=ids, wanted=True).update(wanted=False, updated_at=timezone.now())
        if count:
            nudge()
    return count


def chargers_reset(*, ids: Collection[int]) -> int:
    """Want fresh sessions, and return of how many chargers: whoever runs starts anew, whoever is stopped starts."""
    with transaction.atomic():
        _lock(ids)
        chargers = Charger.objects.filter(id__in=ids)
        count = chargers.update(wanted=True, revision=F("revision") + 1, updated_at=timezone.now())
        chargers_want(ids=ids)
        nudge()
    return count


def _lock(ids: Collection[int]) -> None:
    """Lock the chargers in one order, so that two who want several of the same cannot wait for each other."""
    if len(ids) > 1:
        rows = Charger.objects.filter(id__in=ids).order_by("id").select_for_update(no_key=True)
        list(rows.values_list("id", flat=True))
