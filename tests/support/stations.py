"""A charger played by hand over a real WebSocket."""

import json
import threading
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from typing import Any
from urllib.parse import quote

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

BOOT = {
    "ocpp1.6": {"chargePointVendor": "v", "chargePointModel": "m"},
    "ocpp2.0.1": {"reason": "PowerUp", "chargingStation": {"model": "m", "vendorName": "v"}},
}


class Station:
    """One connection. `open` dials `url`/csms/`path`, where `path` is percent-encoded already if `raw`."""

    def __init__(self, dial: AbstractContextManager[ClientConnection]) -> None:
        self._dial = dial
        self.socket = dial.__enter__()
        self._ids = 0

    @classmethod
    def open(
        cls, url: str, identity: str, *, subprotocols: Iterable[str] = ("ocpp1.6",), raw: bool = False
    ) -> "Station":
        path = identity if raw else quote(identity, safe="")
        address = f"{url.replace('http', 'ws', 1)}/csms/{path}"
        return cls(
            connect(address, subprotocols=list(subprotocols) or None, open_timeout=10, close_timeout=1, proxy=None)
        )

    def call(self, action: str, payload: dict[str, Any] | None = None) -> list[Any]:
        """Send a CALL and return the frame that answers it."""
        self._ids += 1
        self.socket.send(json.dumps([2, str(self._ids), action, payload or {}]))
        frame: list[Any] = json.loads(self.socket.recv(timeout=10))
        assert frame[1] == str(self._ids), frame
        return frame

    def boot(self) -> dict[str, Any]:
        """Send a BootNotification and return the payload of its result."""
        kind, _, payload = self.call("BootNotification", BOOT[str(self.socket.subprotocol)])
        assert kind == 3
        return dict(payload)

    def answers(self, answer: Callable[[str, dict[str, Any]], list[Any] | None]) -> threading.Thread:
        """From now on answer calls in a thread: `answer(action, payload)` gives `[3, payload]` or `[4, code, …]`."""

        def run() -> None:
            try:
                for text in self.socket:
                    _, message_id, action, payload = json.loads(text)
                    said = answer(action, payload)
                    if said is not None:
                        self.socket.send(json.dumps([said[0], message_id, *said[1:]]))
            except ConnectionClosed:
                pass

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        return thread

    def close_code(self) -> int | None:
        """Wait until the other side closes, and return the code."""
        try:
            while True:
                self.socket.recv(timeout=10)
        except ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd else None

    def close(self) -> None:
        self._dial.__exit__(None, None, None)
