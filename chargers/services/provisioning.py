"""The first life of a charger: created, wanted, or given up. The host that claims it makes it READY."""

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from django.db import IntegrityError, transaction
from django.utils import timezone

from chargers.choices import ConnectorType, MessageLog, OcppVersion
from chargers.errors import IdentityInUse
from chargers.models import Charger
from chargers.models.charger import PROVISIONING_MOVES
from chargers.services.nudge import nudge
from chargers.services.room import room_take
from ocpplab.common.choices import ProvisioningStatus
from ocpplab.common.transitions import move

IDENTITY_CONSTRAINT = "charger_identity_unique_at_csms"


@dataclass(frozen=True, slots=True)
class NewCharger:
    """A charger to be: values as the rules in `chargers.rules` return them, ids that were looked up."""

    organization_id: uuid.UUID
    identity: str
    model_id: uuid.UUID
    connector_type: ConnectorType | str
    ocpp_version: OcppVersion | str
    ws_url: str
    name: str | None = None
    location_id: uuid.UUID | None = None
    location_name: str | None = None
    message_log: MessageLog | str = MessageLog.ALL
    turn: int = 0


def charger_create(
    *,
    new: NewCharger,
    status: ProvisioningStatus = ProvisioningStatus.PENDING,
    wanted: bool = True,
    reserved: bool = False,
) -> Charger:
    """Create a charger; with `wanted`, hosts hear of it after commit.

    Raises `IdentityInUse` when the organization has another charger with this identity at this `ws_url`, and
    `ChargerLimitReached` when it may not have one more (not looked at when its room was `reserved`); a surrounding
    transaction stays usable then.
    """
    charger = _row(new, status, wanted)
    try:
        with transaction.atomic():
            charger.save(force_insert=True)
            if not reserved:
                room_take(organization_id=new.organization_id, asked=1)
    except IntegrityError as error:
        if is_identity_clash(error):
            raise IdentityInUse(new.identity, new.ws_url) from None
        raise
    if wanted:
        nudge()
    return charger


def chargers_create(*, news: Sequence[NewCharger], status: ProvisioningStatus) -> list[Charger | None]:
    """Create wanted chargers of one organization, whose room was reserved, in one statement; return them in order.

    None stands for one whose identity is in use at its CSMS, by a charger or earlier in `news`. When another takes an
    identity in this very moment, `IntegrityError` comes through and nothing is created; a surrounding transaction stays
    usable then.
    """
    taken = set(
        Charger.objects.filter(
            organization_id=news[0].organization_id,
            ws_url__in={new.ws_url for new in news},
            identity__in=[new.identity for new in news],
        ).values_list("ws_url", "identity")
    )
    rows: list[Charger | None] = []
    for new in news:
        key = (new.ws_url, new.identity)
        rows.append(None if key in taken else _row(new, status, wanted=True))
        taken.add(key)
    with transaction.atomic():
        Charger.objects.bulk_create([row for row in rows if row is not None])
    nudge()
    return rows


def _row(new: NewCharger, status: ProvisioningStatus, wanted: bool) -> Charger:
    return Charger(
        organization_id=new.organization_id,
        location_id=new.location_id,
        model_id=new.model_id,
        identity=new.identity,
        name=new.name,
        connector_type=new.connector_type,
        ocpp_version=new.ocpp_version,
        ws_url=new.ws_url,
        location_name=new.location_name,
        message_log=new.message_log,
        turn=new.turn,
        wanted=wanted,
        provisioning_status=status,
    )


def chargers_want(*, ids: Collection[int]) -> int:
    """Want sessions for chargers that wait or failed, and return how many were moved to PROVISIONING.

    A charger that a host has claimed before is not touched.
    """
    moved = move(
        Charger.objects.filter(id__in=ids),
        PROVISIONING_MOVES,
        to=ProvisioningStatus.PROVISIONING,
        field="provisioning_status",
        wanted=True,
        error_code="",
        error_message="",
        updated_at=timezone.now(),
    )
    if moved:
        nudge()
    return moved


def chargers_give_up(*, ids: Collection[int], code: str, message: str) -> list[int]:
    """Fail chargers that no host has claimed, and return the ids of those that really were given up.

    A claim that comes in between wins: its charger is READY and stays so.
    """
    with transaction.atomic():
        waiting = Charger.objects.filter(
            id__in=ids,
            host=None,
            provisioning_status__in=PROVISIONING_MOVES[ProvisioningStatus.FAILED],
        )
        # Locked in one order, so that two of these cannot wait for each other.
        found = list(waiting.order_by("id").select_for_update().values_list("id", flat=True))
        Charger.objects.filter(id__in=found).update(
            wanted=False,
            provisioning_status=ProvisioningStatus.FAILED,
            error_code=code,
            error_message=message[:2000],
            updated_at=timezone.now(),
        )
    return found


def is_identity_clash(error: IntegrityError) -> bool:
    """Whether the database refused a second charger with the same identity at the same CSMS."""
    diagnosis = getattr(error.__cause__, "diag", None)
    return getattr(diagnosis, "constraint_name", None) == IDENTITY_CONSTRAINT
