"""Deleting chargers."""

import uuid
from collections.abc import Collection

from django.db import transaction
from django.db.models import QuerySet

from chargers.models import Charger
from chargers.services.nudge import nudge


def chargers_delete(*, rows: QuerySet[Charger], charger_ids: Collection[str]) -> list[str]:
    """Delete the chargers among `rows` with these public ids, and return the ids of those that this call deleted.

    Hosts close the sessions when they notice. The message log of a deleted charger can no longer be reached; its rows
    are removed by the next `messages_prune`, because a long log would hold up the caller for seconds.
    """
    with transaction.atomic():
        wanted = rows.filter(public_id__in=set(charger_ids)).order_by("id").select_for_update(of=("self",))
        found = dict(wanted.values_list("public_id", "id"))
        if found:
            Charger.objects.filter(id__in=found.values()).delete()
            nudge()
    return list(found)


def chargers_lock(location_id: uuid.UUID) -> None:
    """Lock the chargers of a location by id, as everybody does who locks several: it is about to be deleted."""
    rows = Charger.objects.filter(location_id=location_id).order_by("id").select_for_update(of=("self",))
    list(rows.values_list("id", flat=True))
