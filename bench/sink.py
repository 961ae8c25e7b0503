"""A CSMS that does as little as it may, so that a measurement says something about the simulator.

Answers each CALL of a charger with the smallest valid result and counts. `GET /stats` is a JSON object: `open`
(connections now), `calls`, `boots`, `errors`.

    python -m bench.sink --port 9100 --interval 300
"""

import argparse
import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime

import orjson
import uvloop
from picows import (
    WSFrame,
    WSListener,
    WSMsgType,
    WSTransport,
    WSUpgradeRequest,
    WSUpgradeResponse,
    WSUpgradeResponseWithListener,
    ws_create_server,
)

PROTOCOLS = ("ocpp1.6", "ocpp2.0.1")


class Sink:
    """The counters and the answers."""

    def __init__(self, interval: int) -> None:
        self.open = self.calls = self.boots = self.errors = 0
        self.interval = interval
        self._second = 0
        self._clock = b""

    def clock(self) -> bytes:
        """Return the current time as OCPP writes it; made once a second."""
        second = int(time.time())
        if second != self._second:
            self._second = second
            self._clock = datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%SZ").encode()
        return self._clock

    def result(self, action: bytes) -> bytes:
        """Return the payload for an action: what idle chargers send needs no more."""
        if action == b"Heartbeat":
            return b'{"currentTime":"%b"}' % self.clock()
        if action == b"BootNotification":
            self.boots += 1
            return b'{"currentTime":"%b","interval":%d,"status":"Accepted"}' % (self.clock(), self.interval)
        return b"{}"

    def reply(self, text: bytes) -> bytes | None:
        """Return the answer to a frame, None when it needs none. Fast for `[2,"id","Action",` as most write it."""
        if text.startswith(b'[2,"'):
            end = text.find(b'"', 4)
            begin = text.find(b'"', end + 1) + 1
            call, action = text[4:end], text[begin : text.find(b'"', begin)]
        else:
            frame = orjson.loads(text)
            if frame[0] != 2:
                self.errors += frame[0] == 4
                return None
            call, action = frame[1].encode(), frame[2].encode()
        self.calls += 1
        return b'[3,"%b",%b]' % (call, self.result(action))

    def stats(self) -> bytes:
        """Return the counters as JSON."""
        return orjson.dumps({name: getattr(self, name) for name in ("open", "calls", "boots", "errors")})


class Station(WSListener):  # type: ignore[misc, unused-ignore]  # an extension class
    """One connection of a charger."""

    def __init__(self, sink: Sink) -> None:
        super().__init__()
        self.sink = sink

    def on_ws_connected(self, transport: WSTransport) -> None:
        del transport
        self.sink.open += 1

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        del transport
        self.sink.open -= 1

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type == WSMsgType.TEXT:
            answer = self.sink.reply(frame.get_payload_as_bytes())
            if answer is not None:
                transport.send(WSMsgType.TEXT, answer)
        elif frame.msg_type == WSMsgType.CLOSE:
            transport.send_close(frame.get_close_code())
            transport.disconnect()


def upgrade(sink: Sink) -> Callable[[WSUpgradeRequest], WSUpgradeResponseWithListener]:
    """Return what decides about each request: a charger, or somebody who wants the counters."""

    def decide(request: WSUpgradeRequest) -> WSUpgradeResponseWithListener:
        if request.path == b"/stats":
            return WSUpgradeResponseWithListener(WSUpgradeResponse.create_ok_response(sink.stats()), None)
        offered = request.headers.get("Sec-WebSocket-Protocol", "").replace(" ", "").split(",")
        chosen = next((name for name in PROTOCOLS if name in offered), None)
        if chosen is None:
            refusal = WSUpgradeResponse.create_error_response(400, b"offer ocpp1.6 or ocpp2.0.1")
            return WSUpgradeResponseWithListener(refusal, None)
        accepted = WSUpgradeResponse.create_101_response({"Sec-WebSocket-Protocol": chosen})
        return WSUpgradeResponseWithListener(accepted, Station(sink))

    return decide


async def serve(port: int, interval: int) -> None:
    """Serve until cancelled."""
    server = await ws_create_server(
        upgrade(Sink(interval)), "127.0.0.1", port, backlog=4096, read_buffer_init_size=2048, enable_auto_pong=True
    )
    async with server:
        await server.serve_forever()


def main() -> None:
    """Read the options and serve."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--interval", type=int, default=300, help="seconds between heartbeats (%(default)s)")
    options = parser.parse_args()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(options.port, options.interval))


if __name__ == "__main__":
    main()
