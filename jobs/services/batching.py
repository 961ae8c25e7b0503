"""The calls of one message together: what they ask of the database is asked once for all of them."""

from collections.abc import Sequence

from django.db import connection, transaction
from django.utils import timezone

from chargers.services.provisioning import chargers_create
from jobs.choices import ITEM_MOVES, ItemStatus
from jobs.models import ProvisioningItem
from jobs.services.locking import LockedItem, items_lock
from jobs.services.places import new_charger
from jobs.services.provisioning import Outcome, chargers_want_again
from ocpplab.common.choices import ProvisioningStatus

_CREATED = f"""
UPDATE {ProvisioningItem._meta.db_table} item SET status = %(to)s, charger_id = made.charger, moved_at = %(now)s
  FROM unnest(%(items)s::bigint[], %(chargers)s::bigint[]) AS made (item, charger)
 WHERE item.id = made.item AND item.status = ANY(%(allowed)s)
"""  # noqa: S608 - a name of our own


def items_provision(*, item_ids: Sequence[int]) -> dict[int, Outcome]:
    """Do for many items of one job what `item_provision` does for one, in one transaction.

    Returns the outcome of each item that needs no more. Those that are missing need a call of their own, because their
    identity is in use; nothing was changed for them. What goes wrong for one goes wrong for all, and is raised: nothing
    was changed for any then, and each deserves a call of its own.
    """
    done = dict.fromkeys(item_ids, Outcome.GONE)
    with transaction.atomic():
        waiting = []
        for item in items_lock(item_ids):
            done[item.id] = Outcome.SETTLED
            if item.status == ItemStatus.PENDING:
                waiting.append(item)
        made = _chargers_of(waiting)
        _created(made)
    for item in waiting:
        if item.id in made:
            done[item.id] = Outcome.CREATED
        else:
            del done[item.id]
    return done


def _chargers_of(items: Sequence[LockedItem]) -> dict[int, int]:
    """Have the chargers of locked items exist and be wanted; return their ids by item, without identities in use."""
    made = {item.id: item.charger_id for item in items if item.charger_id is not None}
    if made:
        chargers_want_again(made.values())
    fresh = [item for item in items if item.charger_id is None]
    if fresh:
        news = [new_charger(item) for item in fresh]
        chargers = chargers_create(news=news, status=ProvisioningStatus.PROVISIONING)
        made |= {item.id: row.pk for item, row in zip(fresh, chargers, strict=True) if row is not None}
    return made


def _created(made: dict[int, int]) -> None:
    """Note the chargers (item to charger): `move` for rows of which each gets another value."""
    with connection.cursor() as cursor:
        cursor.execute(
            _CREATED,
            {
                "to": ItemStatus.CREATED,
                "allowed": list(ITEM_MOVES[ItemStatus.CREATED]),
                "now": timezone.now(),
                "items": list(made),
                "chargers": list(made.values()),
            },
        )
