"""The shape of a dialect: blocks with tables, and the dialect that joins them.

A block is one functional block of a specification: stateless, one object for all chargers. What a charger remembers
is in its `Context`. To add a message, add a row to a block's table; to add a capability, add a block to the dialect's
tuple.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final, TypeVar

from chargers.protocol import Fault, Payload, Version
from chargers.simulator.model.settings import Variable
from chargers.simulator.model.station import Connector

if TYPE_CHECKING:
    from .context import Context

K = TypeVar("K")
V = TypeVar("V")

BOOT: Final = "BootNotification"


class BootCause(StrEnum):
    """Why the station boots."""

    POWER_UP = "power_up"
    REMOTE_RESET = "remote_reset"  #: the CSMS asked for it
    LOCAL_RESET = "local_reset"  #: somebody at the station, or in the lab, asked for it
    TRIGGERED = "triggered"  #: no boot at all: the CSMS wants to see the message


class Registration(StrEnum):
    """What the CSMS said to BootNotification since power-up."""

    NONE = "none"
    PENDING = "pending"
    REJECTED = "rejected"
    ACCEPTED = "accepted"


@dataclass(slots=True, frozen=True)
class Refusal:
    """A handler's way to answer a CALL with a CALLERROR."""

    fault: Fault
    description: str


@dataclass(slots=True, frozen=True)
class Failure:
    """A CALL of ours that brought no usable result.

    `lost` tells that the CSMS gave no answer at all (time out, connection lost, or never sent); otherwise it answered
    with a CALLERROR or with something that breaks the schema.
    """

    reason: str
    lost: bool


CallHandler = Callable[["Context", Payload], "Payload | Refusal"]  #: a valid request in, its answer out
AnswerHandler = Callable[["Context", Payload, "Payload | Failure"], None]  #: our request and what became of it
TimerHandler = Callable[["Context"], None]
SettingHandler = Callable[["Context"], None]
TriggerHandler = Callable[["Context", Payload], bool]  #: the trigger request in; whether it is accepted


class Block:
    """One functional block. Every table is read once, when the dialect is made."""

    title: str = ""

    def calls(self) -> Mapping[str, CallHandler]:
        """CALLs of the CSMS that it answers, by action."""
        return {}

    def answers(self) -> Mapping[str, AnswerHandler]:
        """CALLs that it sends, by action. The handler runs exactly once for each CALL, also when it is never sent."""
        return {}

    def timers(self) -> Mapping[str, TimerHandler]:
        """Deadlines that it sets in `Context.timers`, by name. A timer is gone when its handler runs."""
        return {}

    def settings(self) -> Mapping[Variable, SettingHandler]:
        """What to do at once when the CSMS changes a setting."""
        return {}

    def triggers(self) -> Mapping[str, TriggerHandler]:
        """Messages that TriggerMessage can ask of it, by `requestedMessage`."""
        return {}

    def connected(self, ctx: "Context") -> None:
        """A connection is up, whether the charger is registered or not."""

    def accepted(self, ctx: "Context") -> None:
        """The first BootNotification since power-up was accepted."""

    def reconnected(self, ctx: "Context", away: float) -> None:
        """A charger that was accepted before is connected again, after `away` seconds, without a reboot."""

    def connector_changed(self, ctx: "Context", connector: Connector) -> None:
        """The condition of a connector changed."""


class Dialect:
    """One version of OCPP: its blocks, joined into tables that all chargers share.

    `not_supported` and `not_sent` name every other action of the version with the reason: what a CSMS may send and
    gets `NotSupported` for, and what a charger could send but this one does not.
    """

    def __init__(
        self,
        version: Version,
        blocks: Iterable[Block],
        *,
        not_supported: Mapping[str, str],
        not_sent: Mapping[str, str],
    ) -> None:
        self.version = version
        self.blocks = tuple(blocks)
        self.not_supported = not_supported
        self.not_sent = not_sent
        self.calls: dict[str, CallHandler] = {}
        self.answers: dict[str, AnswerHandler] = {}
        self.timers: dict[str, TimerHandler] = {}
        self.settings: dict[Variable, SettingHandler] = {}
        self.triggers: dict[str, TriggerHandler] = {}
        for block in self.blocks:
            _join(self.calls, block.calls())
            _join(self.answers, block.answers())
            _join(self.timers, block.timers())
            _join(self.settings, block.settings())
            _join(self.triggers, block.triggers())


def _join(whole: dict[K, V], part: Mapping[K, V]) -> None:
    twice = whole.keys() & part.keys()
    if twice:
        raise ValueError(f"two blocks claim {sorted(map(str, twice))}")
    whole.update(part)
