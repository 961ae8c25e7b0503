"""Giving orders to chargers: to one, with its outcome when that is wanted; to many, without waiting.

A command is a row and a hint to the host that holds the charger: the host takes its rows, and runs each at most once.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Case, Q, Value, When
from django.db.models.functions import Now

from chargers.choices import CommandStatus, HostStatus
from chargers.errors import ChargerNotRunning, LabStopped
from chargers.models import Charger, Command
from chargers.models.command import LOSE_ORPHANS
from chargers.protocol.secrets import secrets_changed
from chargers.selectors.stops import stop_current
from chargers.services.outcomes import outcome_await
from chargers.simulator import wire
from ocpplab.common.sealing import vault

#: seconds that a caller who wants the outcome waits at most
WAIT_MOST: Final = 5.0
#: why a charger cannot be ordered now
STOPPED: Final = "charger_stopped"
NOT_HOSTED: Final = "charger_not_hosted"
LAB_STOPPED: Final = LabStopped.code
_WHY: Final = {
    STOPPED: "The charger is stopped: start it first.",
    LAB_STOPPED: "The whole lab is stopped: try again when an administrator has resumed it.",
    NOT_HOSTED: "No simulator holds the charger at the moment: try again in a few seconds.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one command.

    `status` is queued or running while there is no outcome yet; done and failed are the session's own word with its
    stable `code` (`accepted`, `unknown_connector`, …) and `data`; lost: the host ended before it said, code
    `host_lost` (`data["ran"]` False: it was certainly not carried out; None: nobody knows).
    """

    command_id: str
    status: CommandStatus
    code: str = ""
    data: dict[str, Any] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether the charger did it."""
        return self.status is CommandStatus.DONE


@dataclass(frozen=True, slots=True, kw_only=True)
class Queued:
    """A charger of a fan-out whose command stands."""

    charger: Charger
    command_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NotQueued:
    """A charger of a fan-out that cannot be ordered now, and why: a stable code and a sentence."""

    charger: Charger
    code: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FanOut:
    """What a fan-out did, in the order of the chargers given."""

    queued: list[Queued]
    failed: list[NotQueued]


def command_send(*, charger: Charger, kind: str, data: dict[str, Any], wait: float | None = None) -> Outcome:
    """Give one order; with `wait` (seconds, at most WAIT_MOST) its outcome is awaited so long.

    Raises `ChargerNotRunning` when no simulator holds the charger (stopped, or waiting for a host); nothing is written
    then. Must not be called inside a transaction.
    """
    done = _give([charger], kind, data)
    if done.failed:
        refusal = done.failed[0]
        raise ChargerNotRunning(refusal.detail, code=refusal.code, retryable=refusal.code != STOPPED)
    command_id = done.queued[0].command_id
    if wait is not None:
        settlement = outcome_await(command_id=command_id, seconds=min(wait, WAIT_MOST))
        if settlement is not None:
            code, result = settlement.outcome["code"], settlement.outcome["data"]
            return Outcome(command_id=command_id, status=settlement.status, code=code, data=result)
    return Outcome(command_id=command_id, status=CommandStatus.QUEUED)


def commands_fan_out(*, chargers: Iterable[Charger], kind: str, data: dict[str, Any]) -> FanOut:
    """Give the same order to many; a charger that no simulator holds is in `failed`, and the others are queued.

    Three statements whatever the number of chargers. Must not be called inside a transaction.
    """
    return _give(list(chargers), kind, data)


def commands_lose_orphans() -> int:
    """Mark commands lost whose host holds their charger no more, and return how many. Hosts do it too."""
    with connection.cursor() as cursor:
        cursor.execute(LOSE_ORPHANS)
        return int(cursor.rowcount)


def _give(chargers: Sequence[Charger], kind: str, data: dict[str, Any]) -> FanOut:
    """Queue a command for each charger that a living host holds, and tell the hosts."""
    result = FanOut(queued=[], failed=[])
    payload = secrets_changed(data, vault().resealed)
    # Durable: inside a caller's transaction no host would see the rows while the caller waits for them.
    with transaction.atomic(durable=True):
        leases = _leases(chargers)
        absent = NOT_HOSTED
        if any(obstacle == NOT_HOSTED for *_, obstacle in leases.values()) and stop_current() is not None:
            absent = LAB_STOPPED
        commands = []
        for charger in chargers:
            host_id, epoch, obstacle = leases.get(charger.id, (None, 0, NOT_HOSTED))
            if obstacle:
                code = absent if obstacle == NOT_HOSTED else obstacle
                result.failed.append(NotQueued(charger=charger, code=code, detail=_WHY[code]))
                continue
            command = Command(charger_id=charger.id, kind=kind, payload=payload, host_id=host_id, lease_epoch=epoch)
            commands.append(command)
            result.queued.append(Queued(charger=charger, command_id=command.id))
        Command.objects.bulk_create(commands)
        if commands:
            transaction.on_commit(wire.orders, robust=True)
    return result


def _leases(chargers: Sequence[Charger]) -> dict[int, tuple[Any, int, str]]:
    """Return who holds each charger now: host, epoch, and what stands in the way of an order ("" for nothing)."""
    living = Q(host__status=HostStatus.LIVE, host__beat_at__gt=Now() - timedelta(seconds=settings.HOST_DEAD_AFTER))
    rows = Charger.objects.filter(id__in=[charger.id for charger in chargers]).annotate(
        obstacle=Case(When(wanted=False, then=Value(STOPPED)), When(living, then=Value("")), default=Value(NOT_HOSTED))
    )
    return {key: tuple(lease) for key, *lease in rows.values_list("id", "host_id", "lease_epoch", "obstacle")}
