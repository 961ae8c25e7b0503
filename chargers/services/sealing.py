"""Sealing again what is kept of secrets: under the newest key, and what is of a time when nothing was sealed."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from django.db.models import Q, QuerySet, TextField
from django.db.models.functions import Cast

from chargers.models import ChargerMemory, Command
from chargers.protocol.secrets import SECRETS as SECRET_NAMES
from chargers.protocol.secrets import secrets_changed
from chargers.simulator.dialects.memory import SECRETS
from ocpplab.common.sealing import Unsealable, changed_at, vault

_BATCH: Final = 500
#: looks at one memory, which its host may write at the same time; it seals with the newest key, too
_TRIES: Final = 5
#: in a memory, and in those that no session could live with and that it keeps (chargers.simulator.host.past)
_PLACES: Final = (*SECRETS, *(("set_aside", "*", *place) for place in SECRETS))


@dataclass(slots=True)
class Rotation:
    """What became of rows that hold secrets."""

    resealed: int = 0
    current: int = 0  #: they were sealed with the newest key before
    unreadable: int = 0  #: sealed with a key that is not there: left as they are
    busy: int = 0  #: written by somebody else whenever we looked: seal them at another time


def secrets_rotate() -> Rotation:
    """Seal all passwords and private keys of chargers with the first of ENCRYPTION_KEYS.

    May run beside everything else and as often as one likes; each row is changed only if it is still what was read.
    """
    rotation = Rotation()
    for row in _memories().iterator(_BATCH):
        _rotate(rotation, row.pk, row.state, _MEMORY)
    for order in _commands().iterator(_BATCH):
        _rotate(rotation, order.pk, order.payload, _COMMAND)
    return rotation


@dataclass(slots=True, frozen=True)
class _Kind:
    """How one kind of rows is sealed, read again, and written if it is still what was read."""

    reseal: Callable[[Any], Any]
    read: Callable[[Any], Any]
    write: Callable[[Any, Any, Any], bool]


def _rotate(rotation: Rotation, key: Any, old: Any, kind: _Kind) -> None:
    for _ in range(_TRIES):
        try:
            new = kind.reseal(old)
        except Unsealable:
            rotation.unreadable += 1
            return
        if new is old:
            rotation.current += 1
            return
        if kind.write(key, old, new):
            rotation.resealed += 1
            return
        old = kind.read(key)
        if old is None:  # deleted
            return
    rotation.busy += 1


def _memories() -> QuerySet[ChargerMemory]:
    """Those that may hold a secret: most hold none."""
    holds = Q(state__upkeep__isnull=False) | Q(state__set_aside__isnull=False)
    for place in SECRETS:
        if place[0] == "settings":
            holds |= Q(state__settings__has_key=place[1])
    return ChargerMemory.objects.filter(holds).order_by("pk")


def _memory_read(charger_id: int) -> Any:
    return ChargerMemory.objects.filter(pk=charger_id).values_list("state", flat=True).first()


def _memory_resealed(state: Any) -> Any:
    return changed_at(state, _PLACES, vault().resealed)


def _memory_written(charger_id: int, old: Any, new: Any) -> bool:
    return ChargerMemory.objects.filter(pk=charger_id, state=old).update(state=new) == 1


def _commands() -> QuerySet[Command]:
    named = Command.objects.annotate(text=Cast("payload", TextField()))
    return named.filter(text__iregex="|".join(sorted(SECRET_NAMES))).order_by("pk")


def _command_resealed(payload: Any) -> Any:
    return secrets_changed(payload, vault().resealed)


def _command_read(command_id: str) -> Any:
    return Command.objects.filter(pk=command_id).values_list("payload", flat=True).first()


def _command_written(command_id: str, old: Any, new: Any) -> bool:
    return Command.objects.filter(pk=command_id, payload=old).update(payload=new) == 1


_MEMORY: Final = _Kind(_memory_resealed, _memory_read, _memory_written)
_COMMAND: Final = _Kind(_command_resealed, _command_read, _command_written)
