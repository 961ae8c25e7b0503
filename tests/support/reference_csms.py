"""A CSMS on the `ocpp` package and the `websockets` server: someone else's reading of the specification.

    with ReferenceCsms() as csms:
        csms.boot_status = "Pending"
        ... a charger dials csms.url + "/CP1" ...
        station = csms.station("CP1")
        station.wait_for("BootNotification")
        station.call(v16.call.Reset(type="Soft"))

It runs in a thread with a loop of its own on an ephemeral port of 127.0.0.1, and keeps every frame. A frame of a
charger that the `ocpp` package refuses ends up in `complaints`; a test of a well-behaved charger asserts that there are
none.

Trap: a call made inside one of the handlers would wait for an answer that nobody reads, since the handler runs on the
task that reads the socket. So calls are made from outside only (`Reference.call`).
"""

import asyncio
import json
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Self
from urllib.parse import unquote

import ocpp.v16
import ocpp.v201
from ocpp.charge_point import ChargePoint, camel_to_snake_case, remove_nones, serialize_as_dict, snake_to_camel_case
from ocpp.routing import on
from ocpp.v16 import call as call16
from ocpp.v16 import call_result as result16
from ocpp.v201 import call as call201
from ocpp.v201 import call_result as result201
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from tests.support.waiting import eventually

_REGISTER = "Energy.Active.Import.Register"
VERSIONS = ("ocpp1.6", "ocpp2.0.1")
# Its tracebacks for frames that it refuses would drown what matters: they are in `complaints`.
logging.getLogger("ocpp").setLevel(logging.CRITICAL)


@dataclass(frozen=True)
class Received:
    """A CALL that a charger sent, payload as on the wire."""

    at: float
    connection: int
    action: str
    payload: dict[str, Any]


@dataclass
class Charge:
    """A 1.6 transaction as this CSMS heard of it. `samples` are (timestamp, Wh); a message sent again counts once."""

    id: int
    start: dict[str, Any] | None = None
    samples: list[tuple[str, float]] = field(default_factory=list)
    stop: dict[str, Any] | None = None
    told: list[dict[str, Any]] = field(default_factory=list)

    def is_new(self, payload: dict[str, Any]) -> bool:
        if self.told and self.told[-1] == payload:
            return False
        self.told.append(payload)
        return True


@dataclass(frozen=True)
class Complaint:
    """A CALLERROR that the `ocpp` package answered, or a frame that it could not read at all (`code` empty)."""

    frame: str
    code: str
    description: str


class Reference:
    """One charger as the reference CSMS saw it. Read from any thread; lists only ever grow."""

    def __init__(self, csms: "ReferenceCsms", identity: str) -> None:
        self.identity = identity
        self.received: list[Received] = []
        self.raw: list[str] = []
        self.complaints: list[Complaint] = []
        self.subprotocols: list[str] = []  # one for each connection that was opened
        self.live: list[ChargePoint] = []
        self.charges: dict[int, Charge] = {}  # 1.6, by transaction id
        self._csms = csms

    @property
    def connections(self) -> int:
        """How many connections were opened so far."""
        return len(self.subprotocols)

    def payloads(self, action: str, *, connection: int | None = None) -> list[dict[str, Any]]:
        """What the charger sent with this action, over all connections or in one (counted from 1)."""
        return [
            one.payload for one in list(self.received) if one.action == action and connection in (None, one.connection)
        ]

    def actions(self, *, connection: int | None = None) -> list[str]:
        """The actions of the CALLs in the order of their coming."""
        return [one.action for one in list(self.received) if connection in (None, one.connection)]

    def wait_for(self, action: str, count: int = 1, *, timeout: float = 20.0) -> list[dict[str, Any]]:
        """Wait until the charger has sent the action `count` times in all."""
        eventually(
            lambda: len(self.payloads(action)) >= count,
            timeout=timeout,
            what=f"{count} x {action} of {self.identity}, which sent {self.actions()}",
        )
        return self.payloads(action)

    def wait_connected(self, connections: int = 1, *, timeout: float = 20.0) -> None:
        """Wait until the charger has opened a connection for the n-th time and still has it."""
        eventually(
            lambda: self.connections >= connections and self.live,
            timeout=timeout,
            what=f"connection {connections} of {self.identity}",
        )

    def call(self, request: Any, *, timeout: float = 20.0) -> Any:
        """Send a CALL (a `call.*` of the `ocpp` package) and return its `call_result`; raises on a CALLERROR."""
        return self._csms.run(self.live[-1].call(request, suppress=False), timeout)

    def ask(self, action: str, payload: dict[str, Any] | None = None, *, timeout: float = 20.0) -> dict[str, Any]:
        """As `call`, with names and payloads as they are on the wire."""
        return _wire(self.call(self.request(action, payload or {}), timeout=timeout))

    def request(self, action: str, payload: dict[str, Any]) -> Any:
        """The `call.*` of the `ocpp` package for a payload as it is on the wire."""
        calls = call16 if self.subprotocols[-1] == "ocpp1.6" else call201
        return getattr(calls, action)(**camel_to_snake_case(payload))

    def send_raw(self, text: str) -> None:
        """Put any text on the socket."""
        self._csms.run(self.live[-1]._connection.send(text), 10)

    def drop(self) -> None:
        """Cut the connection without a closing handshake."""
        transport = self.live[-1]._connection.transport
        self._csms.loop.call_soon_threadsafe(transport.abort)


def _wire(result: Any) -> dict[str, Any]:
    """A `call_result` of the `ocpp` package as on the wire."""
    payload: dict[str, Any] = remove_nones(snake_to_camel_case(serialize_as_dict(result)))
    return payload


class ReferenceCsms:
    """The server. What it answers may be changed at any time: `boot_status`, `interval` (s), `id_tags`, `clock`."""

    def __init__(self, *, boot_status: str = "Accepted", interval: int = 300) -> None:
        self.boot_status = boot_status
        self.interval = interval
        self.id_tags: dict[str, str] = {}  #: status by id token; Accepted when it is not listed
        self.parents: dict[str, str] = {}  #: parent id tag by id tag
        self.clock: Callable[[], float] = time.time  #: what it tells as the current time
        self.url = ""
        self.loop: asyncio.AbstractEventLoop
        self._stations: dict[str, Reference] = {}
        self._transactions = 0
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), name="reference csms")
        self._ready = threading.Event()

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(10), "the reference CSMS did not start"
        return self

    def __exit__(self, *exc: object) -> None:
        self.loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

    def station(self, identity: str) -> Reference:
        """A charger, whether it has dialled yet or not."""
        return self._stations.setdefault(identity, Reference(self, identity))

    @property
    def complaints(self) -> list[Complaint]:
        """Of all chargers."""
        return [complaint for station in list(self._stations.values()) for complaint in station.complaints]

    def run(self, coroutine: Any, timeout: float) -> Any:
        """Run something on the server's loop and return what it returns."""
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(timeout)

    def status_of(self, token: str) -> str:
        """The authorization status of an id token."""
        return self.id_tags.get(token, "Accepted")

    def info_of(self, token: str) -> dict[str, str]:
        """The idTagInfo of 1.6."""
        parent = self.parents.get(token)
        return {"status": self.status_of(token)} | ({"parent_id_tag": parent} if parent else {})

    def next_transaction(self) -> int:
        """The next transaction id of 1.6."""
        self._transactions += 1
        return self._transactions

    async def _run(self) -> None:
        self.loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        server: Server
        async with serve(self._serve, "127.0.0.1", 0, subprotocols=list(VERSIONS), close_timeout=1) as server:  # type: ignore[arg-type]
            self.url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            self._ready.set()
            await self._stop.wait()

    async def _serve(self, socket: ServerConnection) -> None:
        assert socket.request is not None
        station = self.station(unquote(socket.request.path.rpartition("/")[2]))
        kind = {"ocpp1.6": Csms16, "ocpp2.0.1": Csms201}[str(socket.subprotocol)]
        point = kind(self, station, socket)
        station.subprotocols.append(str(socket.subprotocol))
        station.live.append(point)
        try:
            await point.start()
        except ConnectionClosed:
            pass
        finally:
            station.live.remove(point)


class _Recording(ChargePoint):
    """Keeps what goes by."""

    def __init__(self, csms: ReferenceCsms, station: Reference, socket: ServerConnection) -> None:
        super().__init__(station.identity, socket)
        self.csms = csms
        self.station = station
        self.number = station.connections + 1

    async def route_message(self, raw_msg: str) -> Any:
        self.station.raw.append(raw_msg)
        try:
            frame = json.loads(raw_msg)
            assert frame[0] in {2, 3, 4}
        except (ValueError, AssertionError, LookupError, TypeError):
            self.station.complaints.append(Complaint(str(raw_msg), "", "not a frame"))
        else:
            if frame[0] == 2:
                self.station.received.append(Received(time.time(), self.number, frame[2], frame[3]))
        return await super().route_message(raw_msg)

    async def _send(self, message: str) -> None:
        frame = json.loads(message)
        if frame[0] == 4:
            self.station.complaints.append(Complaint(self.station.raw[-1], frame[2], frame[3]))
        await super()._send(message)


def _now(csms: ReferenceCsms) -> str:
    return datetime.fromtimestamp(csms.clock(), UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def noting(results: Any, *actions: str) -> Callable[[type[_Recording]], type[_Recording]]:
    """Add handlers for messages whose answer has no fields."""

    def handler_of(result: Any) -> Callable[..., Any]:
        return lambda _self, **_: result()

    def add(point: type[_Recording]) -> type[_Recording]:
        for action in actions:
            handler = handler_of(getattr(results, action))
            handler.__name__ = f"on_{action}"  # `ocpp` finds a handler by the name of its function
            setattr(point, handler.__name__, on(action)(handler))
        return point

    return add


@noting(
    result16,
    "StatusNotification",
    "DiagnosticsStatusNotification",
    "FirmwareStatusNotification",
    "SignedFirmwareStatusNotification",
    "LogStatusNotification",
    "SecurityEventNotification",
)
class Csms16(_Recording, ocpp.v16.ChargePoint):
    """OCPP 1.6 and its security extension."""

    @on("BootNotification")
    def on_boot(self, **_: Any) -> Any:
        return result16.BootNotification(
            current_time=_now(self.csms), interval=self.csms.interval, status=self.csms.boot_status
        )

    @on("Heartbeat")
    def on_heartbeat(self) -> Any:
        return result16.Heartbeat(current_time=_now(self.csms))

    @on("Authorize")
    def on_authorize(self, id_tag: str) -> Any:
        return result16.Authorize(id_tag_info=self.csms.info_of(id_tag))

    @on("StartTransaction")
    def on_start(self, id_tag: str, **rest: Any) -> Any:
        told = {"id_tag": id_tag, **rest}
        same = [one.id for one in self.station.charges.values() if one.start == told]
        number = same[0] if same else self.csms.next_transaction()
        if not same:
            self.station.charges[number] = Charge(number, told)
        return result16.StartTransaction(transaction_id=number, id_tag_info=self.csms.info_of(id_tag))

    @on("MeterValues")
    def on_values(self, meter_value: list[dict[str, Any]], transaction_id: int | None = None, **_: Any) -> Any:
        if transaction_id is not None:
            charge = self.station.charges.setdefault(transaction_id, Charge(transaction_id))
            samples = [
                (entry["timestamp"], float(one["value"]))
                for entry in meter_value
                for one in entry["sampled_value"]
                if one.get("measurand", _REGISTER) == _REGISTER and one.get("context") != "Trigger"
            ]
            if samples and charge.is_new({"values": meter_value}):
                charge.samples += samples
        return result16.MeterValues()

    @on("StopTransaction")
    def on_stop(self, transaction_id: int, id_tag: str | None = None, **rest: Any) -> Any:
        charge = self.station.charges.setdefault(transaction_id, Charge(transaction_id))
        told = {"id_tag": id_tag, **rest}
        if charge.stop is not None and charge.stop != told:
            self.station.complaints.append(Complaint(str(told), "", f"transaction {transaction_id} ended twice"))
        charge.stop = told
        return result16.StopTransaction(id_tag_info=self.csms.info_of(id_tag) if id_tag is not None else None)

    @on("DataTransfer")
    def on_data(self, **_: Any) -> Any:
        return result16.DataTransfer(status="UnknownVendorId")

    @on("SignCertificate")
    def on_sign(self, **_: Any) -> Any:
        return result16.SignCertificate(status="Accepted")


@noting(
    result201,
    "StatusNotification",
    "MeterValues",
    "NotifyReport",
    "NotifyEvent",
    "FirmwareStatusNotification",
    "LogStatusNotification",
    "SecurityEventNotification",
    "ReservationStatusUpdate",
    "ReportChargingProfiles",
)
class Csms201(_Recording, ocpp.v201.ChargePoint):
    """OCPP 2.0.1."""

    @on("BootNotification")
    def on_boot(self, **_: Any) -> Any:
        return result201.BootNotification(
            current_time=_now(self.csms), interval=self.csms.interval, status=self.csms.boot_status
        )

    @on("Heartbeat")
    def on_heartbeat(self, **_: Any) -> Any:
        return result201.Heartbeat(current_time=_now(self.csms))

    @on("Authorize")
    def on_authorize(self, id_token: dict[str, Any], **_: Any) -> Any:
        return result201.Authorize(id_token_info={"status": self.csms.status_of(id_token["id_token"])})

    @on("TransactionEvent")
    def on_transaction(self, id_token: dict[str, Any] | None = None, **_: Any) -> Any:
        status = {"status": self.csms.status_of(id_token["id_token"])} if id_token else None
        return result201.TransactionEvent(id_token_info=status)

    @on("DataTransfer")
    def on_data(self, **_: Any) -> Any:
        return result201.DataTransfer(status="UnknownVendorId")

    @on("SignCertificate")
    def on_sign(self, **_: Any) -> Any:
        return result201.SignCertificate(status="Accepted")
