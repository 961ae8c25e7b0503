"""The built-in CSMS without I/O: frames and orders in, effects out.

`Central` is the office of one process: its rules, and every station that it has met. `Link` is one connection of one
station; it answers what the station asks, and sends it one CALL at a time (OCPP-J 1.6 §4.1.1, 2.0.1 §4.1.1).
`now` is seconds since the epoch, never going back.
"""

from collections import OrderedDict, deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from chargers.protocol import (
    BadFrame,
    Call,
    CallError,
    CallResult,
    Fault,
    Payload,
    Version,
    actions,
    actions_from_csms,
    encode,
    parse,
    refusal,
    validate_request,
    validate_response,
)

from . import v16, v201
from .answers import Handler
from .effects import Close, Effect, Keep, Order, Outcome, Send, Settled
from .stations import Refusal, Registration, Rules, Station
from .tags import TagStatus
from .transactions import Entry, Transaction

HANDLERS: Final[dict[Version, dict[str, Handler]]] = {Version.V16: v16.HANDLERS, Version.V201: v201.HANDLERS}

MAX_STATIONS: Final = 50_000  #: remembered by a process; unconnected ones are forgotten first
MAX_WAITING: Final = 100  #: orders that wait for one station
_REMEMBERED_IDS: Final = 16  #: ids of calls given up lately, so that a late answer is not taken for an uncalled one
_UNSUPPORTED_DATA: Final = 1003  #: RFC 6455 §7.4.1


class Central:
    """The stations and rules of one process. `prefix` starts the message ids that it gives (at most 20 characters)."""

    def __init__(self, *, rules: Rules | None = None, prefix: str = "csms") -> None:
        self.rules = rules or Rules()
        self.stations: OrderedDict[str, Station] = OrderedDict()
        self.messages = 0
        self.breaches = 0
        self._prefix = prefix
        self._calls = 0

    def connect(self, now: float, key: str, version: Version, history: Iterable[Transaction] = ()) -> "Link":
        """A station has opened a connection. The caller closes an older one of the same key.

        `history` is what was kept of its latest transactions, oldest first.
        """
        station = self.stations.get(key)
        if station is None:
            self._forget()
            station = self.stations[key] = Station(key, version)
        self.stations.move_to_end(key)
        station.version = version
        station.remember(history)
        for one in station.transactions.values():
            if one.is_open and one.token_status == TagStatus.ACCEPTED:
                self.rules.tags.began(one.id_token, key, one.id)
        station.connections += 1
        station.links += 1
        station.connected_at = station.last_seen = now
        return Link(self, station)

    def next_call_id(self) -> str:
        """A message id that this process has not used: at most 36 characters (OCPP-J §4.1.4)."""
        self._calls += 1
        return f"{self._prefix}-{self._calls}"

    def _forget(self) -> None:
        if len(self.stations) >= MAX_STATIONS:
            for key, station in self.stations.items():
                if not station.links:
                    del self.stations[key]
                    return


@dataclass(slots=True)
class _Sent:
    order: Order
    id: str
    deadline: float


class Link:
    """One connection of one station."""

    __slots__ = ("_central", "_given_up", "_open", "_sent", "_triggered", "_waiting", "station")

    def __init__(self, central: Central, station: Station) -> None:
        self.station = station
        self._central = central
        self._sent: _Sent | None = None
        self._waiting: deque[tuple[float, Order]] | None = None  # made at the first order: most links never see one
        self._given_up: deque[str] | None = None
        self._triggered: frozenset[str] = frozenset()
        self._open = True

    def text(self, now: float, text: str) -> list[Effect]:
        """A text frame came from the station."""
        station = self.station
        station.last_seen = now
        station.messages += 1
        self._central.messages += 1
        frame = parse(station.version, text)
        if isinstance(frame, Call):
            return [self._reply(self._answer(now, frame))]
        if isinstance(frame, CallResult):
            return self._result(now, frame)
        if isinstance(frame, CallError):
            return self._error(now, frame)
        return self._unreadable(now, frame)

    def binary(self, now: float) -> list[Effect]:
        """A binary frame came: OCPP-J knows text frames only (§4.1 of both versions)."""
        self.station.last_seen = now
        self._breach("a binary frame")
        return [Close(_UNSUPPORTED_DATA, "OCPP-J uses text frames")]

    def call(self, now: float, order: Order) -> list[Effect]:
        """Send a CALL, now or when those before it are settled. Each order ends in exactly one `Settled`."""
        version = self.station.version
        if not self._open:
            return [Settled(order.tag, _GONE)]
        if order.checked:
            if order.action not in actions_from_csms(version):
                reason = f"{version.value} has no {order.action} that a CSMS may send"
                return [Settled(order.tag, Outcome("invalid", description=reason))]
            breach = validate_request(version, order.action, order.payload)
            if breach is not None:
                return [Settled(order.tag, Outcome("invalid", breach.code, breach.message))]
        if self._waiting is None:
            self._waiting = deque()
        if len(self._waiting) >= MAX_WAITING:
            reason = f"{MAX_WAITING} calls already wait for this station: try again later"
            return [Settled(order.tag, Outcome("busy", description=reason))]
        self._waiting.append((now + order.timeout, order))
        return self._next(now)

    def next_wake(self) -> float | None:
        """When to call `wake`; None when nothing is waited for."""
        if self._sent is None:
            return None
        # An order that waits behind another may run out first.
        return min(self._sent.deadline, *(deadline for deadline, _ in self._waiting or ()), float("inf"))

    def wake(self, now: float) -> list[Effect]:
        """Give up what has waited too long."""
        effects: list[Effect] = []
        sent = self._sent
        if sent is not None and sent.deadline <= now:
            self._give_up(sent.id)
            self._sent = None
            effects.append(_timeout(sent.order))
        effects += [_timeout(order) for deadline, order in self._waiting or () if deadline <= now]
        if self._waiting:
            self._waiting = deque(one for one in self._waiting if one[0] > now)
        return effects + self._next(now)

    def closed(self) -> list[Settled]:
        """The connection is gone: settles every order. Safe to call twice."""
        if self._open:
            self._open = False
            self.station.links -= 1
        orders = [order for _, order in self._waiting or ()]
        if self._sent is not None:
            orders.insert(0, self._sent.order)
        self._sent = self._waiting = None
        return [Settled(order.tag, _GONE) for order in orders]

    def _answer(self, now: float, call: Call) -> CallResult | CallError:
        station = self.station
        version = station.version
        handler = HANDLERS[version].get(call.action)
        if handler is None:
            # A real action that only a CSMS sends is not supported in this direction; anything else does not exist.
            known = call.action in actions(version)
            self._breach(f"{call.action[:50]}: not a message of a station")
            fault = Fault.NOT_SUPPORTED if known else Fault.NOT_IMPLEMENTED
            return refusal(version, call.id, fault, f"{call.action[:50]} is not a message of a station")
        breach = validate_request(version, call.action, call.payload)
        if breach is not None:
            self._breach(f"{call.action}: {breach.message}")
            return refusal(version, call.id, breach.fault, breach.message)
        if not self._allowed(call.action):
            reason = f"{call.action} before the BootNotification was accepted"
            self._breach(reason)
            if version is not Version.V16:  # B02.FR.09, B03.FR.07; 1.6 only forbids the sending (§4.2)
                return refusal(version, call.id, Fault.SECURITY, reason)
        try:
            before = station.breaches
            payload = handler(self._central.rules, station, now, call.payload)
            self._central.breaches += station.breaches - before
        except Refusal as refused:
            return refusal(version, call.id, refused.fault, refused.description)
        return CallResult(call.id, payload)

    def _reply(self, answer: CallResult | CallError) -> Send | Keep:
        """The answer to a message about a transaction waits until that is safe."""
        station = self.station
        transaction, station.touched = station.touched, None
        if transaction is None:
            return Send(encode(answer))
        reason = "the database is away: try again"
        otherwise = refusal(station.version, answer.id, Fault.INTERNAL, reason)
        entry = Entry(station.key, station.version, transaction.as_columns())
        return Keep(entry, encode(answer), encode(otherwise))

    def _allowed(self, action: str) -> bool:
        # A station that never booted at this process may have been accepted by an earlier one: only an answer of our
        # own forbids. Pending allows what we asked for: triggered messages, and reports.
        registration = self.station.registration
        if registration is None or registration is Registration.ACCEPTED or action == "BootNotification":
            return True
        return registration is Registration.PENDING and (action == "NotifyReport" or action in self._triggered)

    def _result(self, now: float, result: CallResult) -> list[Effect]:
        sent = self._take(result.id, "CALLRESULT")
        if sent is None:
            return []
        order = sent.order
        version = self.station.version
        outcome = Outcome("ok", payload=result.payload)
        breach = validate_response(version, order.action, result.payload) if order.action in actions(version) else None
        if breach is not None:
            self._breach(f"answer to {order.action}: {breach.message}")
            outcome = Outcome("bad_answer", breach.code, breach.message, result.payload)
        elif order.action in _TRIGGERS and result.payload.get("status") == "Accepted":
            self._triggered |= {_triggered_action(order.payload)}
        return [Settled(order.tag, outcome), *self._next(now)]

    def _error(self, now: float, error: CallError) -> list[Effect]:
        sent = self._take(error.id, "CALLERROR")
        if sent is None:
            return []
        outcome = Outcome("refused", error.code, error.description, error.details)
        return [Settled(sent.order.tag, outcome), *self._next(now)]

    def _unreadable(self, now: float, frame: BadFrame) -> list[Effect]:
        self._breach(frame.reason)
        if frame.answer is not None:
            return [Send(encode(frame.answer))]
        if self._sent is not None and frame.id == self._sent.id:
            order, self._sent = self._sent.order, None
            return [Settled(order.tag, Outcome("bad_answer", description=frame.reason)), *self._next(now)]
        return []

    def _take(self, message_id: str, kind: str) -> _Sent | None:
        """The call that an answer belongs to; an answer to none is counted and dropped."""
        sent = self._sent
        if sent is not None and sent.id == message_id:
            self._sent = None
            return sent
        if self._given_up is not None and message_id in self._given_up:
            self.station.late_answers += 1
        else:
            self._breach(f"{kind} to a call that was not made")
        return None

    def _next(self, now: float) -> list[Effect]:
        if self._sent is not None or not self._waiting:
            return []
        deadline, order = self._waiting.popleft()
        message_id = self._central.next_call_id()
        self._sent = _Sent(order, message_id, max(deadline, now))
        return [Send(encode(Call(message_id, order.action, order.payload)))]

    def _give_up(self, message_id: str) -> None:
        if self._given_up is None:
            self._given_up = deque(maxlen=_REMEMBERED_IDS)
        self._given_up.append(message_id)

    def _breach(self, text: str) -> None:
        self.station.breach(text)
        self._central.breaches += 1


_GONE: Final = Outcome("not_connected", description="the connection closed before the station answered")
_TRIGGERS: Final = {"TriggerMessage", "ExtendedTriggerMessage"}


def _triggered_action(request: Payload) -> str:
    wanted = str(request.get("requestedMessage"))
    # SignChargePointCertificate, SignChargingStationCertificate, SignV2GCertificate, SignCombinedCertificate
    return "SignCertificate" if wanted.startswith("Sign") else wanted


def _timeout(order: Order) -> Settled:
    reason = f"the station did not answer within {order.timeout:g} s"
    return Settled(order.tag, Outcome("timeout", description=reason))
