"""A CSMS that does as little as it may, so that a measurement says something about the simulator and not about it.

It answers each CALL of a charger (OCPP 1.6, 2.0.1 or 2.1) with the smallest valid result, counts, and knows its own
limit: CPU seconds, its busiest second, its event loop's lag. Any simulator can be set against it:

    python -m bench.sink --port 9100 --interval 60

Chargers dial `ws://127.0.0.1:9100/<anything>/<identity>`. The rest is asked by GET and answered in JSON:

    /stats                                  the counters
    /mark?pace=10                           counters of delays and of the busiest second begin anew
    /push?action=…&payload=…&rate=2000      send that CALL to every charger, so many a second
    /drive?seconds=8&width=500              see `bench.sink_driver`
    /drop?n=100&hard=1                      close so many connections, with a close frame or (hard) without

After a /mark with a pace, MeterValues are timed: each charger samples on a grid of its own, `pace` seconds wide, and
`late_ms` says how long after its place in that grid a message was read here. Another mark with the same pace keeps what
is known of the grids.
"""

import argparse
import asyncio
import contextlib
import resource
from collections.abc import Callable, Coroutine
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import orjson
import uvloop
from picows import (
    WSCloseCode,
    WSFrame,
    WSListener,
    WSMsgType,
    WSTransport,
    WSUpgradeRequest,
    WSUpgradeResponse,
    WSUpgradeResponseWithListener,
    ws_create_server,
)

from bench.sink_driver import Driver, push
from bench.sink_state import Counters

PROTOCOLS = ("ocpp2.1", "ocpp2.0.1", "ocpp1.6")
#: answers to CALLs by version; every other action is satisfied by an empty object
ACCEPTED = b'{"idTagInfo":{"status":"Accepted"}}'
ACCEPTED_2 = b'{"idTokenInfo":{"status":"Accepted"}}'


class Sink:
    """All connections, and what is answered."""

    def __init__(self, interval: int) -> None:
        self.interval = interval
        self.stations: dict[Station, WSTransport] = {}
        self.counters = Counters()
        self.driver = Driver(self.stations)
        self._tasks: set[asyncio.Task[None]] = set()

    def result(self, action: bytes, version: str) -> bytes:
        """Return the payload that answers an action."""
        counters = self.counters
        if action == b"Heartbeat":
            return b'{"currentTime":"%b"}' % counters.clock()
        if action == b"BootNotification":
            counters.booted()
            return b'{"currentTime":"%b","interval":%d,"status":"Accepted"}' % (counters.clock(), self.interval)
        if action == b"StartTransaction":
            counters.starts += 1
            return b'{"transactionId":%d,"idTagInfo":{"status":"Accepted"}}' % counters.starts
        if action in {b"Authorize", b"StopTransaction"}:
            return ACCEPTED if version == "ocpp1.6" else ACCEPTED_2
        if action == b"DataTransfer":
            return b'{"status":"Accepted"}'
        return b"{}"

    def asked(self, target: str) -> bytes:
        """Answer one GET; unknown words are ignored."""
        parts = urlsplit(target)
        query = dict(parse_qsl(parts.query))
        match parts.path:
            case "/stats":
                return orjson.dumps(self.counters.shown() | {"driven": self.driver.done, "open": len(self.stations)})
            case "/mark":
                if self.counters.mark(float(query.get("pace", 0))):
                    for station in self.stations:
                        station.phase = None
                return b"{}"
            case "/push":
                payload = query.get("payload", "{}")
                self._run(push(self.stations, query["action"], payload, float(query.get("rate", 2000))))
            case "/drive":
                self.driver.start(float(query["seconds"]), int(query.get("width", 500)))
            case "/drop":
                return b'{"dropped":%d}' % self.drop(int(query.get("n", 1)), hard="hard" in query)
            case _:
                return b'{"error":"see the first lines of bench/sink.py"}'
        return b'{"stations":%d}' % len(self.stations)

    def drop(self, count: int, *, hard: bool) -> int:
        """End connections; `hard` without a word."""
        victims = list(self.stations.values())[:count]
        for transport in victims:
            if not hard:
                transport.send_close(WSCloseCode.GOING_AWAY, b"dropped")
            transport.disconnect(graceful=not hard)
        return len(victims)

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


class Station(WSListener):  # type: ignore[misc, unused-ignore]  # an extension class
    """One connection of a charger."""

    def __init__(self, sink: Sink, version: str) -> None:
        super().__init__()
        self.sink, self.version = sink, version
        self.driven = False  #: whether the driver waits for its next Heartbeat
        self.phase: float | None = None  #: the place of its grid of samples

    def on_ws_connected(self, transport: WSTransport) -> None:
        self.sink.stations[self] = transport
        self.sink.counters.opened()

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        del transport
        self.sink.stations.pop(self, None)
        self.sink.driver.ended(self)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type == WSMsgType.TEXT:
            self._text(transport, frame.get_payload_as_bytes())
        elif frame.msg_type == WSMsgType.CLOSE:
            transport.send_close(frame.get_close_code())
            transport.disconnect()

    def _text(self, transport: WSTransport, text: bytes) -> None:
        """Answer a frame. Fast for `[2,"id","Action",` as most write it."""
        counters = self.sink.counters
        if text.startswith(b'[2,"'):
            end = text.find(b'"', 4)
            begin = text.find(b'"', end + 1) + 1
            call, action = text[4:end], text[begin : text.find(b'"', begin)]
        else:
            call, action = _slowly(text)
            if not action:
                counters.answers += call == b"3"
                counters.errors += call != b"3"
                if self.driven and b"Accepted" not in text:
                    self.sink.driver.refused(self)
                return
        counters.calls += 1
        transport.send(WSMsgType.TEXT, b'[3,"%b",%b]' % (call, self.sink.result(action, self.version)))
        if action == b"Heartbeat":
            if self.driven:
                self.sink.driver.came(self)
        elif action == b"MeterValues":
            counters.meter_values += 1
            if counters.pace:
                self.phase = counters.timed(self.phase)


def _slowly(text: bytes) -> tuple[bytes, bytes]:
    """Return id and action of a CALL in any legal spelling; of all else its type (4 when unreadable) and nothing."""
    if text.startswith(b"[3,"):
        return b"3", b""
    with contextlib.suppress(orjson.JSONDecodeError, IndexError, TypeError, AttributeError):
        frame = orjson.loads(text)
        if frame[0] == 2:
            return frame[1].encode(), frame[2].encode()
        return (b"3" if frame[0] == 3 else b"4"), b""
    return b"4", b""


def upgrade(sink: Sink) -> Callable[[WSUpgradeRequest], WSUpgradeResponseWithListener]:
    """Return what decides about each request: a charger, or somebody who asks."""

    def decide(request: WSUpgradeRequest) -> WSUpgradeResponseWithListener:
        if "upgrade" not in request.headers:
            answer = sink.asked(request.path.decode())
            return WSUpgradeResponseWithListener(WSUpgradeResponse.create_ok_response(answer), None)
        offered = request.headers.get("Sec-WebSocket-Protocol", "").replace(" ", "").split(",")
        chosen = next((name for name in PROTOCOLS if name in offered), None)
        if chosen is None:
            refusal = WSUpgradeResponse.create_error_response(400, b"offer ocpp1.6, ocpp2.0.1 or ocpp2.1")
            return WSUpgradeResponseWithListener(refusal, None)
        accepted = WSUpgradeResponse.create_101_response({"Sec-WebSocket-Protocol": chosen})
        return WSUpgradeResponseWithListener(accepted, Station(sink, chosen))

    return decide


async def serve(host: str, port: int, interval: int) -> None:
    """Serve until cancelled."""
    sink = Sink(interval)
    server = await ws_create_server(
        upgrade(sink), host, port, backlog=4096, read_buffer_init_size=2048, enable_auto_pong=True
    )
    async with server:
        await asyncio.gather(server.serve_forever(), sink.counters.watch())


def main() -> None:
    """Read the options and serve."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--interval", type=int, default=60, help="seconds between heartbeats (%(default)s)")
    options = parser.parse_args()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    with contextlib.suppress(ValueError, OSError):  # macOS refuses "unlimited"
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner, contextlib.suppress(KeyboardInterrupt):
        runner.run(serve(options.host, options.port, options.interval))


if __name__ == "__main__":
    main()
