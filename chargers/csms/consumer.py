"""The WebSocket side of the built-in CSMS: `/csms/<identity>`, a plain ASGI application.

Not a Channels consumer: one costs half as much memory again per connection and almost five times as much time per
message (docs/adr/built-in-csms.md), and nothing of what it gives is needed here.
"""

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any, Final

import structlog
from channels.db import database_sync_to_async
from django.conf import settings
from django.db import Error as DatabaseError

from chargers.protocol import Version

from .address import read_address
from .central import Central, Link
from .gate import Gate, GateClosed, KnownIdentities, LookUp
from .journal import Journal
from .numbers import BLOCK, reserve_block
from .sockets import Socket
from .stations import Rules
from .store import tags_read, transactions_read, transactions_write
from .switchboard import Switchboard

log = structlog.get_logger(__name__)

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

_PROTOCOL_ERROR: Final = 1002
_POLICY_VIOLATION: Final = 1008
_START_PATIENCE: Final = 2.0  #: seconds that the first stations wait for policies and numbers


class CsmsApplication:
    """The CSMS of one web process. `known` says which identities are chargers of the lab."""

    def __init__(self, *, known: KnownIdentities) -> None:
        rules = Rules(heartbeat_interval=settings.CSMS_HEARTBEAT_INTERVAL)
        self.central = Central(rules=rules, prefix=secrets.token_hex(4))
        self.sockets: dict[str, Socket] = {}
        self.switchboard = Switchboard(central=self.central, sockets=self.sockets, read_tags=self._read_tags)
        self._gate = Gate(known)
        self._histories = LookUp(transactions_read)
        self._journal = Journal(transactions_write)
        self._tags: asyncio.Task[None] | None = None
        self._refilling: asyncio.Task[None] | None = None

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Serve one WebSocket from its handshake to its end."""
        await receive()  # websocket.connect
        address = read_address(scope)
        if address is None or not settings.CSMS_ENABLED:
            reason = "no charger identity in the path" if settings.CSMS_ENABLED else "the built-in CSMS is switched off"
            return await _refuse(scope, send, HTTPStatus.NOT_FOUND, reason)
        try:
            known = await self._gate.knows(address.identity)
            history = await self._histories.get(address.key) if known else ()
        except GateClosed:
            reason = "the database is away: try again"
            return await _refuse(scope, send, HTTPStatus.SERVICE_UNAVAILABLE, reason)
        if not known:  # OCPP-J 1.6 §3.2, 2.0.1 §3.2: 404 for an identity that the CSMS does not know
            return await _refuse(scope, send, HTTPStatus.NOT_FOUND, "the lab has no charger of this identity")
        version = next(filter(None, map(Version.of_subprotocol, scope["subprotocols"])), None)
        if version is None:
            return await _accept_and_close(send)
        await self._started()
        await send({"type": "websocket.accept", "subprotocol": version.subprotocol})
        now = time.time()
        link = self.central.connect(now, address.key, version, history)
        await self._serve(Socket(link, now, send, self._reply, self._journal), receive)
        return None

    async def aclose(self) -> None:
        """Stop what runs in the background (for tests: a web process just ends)."""
        await self.switchboard.aclose()
        if self._refilling is not None:
            self._refilling.cancel()
            await asyncio.gather(self._refilling, return_exceptions=True)
        await self._journal.aclose()

    async def _serve(self, socket: Socket, receive: Receive) -> None:
        key = socket.key
        older = self.sockets.get(key)
        self.sockets[key] = socket
        try:
            if older is not None:  # the newest wins: an old one may be half open for minutes
                await older.close(_POLICY_VIOLATION, "the station has opened a newer connection")
            self.switchboard.arrived(key)
            await self._listen(socket.link, socket, receive)
        except OSError:  # the peer is gone while we were sending
            pass
        finally:
            if self.sockets.get(key) is socket:
                del self.sockets[key]
                self.switchboard.left(key)
            socket.gone()

    async def _listen(self, link: Link, socket: Socket, receive: Receive) -> None:
        numbers = self.central.rules.numbers
        while True:
            event = await receive()
            if event["type"] != "websocket.receive":
                return
            text = event.get("text")
            now = time.time()
            await socket.perform(link.binary(now) if text is None else link.text(now, text))
            if numbers.left < BLOCK // 2:
                self._refill()

    def _reply(self, tag: str, outcome: dict[str, Any]) -> None:
        self.switchboard.reply(tag, outcome)

    async def _started(self) -> None:
        """Make sure that policies and numbers are there, but let no station wait long for a server that is away."""
        if self.switchboard.start():
            self._refill()
            self._tags = asyncio.create_task(self._read_tags(), name="csms tags")  # also when Redis is away
        if self._tags is not None and not self._tags.done():
            await asyncio.wait([self._tags], timeout=_START_PATIENCE)
        if not self.switchboard.ready.is_set():
            try:
                await asyncio.wait_for(self.switchboard.ready.wait(), _START_PATIENCE)
            except TimeoutError:
                self.switchboard.ready.set()  # who comes next need not wait as well

    async def _read_tags(self) -> None:
        try:
            self.central.rules.tags.replace(await database_sync_to_async(tags_read)())
        except DatabaseError as error:  # the former ones stay
            log.warning("csms_tags_unavailable", error=str(error))

    def _refill(self) -> None:
        if self._refilling is None:
            self._refilling = asyncio.create_task(self._fetch_numbers(), name="csms numbers")

    async def _fetch_numbers(self) -> None:
        try:
            self.central.rules.numbers.add(await database_sync_to_async(reserve_block)(), BLOCK)
        except DatabaseError as error:
            log.warning("csms_numbers_unavailable", error=str(error))
            await asyncio.sleep(1)  # the next message asks again
        finally:
            self._refilling = None


async def no_station(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """Answer a WebSocket on any other path with 404: a `ws_url` without `/csms` is a mistake easily made."""
    await receive()  # websocket.connect
    await _refuse(scope, send, HTTPStatus.NOT_FOUND, "no CSMS here: the built-in one is at /csms/<identity>")


async def _refuse(scope: dict[str, Any], send: Send, status: HTTPStatus, reason: str) -> None:
    if "websocket.http.response" not in scope.get("extensions", {}):
        return await send({"type": "websocket.close"})  # the server answers 403
    headers = [(b"content-type", b"text/plain; charset=utf-8")]
    await send({"type": "websocket.http.response.start", "status": int(status), "headers": headers})
    await send({"type": "websocket.http.response.body", "body": reason.encode()})
    return None


async def _accept_and_close(send: Send) -> None:
    """No subprotocol of ours: complete the handshake without one, then close (OCPP-J 1.6 §3.2, 2.0.1 §3.2)."""
    await send({"type": "websocket.accept"})
    await send({"type": "websocket.close", "code": _PROTOCOL_ERROR, "reason": "offer ocpp1.6 or ocpp2.0.1"})
