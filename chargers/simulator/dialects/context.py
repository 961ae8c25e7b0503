"""What one charger remembers while it speaks, and the few things that blocks can do."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from chargers.protocol import Call, CallError, CallResult, Payload, encode, format_time, hidden_in_lines, parse_time
from chargers.simulator.effects import (
    ConnectionState,
    Effect,
    Ledger,
    LedgerEvent,
    Remember,
    Send,
    Settled,
    State,
)
from chargers.simulator.model.authorization import Authorizations
from chargers.simulator.model.backoff import BackOff
from chargers.simulator.model.clock import Clock
from chargers.simulator.model.dice import Dice
from chargers.simulator.model.driver import Driver
from chargers.simulator.model.settings import Settings, Variable, Written
from chargers.simulator.model.specs import ChargerSpec
from chargers.simulator.model.station import NEVER, Condition, Connector, Evse, Station
from chargers.simulator.model.upkeep import Upkeep
from chargers.simulator.model.variables import MESSAGE_TIMEOUT

from .base import BOOT, AnswerHandler, BootCause, Dialect, Done, Failure, Registration
from .deliveries import Deliveries, Delivery

ANSWER_TIMER: Final = "answer"  #: the outstanding CALL has no answer yet
POWER_TIMER: Final = "power"  #: what flows at a connector, or may flow, changes
REMEMBER_TIMER: Final = "remember"  #: a change that is not urgent is to be told
CLOCK_STEP: Final = 1.0  #: s; by less, the way of a message through the network sets the clock
PROGRESS_EVERY: Final = 60.0  #: s between two effects Remember that are not urgent
MAX_QUEUE: Final = (
    100  #: CALLs that wait to be sent; a CSMS that triggers without end and never answers fills no memory
)
MAX_DETAIL: Final = 300  #: characters of a state's detail, part of which a CSMS may have written


@dataclass(slots=True)
class Queued:
    """A CALL that waits for its turn. `asked`: the CSMS wants it, so it may go while the registration is pending.

    `turn` is its place among all that wait; `then` hears of the outcome instead of the dialect's table.
    """

    action: str
    payload: Payload
    asked: bool
    turn: int
    then: AnswerHandler | None


@dataclass(slots=True)
class Outstanding:
    """The one CALL that was sent and has no answer yet."""

    id: str
    action: str
    payload: Payload
    then: AnswerHandler
    sent_at: float


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
        "_calls",
        "_last_was_late",
        "_life",
        "_remember",
        "_remembered_at",
        "_turn",
        "authorizations",
        "back_off",
        "behaviour",
        "boot_cause",
        "clock",
        "connected",
        "deliveries",
        "dialect",
        "dice",
        "driver",
        "effects",
        "hang_up",
        "last_sent",
        "now",
        "oddities",
        "outstanding",
        "power_changed",
        "queue",
        "reboot",
        "registration",
        "resetting",
        "settings",
        "shown",
        "spec",
        "station",
        "timers",
        "unreported",
        "unstable",
        "upkeep",
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
        self.deliveries: Deliveries | None = None
        self.authorizations: Authorizations | None = None
        self.driver: Driver | None = None
        self.behaviour: dict[str, Any] | None = None  #: what the driver was made of
        self.resetting: int | None = (
            None  #: how often a soft reset may still wait for the CSMS; None: none is under way
        )
        #: by connector: until when its new condition must last to be reported, and the one that was reported
        self.unstable: dict[int, tuple[float, Condition]] | None = None
        self.upkeep: Upkeep | None = None
        self.hang_up = ""  #: why the connection is to be closed at the end of the turn, and dialled again
        self.power_changed = False  #: set it when anything that power depends on changed; the turn's end sees to it
        #: ids of CALLs are UUIDs of which only the last part differs within a life: new dice for each took longer than
        #: to write the message down
        self._life = self.dice.uuid()[:24]
        self._calls = 0
        self._turn = 0
        self._last_was_late = False
        self._remember = 0
        self._remembered_at = now

    @property
    def online(self) -> bool:
        """Connected and accepted: any CALL may be sent."""
        return self.connected and self.registration is Registration.ACCEPTED

    def timestamp(self) -> str:
        """The charger's own time now, as on the wire."""
        return format_time(self.clock.at(self.now))

    def set_clock(self, text: str) -> None:
        """Set the clock to a time that the CSMS named; one that makes no sense is counted and ignored."""
        shown, before = parse_time(text), self.clock.at(self.now)
        if shown is None or not self.clock.set(self.now, shown):
            self.count("unusable_time")
        elif abs(shown - before) > CLOCK_STEP:
            for block in self.dialect.blocks:
                block.clock_set(self)

    def count(self, oddity: str) -> None:
        """Remember that something odd happened, by name."""
        if self.oddities is None:
            self.oddities = {}
        self.oddities[oddity] = self.oddities.get(oddity, 0) + 1

    def state(self, state: ConnectionState, detail: str = "") -> None:
        """Show where the charger stands; saying the same twice is one effect."""
        clean = "".join(character if character.isprintable() else " " for character in detail)
        shown = State(state, hidden_in_lines(clean)[:MAX_DETAIL])
        if shown != self.shown:
            self.shown = shown
            self.effects.append(shown)

    def call(self, action: str, payload: Payload, *, asked: bool = False, then: AnswerHandler | None = None) -> None:
        """Queue a CALL. Its outcome goes to `then`, or to the handler in the dialect's `answers`; once, in any case."""
        if not self.room_for(1):
            self.count("queue_full")
            failure = Failure("too many messages wait to be sent", lost=True)
            (then or self.dialect.answers[action])(self, payload, failure)
            return
        if self.queue is None:
            self.queue = []
        self.queue.append(Queued(action, payload, asked, self.next_turn(), then))

    def next_turn(self) -> int:
        """The place of the next message among all that wait."""
        self._turn += 1
        return self._turn

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
        if self.outstanding is not None or not self.connected:
            return
        if self.queue is None and (self.deliveries is None or not self.deliveries.waiting):
            return
        delivery = self.deliveries.due(self.now) if self.deliveries is not None and self.online else None
        index = None
        for place, one in enumerate(self.queue or ()):
            if self._permits(one):
                index = place
                break
        if delivery is not None and (index is None or self._before(delivery, index)):
            courier = self.dialect.courier
            assert courier is not None
            self._last_was_late = delivery.late
            self._send(delivery.action, courier.request(self, delivery), partial(_delivered, delivery))
        elif index is not None and self.queue is not None:
            queued = self.queue.pop(index)
            self.queue = self.queue or None
            self._last_was_late = False
            self._send(queued.action, queued.payload, queued.then or self.dialect.answers[queued.action])

    def _before(self, delivery: Delivery, index: int) -> bool:
        """Whether a delivery goes before a CALL that may go, too: in order, but a long replay lets others through."""
        assert self.queue is not None
        return delivery.turn < self.queue[index].turn and not (delivery.late and self._last_was_late)

    def _send(self, action: str, payload: Payload, then: AnswerHandler) -> None:
        self._calls += 1
        message_id = f"{self._life}{self._calls:012x}"
        self.outstanding = Outstanding(message_id, action, payload, then, self.now)
        self.timers[ANSWER_TIMER] = self.now + self.settings.number(MESSAGE_TIMEOUT)
        self.send(Call(message_id, action, payload), action)

    def settle(self, outcome: Payload | Failure) -> None:
        """End the outstanding CALL."""
        ended = self.outstanding
        if ended is not None:
            self.outstanding = None
            self.timers.pop(ANSWER_TIMER, None)
            ended.then(self, ended.payload, outcome)

    def fail_all(self, reason: str) -> None:
        """End every CALL that is outstanding or queued as lost. Call it when the connection is gone."""
        self.settle(Failure(reason, lost=True))
        dropped, self.queue = self.queue, None
        for queued in dropped or ():
            then = queued.then or self.dialect.answers[queued.action]
            then(self, queued.payload, Failure(reason, lost=True))

    def send(self, message: Call | CallResult | CallError, action: str) -> None:
        """Put a message on the wire; `action` as in `effects.Send`."""
        self.last_sent = self.now
        self.effects.append(Send(encode(message), action))

    def write(self, variable: Variable, text: str) -> Written:
        """Change a setting as the CSMS asks, and let the block that minds it act on it."""
        outcome = self.settings.write(variable, text)
        if outcome in {Written.DONE, Written.AFTER_REBOOT}:
            self.remember(urgent=True)
        handler = self.dialect.settings.get(variable)
        if outcome is Written.DONE and handler is not None:
            handler(self)
        return outcome

    def set_operative(self, parts: Iterable[Station | Evse | Connector], operative: bool) -> None:
        """Put parts of the station in or out of service, and tell the blocks which connectors that changed."""
        for part in parts:
            self.station.set_operative(part, operative)
        self.remember(urgent=True)
        self.show_conditions()

    def show_conditions(self) -> None:
        """Tell the blocks which connectors are not as they were. The session does this at the end of each turn."""
        station, now = self.station, self.now
        if station.rests():
            return
        for connector in station.connectors:
            condition = station.connector_condition(connector, now)
            if condition is not connector.shown:
                for block in self.dialect.blocks:
                    block.connector_changed(self, connector)
                connector.shown = condition
        condition = station.condition()
        if condition is not station.shown:
            station.shown = condition
            for block in self.dialect.blocks:
                block.station_changed(self)

    def settle_power(self) -> None:
        """Share the power anew if something changed. The session does this at the end of each turn."""
        if not self.power_changed:
            return
        self.power_changed = False
        change = self.station.distribute(self.now, self.clock.at(self.now))
        if change < NEVER:
            self.timers[POWER_TIMER] = max(change, self.now + 0.001)
        else:
            self.timers.pop(POWER_TIMER, None)
        self.show_conditions()

    # what outlasts the process

    def remember(self, *, urgent: bool) -> None:
        """Something in the memory changed. Told at the end of the turn; if it is not urgent, at most once a minute."""
        self._remember = max(self._remember, 2 if urgent else 1)

    def settle_memory(self) -> None:
        """Tell the shell what `remember` noted. The session does this at the end of each turn."""
        if self._remember == 0:
            return
        if self._remember == 1 and self.now < self._remembered_at + PROGRESS_EVERY:
            self.timers.setdefault(REMEMBER_TIMER, self._remembered_at + PROGRESS_EVERY)
            return
        self.effects.append(Remember(urgent=self._remember == 2))
        self._remember = 0
        self._remembered_at = self.now
        self.timers.pop(REMEMBER_TIMER, None)
        if self.station.transactions():  # the register moves on, whether it is sampled or not
            self.timers[REMEMBER_TIMER] = self.now + PROGRESS_EVERY

    def ledger(self, event: LedgerEvent) -> None:
        """Write into the book of transactions."""
        self.effects.append(Ledger(event))

    def settle_intent(self, intent_id: str, done: Done) -> None:
        """Say what became of an intent whose handler returned None. Does nothing for an empty id."""
        if intent_id:
            self.effects.append(Settled(intent_id, done.ok, done.code, done.data))

    def need_deliveries(self) -> Deliveries:
        """The queue of transaction messages, made when it is first needed."""
        if self.deliveries is None:
            self.deliveries = Deliveries()
        return self.deliveries

    def restore_deliveries(self, memory: dict[str, Any]) -> None:
        """Take the queue of transaction messages back."""
        self._turn = self.need_deliveries().load(memory)

    def need_authorizations(self) -> Authorizations:
        """List and cache, made when they are first needed."""
        if self.authorizations is None:
            self.authorizations = Authorizations()
        return self.authorizations

    def need_upkeep(self) -> Upkeep:
        """Firmware, logs and certificates, made when they are first needed."""
        if self.upkeep is None:
            self.upkeep = Upkeep()
        return self.upkeep

    def seed(self) -> int:
        """A seed for a part of the charger."""
        return self.dice.draw()

    def _permits(self, queued: Queued) -> bool:
        # 1.6 §4.2, 2.0.1 B01-B03: before it is accepted a charger sends BootNotification only, and while it is pending
        # also what the CSMS asks for.
        if queued.action == BOOT or self.registration is Registration.ACCEPTED:
            return True
        return queued.asked and self.registration is Registration.PENDING


def _delivered(delivery: Delivery, ctx: Context, _request: Payload, outcome: Payload | Failure) -> None:
    courier = ctx.dialect.courier
    assert courier is not None
    courier.answered(ctx, delivery, outcome)
