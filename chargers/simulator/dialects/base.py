"""The shape of a dialect: blocks with tables, and the dialect that joins them.

A block is one functional block of a specification: stateless, one object for all chargers. What a charger remembers
is in its `Context`. To add a message, add a row to a block's table; to add a capability, add a block to the dialect's
tuple.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

from chargers.protocol import Fault, Payload, Version, actions
from chargers.simulator.effects import Credentials, Intent, KeyPair, Transfer
from chargers.simulator.model.charging import Transaction
from chargers.simulator.model.settings import Variable
from chargers.simulator.model.station import Connector

from .deliveries import Delivery

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
    FIRMWARE_UPDATE = "firmware_update"  #: it starts its new firmware
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


@dataclass(slots=True, frozen=True)
class Done:
    """What became of an intent: see `effects.Settled`."""

    ok: bool
    code: str = "accepted"
    data: Payload = field(default_factory=dict)


CallHandler = Callable[["Context", Payload], "Payload | Refusal"]  #: a valid request in, its answer out
AnswerHandler = Callable[["Context", Payload, "Payload | Failure"], None]  #: our request and what became of it
TimerHandler = Callable[["Context"], None]
SettingHandler = Callable[["Context"], None]
#: An order in, its outcome out. None: it is settled later, by exactly one `Context.settle_intent`.
IntentHandler = Callable[["Context", Intent], "Done | None"]
TriggerHandler = Callable[["Context", Payload], bool]  #: the trigger request in; whether it is accepted


class Block:
    """One functional block. Every table is read once, when the dialect is made."""

    title: str = ""
    memory_key: str = ""  #: the name of what `remember` gives, in the memory of the charger

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

    def intents(self) -> Mapping[str, IntentHandler]:
        """Orders of the lab that it carries out, by `Intent.kind`."""
        return {}

    def variables(self) -> Iterable[Variable]:
        """The settings that outlast a restart; several blocks may name the same."""
        return ()

    def remember(self, ctx: "Context") -> Any:
        """What outlasts a restart, as JSON; None when there is nothing. Needs a `memory_key`."""

    def restore(self, ctx: "Context", memory: Any) -> None:
        """Take back what `remember` gave, before the station is powered on."""

    def powered_on(self, ctx: "Context") -> None:
        """The station has power (again), or rebooted. There is no connection yet."""

    def moved(self, ctx: "Context") -> None:
        """The charger goes on at another simulator host: it kept its power, but not what that host did for it."""

    def powering_off(self, ctx: "Context") -> None:
        """The station loses its power in an orderly way. There is no connection any more."""

    def connected(self, ctx: "Context") -> None:
        """A connection is up, whether the charger is registered or not."""

    def accepted(self, ctx: "Context") -> None:
        """The first BootNotification since power-up was accepted."""

    def reconnected(self, ctx: "Context", away: float) -> None:
        """A charger that was accepted before is connected again, after `away` seconds, without a reboot."""

    def clock_set(self, ctx: "Context") -> None:
        """The charger's clock was set forward or back by more than it drifts."""

    def connector_changed(self, ctx: "Context", connector: Connector) -> None:
        """The condition of a connector changed; `Connector.shown` is what it was."""

    def station_changed(self, ctx: "Context") -> None:
        """The condition of the station as a whole changed."""

    def power_turned(self, ctx: "Context") -> None:
        """An instant came at which something was to change at a connector by itself: full, limit, end of a plan."""

    def transaction_started(self, ctx: "Context", transaction: Transaction) -> None:
        """A transaction began; it is the connector's already. StartTransaction was queued."""

    def transaction_numbered(self, ctx: "Context", transaction: Transaction) -> None:
        """The CSMS named the id of a running transaction, which is in `Transaction.number` now."""

    def transaction_ended(self, ctx: "Context", transaction: Transaction) -> None:
        """A transaction ended; the connector has none any more. StopTransaction was queued."""

    def claim_ended(self, ctx: "Context", connector: Connector) -> None:
        """Nobody used the right to charge in time."""

    def unplugged(self, ctx: "Context", connector: Connector) -> None:
        """A car was taken away."""

    def error_noticed(self, ctx: "Context", error: str) -> None:
        """The station noticed something that the CSMS should know; `error` is a word of the version."""

    def delivered(self, ctx: "Context", delivery: Delivery, answer: Payload) -> None:
        """The CSMS took in a transaction message and answered with a result."""

    def delivery_settled(self, ctx: "Context") -> None:
        """A transaction message left the queue, delivered or given up."""

    def transferred(self, ctx: "Context", transfer_id: str, transfer: Transfer) -> None:
        """A file transfer ended; every block hears of it, also of one that was given up meanwhile."""

    def key_made(self, ctx: "Context", key_id: str, pair: KeyPair) -> None:
        """A key pair that somebody asked for is there."""

    def dial_failed(self, ctx: "Context") -> None:
        """No connection came to be."""

    def disconnected(self, ctx: "Context") -> None:
        """The connection is gone; every CALL was settled."""


class Courier(Protocol):
    """How a dialect delivers transaction messages, which wait for the CSMS as long as it takes."""

    def request(self, ctx: "Context", delivery: Delivery) -> Payload:
        """The payload to send now."""

    def answered(self, ctx: "Context", delivery: Delivery, answer: "Payload | Failure") -> None:
        """What became of it."""


class Dialect:
    """One version of OCPP: its blocks, joined into tables that all chargers share.

    `not_supported` and `not_sent` name every other action of the version with the reason: what a CSMS may send and
    gets `NotSupported` for, and what a charger could send but this one does not. `courier` is the block that delivers
    transaction messages, if there are any. `credentials` says how a charger proves who it is when it dials.
    """

    def __init__(
        self,
        version: Version,
        blocks: Iterable[Block],
        *,
        not_supported: Mapping[str, str],
        not_sent: Mapping[str, str],
        courier: Courier | None = None,
        credentials: "Callable[[Context], Credentials | None] | None" = None,
    ) -> None:
        self.version = version
        self.actions = actions(version)  #: every action of the version, whoever sends it
        self.blocks = tuple(blocks)
        self.not_supported = not_supported
        self.not_sent = not_sent
        self.courier = courier
        self.credentials = credentials
        self.calls: dict[str, CallHandler] = {}
        self.answers: dict[str, AnswerHandler] = {}
        self.timers: dict[str, TimerHandler] = {}
        self.settings: dict[Variable, SettingHandler] = {}
        self.triggers: dict[str, TriggerHandler] = {}
        self.intents: dict[str, IntentHandler] = {}
        self.variables: dict[str, Variable] = {}  #: by `Variable.key`
        #: two hooks that every transaction message calls, of the blocks that have something to do in them
        self.delivered = [one.delivered for one in self.blocks if type(one).delivered is not Block.delivered]
        self.delivery_settled = [
            one.delivery_settled for one in self.blocks if type(one).delivery_settled is not Block.delivery_settled
        ]
        for block in self.blocks:
            _join(self.calls, block.calls())
            _join(self.answers, block.answers())
            _join(self.timers, block.timers())
            _join(self.settings, block.settings())
            _join(self.triggers, block.triggers())
            _join(self.intents, block.intents())
            self.variables.update({variable.key: variable for variable in block.variables()})


def _join(whole: dict[K, V], part: Mapping[K, V]) -> None:
    twice = whole.keys() & part.keys()
    if twice:
        raise ValueError(f"two blocks claim {sorted(map(str, twice))}")
    whole.update(part)
