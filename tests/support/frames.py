"""A driver for sessions: a fake clock, a scripted CSMS, and a watch over every frame that a charger sends.

    driver = Driver(Version.V16).boot()
    driver.advance(300)
    assert driver.actions() == [..., "Heartbeat"]

Whatever the test does, each outgoing frame is checked against the official schema and against the rules that always
hold: one outstanding CALL, ids never used twice, nothing but BootNotification before it is accepted.
"""

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from chargers.protocol import (
    MAX_ID,
    Call,
    CallError,
    CallResult,
    Frame,
    Version,
    actions_from_charger,
    encode,
    error_codes,
    format_time,
    parse,
    validate_request,
    validate_response,
)
from chargers.simulator.effects import (
    Close,
    Connect,
    ConnectionState,
    Effect,
    Intent,
    Ledger,
    Remember,
    Send,
    Settled,
    State,
)
from chargers.simulator.model.connector import Condition
from chargers.simulator.model.specs import ChargerSpec, ConnectorSpec, EvseSpec, ModelSpec
from chargers.simulator.session import Session

START = 1_700_000_000.0
ANSWER_TIME = 30.0  #: s that a charger waits for an answer
Payload = dict[str, Any]
Script = Mapping[str, "Payload | CallError | Callable[[Call], Payload | CallError | None] | None"]

AC_TWIN = ModelSpec(
    vendor="Schneider Electric",
    model="EVlink Pro AC 22kW",
    firmware="3.4.0",
    evses=(EvseSpec((ConnectorSpec("Type2", 22_000, 3),)), EvseSpec((ConnectorSpec("Type2", 22_000, 3),))),
    max_power_w=44_000,
)
DC_COMBO = ModelSpec(
    vendor="ABB",
    model="Terra 54",
    firmware="",
    evses=(EvseSpec((ConnectorSpec("CCS2", 50_000, 0), ConnectorSpec("CHAdeMO", 50_000, 0))),),
    max_power_w=50_000,
)


def spec(version: Version, model: ModelSpec = AC_TWIN) -> ChargerSpec:
    return ChargerSpec(identity="SITE_A_001", serial="SN-0001", model=model, ocpp_version=version.value)


class Driver:
    """One session and the world around it. `script` says how the CSMS answers a CALL, by action.

    An action that the script does not name gets a friendly answer; None means no answer at all.
    """

    def __init__(
        self,
        version: Version = Version.V16,
        *,
        model: ModelSpec = AC_TWIN,
        seed: int = 1,
        script: Script | None = None,
        automatic: bool = True,
        memory: Payload | None = None,
        now: float = START,
    ) -> None:
        self.version = version
        self.model = model
        self.seed = seed
        self.now = now
        self.session = Session(spec(version, model), now=now, seed=seed, memory=memory)
        self.script = dict(script or {})
        self.automatic = automatic  #: answer CALLs by the script; otherwise the test answers with `reply`
        self.effects: list[Effect] = []
        self.sent: list[Frame] = []
        self.outstanding: Call | None = None
        self.open = False
        self.registration = "none"
        self.asked_while_pending = 0
        self.numbers: dict[tuple[Any, ...], int] = {}
        self.keeps = False  #: whether to take the memory whenever the session says so, as the shell does
        self.kept: Payload | None = memory
        self.moves: list[str] = []  #: of the connection: dial, open, lost, close, off
        self._answering = False
        self._ids: set[str] = set()
        self._asked: dict[str, str] = {}  #: action by id of the CALLs that the CSMS sent
        self._counter = 0
        self._sent_at = now

    # what happened

    def calls(self, action: str | None = None) -> list[Call]:
        return [one for one in self.sent if isinstance(one, Call) and action in {None, one.action}]

    def actions(self) -> list[str]:
        return [call.action for call in self.calls()]

    def of(self, kind: type[Any]) -> list[Any]:
        return [one for one in self.effects if isinstance(one, kind)]

    @property
    def state(self) -> ConnectionState | None:
        states = self.of(State)
        return states[-1].state if states else None

    @property
    def detail(self) -> str:
        return str(self.of(State)[-1].detail)

    def ledger(self, kind: type[Any]) -> list[Any]:
        """What was written into the book of transactions."""
        return [one.event for one in self.of(Ledger) if isinstance(one.event, kind)]

    def statuses(self, connector: int) -> list[str]:
        """What was reported of a connector."""
        calls = self.calls("StatusNotification")
        return [one.payload["status"] for one in calls if one.payload["connectorId"] == connector]

    def memory(self) -> Payload:
        """What the session wants to be kept, through JSON and back."""
        kept: Payload = orjson.loads(orjson.dumps(self.session.memory()))
        return kept

    @property
    def dialling(self) -> bool:
        """Whether the charger waits for the outcome of a dial."""
        moves = [one for one in self.moves if one in {"dial", "open", "lost", "close", "off"}]
        return bool(moves) and moves[-1] == "dial"

    @property
    def waits_for_end(self) -> bool:
        """Whether the charger closed the connection and waits to hear of its end."""
        return bool(self.moves) and self.moves[-1] == "close"

    def settle_connection(self) -> "Driver":
        """Let the connection come back, whatever it is at."""
        while not self.open:
            if self.waits_for_end:
                self.drop()
            elif self.dialling:
                self.connect()
            else:
                due = self.session.next_wake()
                assert due is not None, "nothing is due, and there is no connection"
                self.advance(max(due - self.now, 0.0))
        return self

    def clear(self) -> "Driver":
        """Forget what was seen, so that a test looks only at what follows."""
        self.effects.clear()
        self.sent.clear()
        return self

    # what the test does

    def boot(self) -> "Driver":
        """Power on, connect and let the CSMS answer by the script."""
        return self.start().connect()

    def start(self) -> "Driver":
        return self._take(self.session.start(self.now))

    def connect(self, subprotocol: str | None = "") -> "Driver":
        """Let the dial succeed; "" selects what the charger offers."""
        chosen = self.version.subprotocol if subprotocol == "" else subprotocol
        self.open = chosen == self.version.subprotocol
        self.moves.append("open")
        return self._take(self.session.connected(self.now, chosen))

    def drop(self, why: str = "connection reset") -> "Driver":
        self.open, self.outstanding = False, None
        self._asked.clear()
        self.moves.append("lost")
        return self._take(self.session.disconnected(self.now, why))

    def stop(self) -> "Driver":
        self._take(self.session.stop(self.now))
        self.open = False
        self.moves.append("off")
        return self

    def move(self, seconds: float = 1.0) -> "Driver":
        """Let the simulator host hand the charger over; another one starts it `seconds` later."""
        self._take(self.session.hand_over(self.now))
        self.open, self.outstanding = False, None
        self._asked.clear()
        memory = self.memory()
        self.moves.append("off")
        if "moving" not in memory:
            self.registration = "none"
        self.now += seconds
        self.seed += 1_000_003
        self.session = Session(spec(self.version, self.model), now=self.now, seed=self.seed, memory=memory)
        return self.start()

    def say(self, text: str) -> "Driver":
        """Send any text as the CSMS."""
        return self._take(self.session.text(self.now, text))

    def binary(self) -> "Driver":
        return self._take(self.session.refused_frame(self.now, "binary frame of 3 bytes"))

    def intent(self, kind: str, **data: Any) -> Settled:
        """Order something that is settled by the time the CSMS has answered."""
        settled = self.order(kind, **data)
        assert settled is not None, f"{kind} is not settled"
        return settled

    def order(self, kind: str, **data: Any) -> Settled | None:
        """Order something; None when it is not settled yet."""
        self._counter += 1
        intent_id = f"intent-{self._counter}"
        self._take(self.session.intent(self.now, Intent(intent_id, kind, data)))
        settled = [one for one in self.of(Settled) if one.intent_id == intent_id]
        assert len(settled) <= 1, f"{kind} was settled twice"
        return settled[0] if settled else None

    def ask(self, action: str, payload: Payload, *, message_id: str = "") -> CallResult | CallError | None:
        """Send a CALL as the CSMS and return the answer, None when there was none."""
        self._counter += 1
        message_id = message_id or f"csms-{self._counter}"
        self._asked[message_id] = action
        if self.registration == "pending":
            self.asked_while_pending += 1
        before = len(self.sent)
        self.say(encode(Call(message_id, action, payload)))
        answers = [one for one in self.sent[before:] if isinstance(one, CallResult | CallError)]
        return answers[0] if answers else None

    def reply(self, answer: Payload | CallError | None = None) -> "Driver":
        """Answer the outstanding CALL: a payload, a CALLERROR (its id is filled in), or the friendly answer."""
        call = self.outstanding
        assert call is not None, "no CALL is outstanding"
        if answer is None:
            answer = self.friendly(call)
        self.outstanding = None
        if isinstance(answer, CallError):
            return self.say(encode(CallError(call.id, answer.code, answer.description, answer.details)))
        if (
            call.action == "BootNotification"
            and validate_response(self.version, call.action, answer, formats=False) is None
        ):
            self.registration = answer["status"].lower()
        return self.say(encode(CallResult(call.id, answer)))

    def advance(self, seconds: float) -> "Driver":
        """Let time pass, waking the session when it asks for it."""
        end = self.now + seconds
        while (due := self.session.next_wake()) is not None and due <= end:
            self.now = max(self.now, due)
            if self.now >= self._sent_at + ANSWER_TIME:
                self.outstanding = None  # the charger gives up on it in this very moment
            self._take(self.session.wake(self.now))
            following = self.session.next_wake()
            assert following is None or following > self.now, "wake left a deadline in the past"
        self.now = end
        return self

    def friendly(self, call: Call) -> Payload:
        time = format_time(self.now)
        return {
            "BootNotification": {"status": "Accepted", "interval": 300, "currentTime": time},
            "Heartbeat": {"currentTime": time},
            "Authorize": {"idTagInfo": {"status": "Accepted"}},
            "DataTransfer": {"status": "Accepted"},
            "StartTransaction": {"transactionId": self._number(call), "idTagInfo": {"status": "Accepted"}},
        }.get(call.action, {})

    def _number(self, call: Call) -> int:
        """The id of a transaction: a repeated StartTransaction gets the same again."""
        if call.action != "StartTransaction":
            return 0
        start = (call.payload["connectorId"], call.payload["timestamp"], call.payload["meterStart"])
        return self.numbers.setdefault(start, len(self.numbers) + 1)

    # the watch

    def _take(self, effects: list[Effect]) -> "Driver":
        self.effects += effects
        if self.keeps and any(isinstance(one, Remember) for one in effects):
            self.kept = self.memory()
        station = self.session._ctx.station
        for connector in station.connectors:
            condition = station.connector_condition(connector, self.now)
            assert condition is connector.shown, "a condition that nobody was told"
            assert condition is Condition.AVAILABLE or not station.rests()
        for effect in effects:
            if isinstance(effect, Send):
                self._watch(effect.text)
            elif isinstance(effect, Close):
                self.open, self.outstanding = False, None
                self.moves.append("close")
            elif isinstance(effect, Connect):
                self.moves.append("dial")
                assert not self.open, "dialled while connected"
        if any(isinstance(effect, Close) and "reboot" in effect.reason for effect in effects):
            self.registration = "none"
        if self.automatic and not self._answering:
            self._answering = True  # in a loop and not in depth: a replay may be long
            try:
                waiting = None
                while self.outstanding is not None and self.outstanding is not waiting:
                    waiting = self.outstanding
                    self._answer_by_script(waiting)
            finally:
                self._answering = False
        return self

    def _watch(self, text: str) -> None:
        assert self.open, f"sent without a connection: {text}"
        frame = parse(self.version, text)
        raw = orjson.loads(text)
        assert raw[0] == {Call: 2, CallResult: 3, CallError: 4}[type(frame)], text
        self.sent.append(frame)
        if isinstance(frame, Call):
            self._watch_call(frame)
        elif isinstance(frame, CallResult):
            breach = validate_response(self.version, self._asked.pop(frame.id), frame.payload)
            assert breach is None, f"{breach} in {text}"
            assert self.registration != "rejected", "answered while rejected"
        elif isinstance(frame, CallError):
            self._asked.pop(frame.id, None)
            assert frame.code in error_codes(self.version), text
            assert len(frame.description) <= 255
            assert len(raw) == 5

    def _watch_call(self, call: Call) -> None:
        assert self.outstanding is None, f"{call.action} was sent while {self.outstanding} is outstanding"
        assert call.action in actions_from_charger(self.version)
        assert len(call.id) <= MAX_ID
        assert call.id not in self._ids, "a message id was used twice"
        self._ids.add(call.id)
        breach = validate_request(self.version, call.action, call.payload)
        assert breach is None, f"{breach} in {call}"
        if call.action != "BootNotification":
            asked = self.registration == "pending" and self.asked_while_pending > 0
            assert self.registration == "accepted" or asked, f"{call.action} was sent while {self.registration}"
        self.outstanding = call
        self._sent_at = self.now

    def _answer_by_script(self, call: Call) -> None:
        answer: Any = self.script.get(call.action, self.friendly(call))
        if callable(answer):
            answer = answer(call)
        if answer is not None:
            self.reply(answer)
