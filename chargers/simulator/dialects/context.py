"""What one charger remembers while it speaks, and the few things that blocks can do."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from chargers.protocol import Call, CallError, CallResult, Payload, encode, format_time, parse_time
from chargers.simulator.effects import ConnectionState, Direction, Effect, Log, Send, State
from chargers.simulator.model.backoff import BackOff
from chargers.simulator.model.clock import Clock
from chargers.simulator.model.dice import Dice
from chargers.simulator.model.settings import Settings, Variable, Written
from chargers.simulator.model.specs import ChargerSpec
from chargers.simulator.model.station import Connector, Evse, Station
from chargers.simulator.model.variables import MESSAGE_TIMEOUT

from .base import BOOT, BootCause, Dialect, Failure, Registration

ANSWER_TIMER: Final = "answer"  #: the outstanding CALL has no answer yet
MAX_QUEUE: Final = (
    100  #: CALLs that wait to be sent; a CSMS that triggers without end and never answers fills no memory
)
MAX_DETAIL: Final = 300  #: characters of a state's detail, part of which a CSMS may have written


@dataclass(slots=True)
class Queued:
    """A CALL that waits for its turn. `asked`: the CSMS wants it, so it may go while the registration is pending."""

    action: str
    payload: Payload
    asked: bool


@dataclass(slots=True)
class Outstanding:
    """The one CALL that was sent and has no answer yet."""

    id: str
    action: str
    payload: Payload


@dataclass(slots=True, frozen=True)
class Reboot:
    """An order to the session to restart the station, which takes `seconds`."""

    cause: BootCause
    seconds: float
    why: str


class Context:
    """One charger's memory. `now` and `effects` belong to the turn that the session is in.

    At most one CALL is outstanding (OCPP-J 1.6 §4.1.1, 2.0.1 §4.1.1), the rest wait in the queue; what may be sent at
    all depends on the registration. Containers that most chargers never need are made when they are first used.
    """

    __slots__ = (
        "back_off",
        "boot_cause",
        "clock",
        "connected",
        "dialect",
        "dice",
        "effects",
        "last_sent",
        "now",
        "oddities",
        "outstanding",
        "queue",
        "reboot",
        "registration",
        "settings",
        "shown",
        "spec",
        "station",
        "timers",
        "unreported",
    )

    def __init__(self, spec: ChargerSpec, dialect: Dialect, *, now: float, seed: int) -> None:
        self.spec = spec
        self.dialect = dialect
        self.station = Station(spec.model)
        self.settings = Settings()
        self.dice = Dice(seed)
        self.clock = Clock()
        self.back_off = BackOff()
        self.now = now
        self.effects: list[Effect] = []
        self.timers: dict[str, float] = {}
        self.registration = Registration.NONE
        self.boot_cause = BootCause.POWER_UP
        self.connected = False
        self.last_sent = now
        self.outstanding: Outstanding | None = None
        self.queue: list[Queued] | None = None
        self.reboot: Reboot | None = None
        self.unreported: set[tuple[int, ...]] | None = None
        self.oddities: dict[str, int] | None = None
        self.shown: State | None = None

    @property
    def online(self) -> bool:
        """Connected and accepted: any CALL may be sent."""
        return self.connected and self.registration is Registration.ACCEPTED

    def timestamp(self) -> str:
        """The charger's own time now, as on the wire."""
        return format_time(self.clock.at(self.now))

    def set_clock(self, text: str) -> None:
        """Set the clock to a time that the CSMS named; one that makes no sense is counted and ignored."""
        shown = parse_time(text)
        if shown is None or not self.clock.set(self.now, shown):
            self.count("unusable_time")

    def count(self, oddity: str) -> None:
        """Remember that something odd happened, by name."""
        if self.oddities is None:
            self.oddities = {}
        self.oddities[oddity] = self.oddities.get(oddity, 0) + 1

    def state(self, state: ConnectionState, detail: str = "") -> None:
        """Show where the charger stands; saying the same twice is one effect."""
        clean = "".join(character if character.isprintable() else " " for character in detail)
        shown = State(state, clean[:MAX_DETAIL])
        if shown != self.shown:
            self.shown = shown
            self.effects.append(shown)

    def call(self, action: str, payload: Payload, *, asked: bool = False) -> None:
        """Queue a CALL. Its outcome goes to the handler in the dialect's `answers`, once, in any case."""
        if not self.room_for(1):
            self.count("queue_full")
            self.dialect.answers[action](self, payload, Failure("too many messages wait to be sent", lost=True))
            return
        if self.queue is None:
            self.queue = []
        self.queue.append(Queued(action, payload, asked))

    def room_for(self, calls: int) -> bool:
        """Whether so many more CALLs fit into the queue."""
        return (len(self.queue) if self.queue else 0) + calls <= MAX_QUEUE

    def is_queued(self, action: str) -> bool:
        """Whether such a CALL is outstanding or waits to be sent."""
        if self.outstanding is not None and self.outstanding.action == action:
            return True
        return self.queue is not None and any(queued.action == action for queued in self.queue)

    def pump(self) -> None:
        """Send the next CALL that is allowed, if none is outstanding. The session does this at the end of each turn."""
        if not self.queue or self.outstanding is not None or not self.connected:
            return
        for index, queued in enumerate(self.queue):
            if self._permits(queued):
                del self.queue[index]
                self.queue = self.queue or None
                break
        else:
            return
        self.outstanding = Outstanding(self.dice.uuid(), queued.action, queued.payload)
        self.timers[ANSWER_TIMER] = self.now + self.settings.number(MESSAGE_TIMEOUT)
        self.send(Call(self.outstanding.id, queued.action, queued.payload), queued.action)

    def settle(self, outcome: Payload | Failure) -> None:
        """End the outstanding CALL."""
        ended = self.outstanding
        if ended is not None:
            self.outstanding = None
            self.timers.pop(ANSWER_TIMER, None)
            self.dialect.answers[ended.action](self, ended.payload, outcome)

    def fail_all(self, reason: str) -> None:
        """End every CALL that is outstanding or queued as lost. Call it when the connection is gone."""
        self.settle(Failure(reason, lost=True))
        dropped, self.queue = self.queue, None
        for queued in dropped or ():
            self.dialect.answers[queued.action](self, queued.payload, Failure(reason, lost=True))

    def send(self, message: Call | CallResult | CallError, action: str) -> None:
        """Put a message on the wire and into the log."""
        text = encode(message)
        self.last_sent = self.now
        self.effects += (Send(text), Log(Direction.TO_CSMS, action, text))

    def write(self, variable: Variable, text: str) -> Written:
        """Change a setting as the CSMS asks, and let the block that minds it act on it."""
        outcome = self.settings.write(variable, text)
        handler = self.dialect.settings.get(variable)
        if outcome is Written.DONE and handler is not None:
            handler(self)
        return outcome

    def set_operative(self, parts: Iterable[Station | Evse | Connector], operative: bool) -> None:
        """Put parts of the station in or out of service, and tell the blocks which connectors that changed."""
        changed: dict[int, Connector] = {}
        for part in parts:
            changed |= {one.number: one for one in self.station.set_operative(part, operative)}
        for number in sorted(changed):
            for block in self.dialect.blocks:
                block.connector_changed(self, changed[number])

    def _permits(self, queued: Queued) -> bool:
        # 1.6 §4.2, 2.0.1 B01-B03: before it is accepted a charger sends BootNotification only, and while it is pending
        # also what the CSMS asks for.
        if queued.action == BOOT or self.registration is Registration.ACCEPTED:
            return True
        return queued.asked and self.registration is Registration.PENDING
