"""One charger and one CSMS on a clock that the test turns: two hours offline take no time.

    with paired("reference") as pair:          # or "built-in": the same scenario at both
        pair.power_on()
        pair.order("plug", connector=1)
        pair.ask("RemoteStartTransaction", {"connectorId": 1, "idTag": "TAG"})
        pair.run(3600)
        ...
        pair.check()                            # ledger and CSMS agree, and nobody complained

The charger is a `Session`. The reference CSMS (on the `ocpp` package) is reached by a real WebSocket, the built-in one
is `Central`, without its shell. Both tell the time of the pair's clock. Everything that the charger sends is checked
against the official schemas; both CSMSs check it on their own, too.
"""

import contextlib
import json
import socket
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any, Protocol

from websockets.sync.client import ClientConnection, connect

from chargers.csms import effects as csms_effects
from chargers.csms.central import Central, Link
from chargers.csms.stations import BootPolicy, Registration
from chargers.csms.tags import Tag, TagStatus
from chargers.protocol import Call, CallError, CallResult, Version, parse, validate_request, validate_response
from chargers.simulator.effects import (
    Close,
    Connect,
    Download,
    Effect,
    Intent,
    Ledger,
    Send,
    Settled,
    State,
    Transfer,
    Upload,
    Verdict,
)
from chargers.simulator.model.specs import ModelSpec
from chargers.simulator.session import Session
from tests.support.books import Seen, compare, kept_by_built_in, kept_by_reference, lived
from tests.support.frames import AC_TWIN, spec
from tests.support.reference_csms import ReferenceCsms
from tests.support.waiting import eventually

V16 = Version.V16
IDENTITY = "SITE_A_001"
START = 1_700_000_000.0
PATIENCE = 20.0  # seconds of real time that a CSMS may take to answer
Payload = dict[str, Any]


class Backend(Protocol):
    """What a scenario may ask of a CSMS."""

    name: str

    def open(self) -> None: ...
    def close(self) -> None: ...
    def send(self, text: str) -> None: ...
    def receive(self, patience: float) -> str | None:
        """The next frame for the charger; None when none comes within so many seconds of real time."""
        ...

    def ask(self, action: str, payload: Payload) -> "Future[Payload]": ...
    def tag(self, tag: str, status: str, parent: str = "") -> None: ...
    def boots_as(self, status: str, interval: int) -> None: ...
    def transactions(self) -> list[Seen]: ...
    def complaints(self) -> list[str]: ...


class BuiltIn:
    """The built-in CSMS without its shell."""

    name = "built-in"

    def __init__(self, pair: "Pair") -> None:
        self._pair = pair
        self.central = Central()
        self.central.rules.numbers.add(500, 10_000)
        self.central.rules.heartbeat_interval = 300
        self._link: Link | None = None
        self._frames: deque[str] = deque()
        self._asked: dict[str, Future[Payload]] = {}

    def open(self) -> None:
        self._link = self.central.connect(self._pair.now, IDENTITY, V16)

    def close(self) -> None:
        if self._link is not None:
            self._take(self._link.closed())
        self._link = None
        self._frames.clear()

    def send(self, text: str) -> None:
        assert self._link is not None
        self._take(self._link.text(self._pair.now, text))

    def receive(self, patience: float) -> str | None:
        del patience
        return self._frames.popleft() if self._frames else None

    def ask(self, action: str, payload: Payload) -> "Future[Payload]":
        assert self._link is not None, "the charger is not connected"
        answer: Future[Payload] = Future()
        tag = str(len(self._asked))
        self._asked[tag] = answer
        self._take(self._link.call(self._pair.now, csms_effects.Order(tag, action, payload, timeout=1e9)))
        return answer

    def tag(self, tag: str, status: str, parent: str = "") -> None:
        rules = self.central.rules.tags.rules
        self.central.rules.tags.replace({**rules, tag: Tag(TagStatus(status), parent)})

    def boots_as(self, status: str, interval: int) -> None:
        self.central.rules.policies[IDENTITY] = BootPolicy(Registration(status), interval)

    def transactions(self) -> list[Seen]:
        return [kept_by_built_in(one.as_dict()) for one in self.central.stations[IDENTITY].transactions.values()]

    def complaints(self) -> list[str]:
        station = self.central.stations[IDENTITY]
        return [f"{station.breaches} breaches, the last: {station.last_breach}"] if station.breaches else []

    def _take(self, effects: Any) -> None:
        for effect in effects:
            match effect:
                case csms_effects.Send(text=text) | csms_effects.Keep(text=text):
                    self._frames.append(text)
                case csms_effects.Settled(tag=tag, outcome=outcome):
                    if outcome.code == "ok":
                        self._asked[tag].set_result(outcome.payload)
                    else:
                        self._asked[tag].set_exception(AssertionError(f"{outcome}"))
                case _:
                    raise AssertionError(effect)


class Reference:
    """The reference CSMS, over a real WebSocket."""

    name = "reference"

    def __init__(self, pair: "Pair", csms: ReferenceCsms) -> None:
        self.csms = csms
        csms.clock = lambda: pair.now
        self.station = csms.station(IDENTITY)
        self._dial: Any = None
        self._socket: ClientConnection | None = None

    def open(self) -> None:
        self._dial = connect(f"{self.csms.url}/{IDENTITY}", subprotocols=["ocpp1.6"], close_timeout=1, proxy=None)
        self._socket = self._dial.__enter__()
        self.station.wait_connected(self.station.connections or 1)

    def close(self) -> None:
        if self._socket is not None and self._dial is not None:
            self._socket.socket.shutdown(socket.SHUT_RDWR)  # as a cable that is cut
            self._dial.__exit__(None, None, None)
            eventually(lambda: not self.station.live, every=0.005, what="the CSMS sees the end")
        self._socket = self._dial = None

    def send(self, text: str) -> None:
        assert self._socket is not None
        self._socket.send(text)

    def receive(self, patience: float) -> str | None:
        if self._socket is None:
            return None
        try:
            return str(self._socket.recv(timeout=patience))
        except TimeoutError:
            return None

    def ask(self, action: str, payload: Payload) -> "Future[Payload]":
        pool = ThreadPoolExecutor(1)
        try:
            return pool.submit(self.station.ask, action, payload)
        finally:
            pool.shutdown(wait=False)

    def tag(self, tag: str, status: str, parent: str = "") -> None:
        self.csms.id_tags[tag] = status
        if parent:
            self.csms.parents[tag] = parent

    def boots_as(self, status: str, interval: int) -> None:
        self.csms.boot_status, self.csms.interval = status, interval

    def transactions(self) -> list[Seen]:
        return [kept_by_reference(one) for one in self.station.charges.values()]

    def complaints(self) -> list[str]:
        return [str(one) for one in self.csms.complaints]


class Pair:
    """The two and the clock between them. `network` says whether a dial can succeed."""

    def __init__(self, *, model: ModelSpec = AC_TWIN, seed: int = 1) -> None:
        self.now = START
        self.model = model
        self.network = True
        self.backend: Backend
        self.session = Session(spec(V16, model), now=self.now, seed=seed)
        self.effects: list[Effect] = []
        self.sent: list[Call] = []  #: CALLs of the charger that reached the CSMS
        self.open = False
        self._unanswered: set[str] = set()  #: ids of our CALLs that the CSMS has not answered
        self._asked: dict[str, str] = {}  #: action by id of the CSMS's CALLs
        self._wanted: list[Future[Payload]] = []
        self._transfers: list[str] = []
        self._ids = 0
        self._seed = seed

    # --- what a scenario does ---

    def power_on(self) -> "Pair":
        self._perform(self.session.start(self.now))
        self._pump()
        return self

    def run(self, seconds: float) -> "Pair":
        """Let so much time pass, whatever happens meanwhile."""
        end = self.now + seconds
        while (due := self.session.next_wake()) is not None and due <= end:
            self.now = max(self.now, due)
            self._perform(self.session.wake(self.now))
            self._pump()
        self.now = end
        return self

    def lose_network(self) -> "Pair":
        """Cut the connection; dials fail from now on."""
        self.network = False
        self._hang_up("the network is down")
        return self

    def find_network(self) -> "Pair":
        """Dials succeed again; waits until the charger has dialled."""
        self.network = True
        for _ in range(100):
            if self.open:
                return self
            due = self.session.next_wake()
            assert due is not None
            self.run(max(due - self.now, 0.0))
        raise AssertionError("the charger did not dial")

    def crash(self) -> "Pair":
        """End the charger's process without a word, and start another with what it remembers."""
        memory = json.loads(json.dumps(self.session.memory()))
        self.backend.close()
        self.open = False
        self._forget()
        self._seed += 1
        self.session = Session(spec(V16, self.model), now=self.now, seed=self._seed, memory=memory)
        return self.power_on()

    def order(self, kind: str, **data: Any) -> Settled:
        """Give the charger an order from outside, and return what came of it."""
        self._ids += 1
        intent = Intent(f"order-{self._ids}", kind, data)
        self._perform(self.session.intent(self.now, intent))
        self._pump()
        settled = [one for one in self.effects if isinstance(one, Settled) and one.intent_id == intent.id]
        assert len(settled) == 1, f"{kind} was settled {len(settled)} times"
        return settled[0]

    def ask(self, action: str, payload: Payload | None = None) -> Payload:
        """Let the CSMS send a CALL, and return what the charger answered."""
        assert self.open, "the charger is not connected"
        answer = self.backend.ask(action, payload or {})
        self._wanted.append(answer)
        self._pump()
        return answer.result(timeout=0)

    # --- what a scenario looks at ---

    def payloads(self, action: str) -> list[Payload]:
        return [one.payload for one in self.sent if one.action == action]

    def actions(self) -> list[str]:
        return [one.action for one in self.sent]

    def statuses(self, connector: int = 1) -> list[str]:
        return [one["status"] for one in self.payloads("StatusNotification") if one["connectorId"] == connector]

    def state(self) -> str:
        return str([one for one in self.effects if isinstance(one, State)][-1].state)

    def connector(self, number: int = 1) -> Payload:
        """What the charger itself says of a connector."""
        return next(one for one in self.order("state").data["connectors"] if one["connector"] == number)

    def book(self) -> list[Seen]:
        """The transactions as the charger lived them."""
        return lived([one.event for one in self.effects if isinstance(one, Ledger)])

    def check(self) -> None:
        """Ledger and CSMS agree on every transaction, and nothing that was sent is wrong."""
        assert compare(self.book(), self.backend.transactions()) == []
        assert self.backend.complaints() == []

    # --- the shell ---

    def _perform(self, effects: list[Effect]) -> None:
        for effect in effects:
            self.effects.append(effect)
            match effect:
                case Send(text=text):
                    self._send(text)
                case Connect():
                    self._dial()
                case Close():
                    self._hang_up("closed")
                case Download(id=transfer_id) | Upload(id=transfer_id):
                    self._transfers.append(transfer_id)
                case _:
                    pass
        while self._transfers:  # every file comes, and every server takes what it is brought
            done = Transfer(Verdict.DONE, size=1000, sha256="0" * 64)
            self._perform(self.session.transferred(self.now, self._transfers.pop(0), done))

    def _send(self, text: str) -> None:
        assert self.open, f"sent without a connection: {text}"
        frame = parse(V16, text)
        if isinstance(frame, Call):
            assert validate_request(V16, frame.action, frame.payload) is None, frame
            self.sent.append(frame)
            self._unanswered.add(frame.id)
        elif isinstance(frame, CallResult):
            assert validate_response(V16, self._asked[frame.id], frame.payload) is None, frame
        else:
            assert isinstance(frame, CallError), text
        self.backend.send(text)

    def _dial(self) -> None:
        if not self.network:
            self._perform(self.session.disconnected(self.now, "no route to host"))
            return
        self.backend.open()
        self.open = True
        self._perform(self.session.connected(self.now, V16.subprotocol))

    def _hang_up(self, why: str) -> None:
        if self.open:
            self.open = False
            self.backend.close()
            self._forget()
            self._perform(self.session.disconnected(self.now, why))

    def _forget(self) -> None:
        self._unanswered.clear()
        self._asked.clear()

    def _pump(self) -> None:
        """Let everything be said that can be said at this moment."""
        while self.open:
            busy = bool(self._unanswered) or any(not one.done() for one in self._wanted)
            text = self.backend.receive(PATIENCE if busy else 0.0)
            if text is None:
                if not self._unanswered:
                    wait(self._wanted, timeout=PATIENCE)
                    self._wanted.clear()
                assert not self._unanswered or self.backend.name == "built-in", "the CSMS does not answer"
                return
            frame = parse(V16, text)
            if isinstance(frame, Call):
                self._asked[frame.id] = frame.action
            else:
                self._unanswered.discard(getattr(frame, "id", ""))
            self._perform(self.session.text(self.now, text))
            if isinstance(frame, Call):
                self._settled()

    def _settled(self) -> None:
        # The answer of the charger is on its way to the one who asked: no frame will tell that it has come.
        wait(self._wanted, timeout=PATIENCE)
        self._wanted = [one for one in self._wanted if not one.done()]


@contextlib.contextmanager
def paired(name: str, *, model: ModelSpec = AC_TWIN, seed: int = 1) -> Iterator[Pair]:
    """A pair that is not powered on yet; `name` is `built-in` or `reference`."""
    pair = Pair(model=model, seed=seed)
    if name == "built-in":
        pair.backend = BuiltIn(pair)
        yield pair
        return
    with ReferenceCsms() as csms:
        pair.backend = Reference(pair, csms)
        try:
            yield pair
        finally:
            pair.backend.close()
