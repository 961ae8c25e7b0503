"""One WebSocket of one station: carries out the effects of its link."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from typing import Any

from .central import Link
from .effects import Close, Effect, Keep, Order, Send, Settled
from .journal import Journal, NotKept

Reply = Callable[[str, dict[str, Any]], None]


class Socket:
    """The shell of a link. `reply` gets the tag and the outcome of each order; `journal` keeps transactions."""

    __slots__ = ("_closing", "_journal", "_reply", "_send", "_timer", "link", "opened_at")

    def __init__(
        self,
        link: Link,
        opened_at: float,
        send: Callable[[dict[str, Any]], Awaitable[None]],
        reply: Reply,
        journal: Journal,
    ) -> None:
        self.link = link
        self.opened_at = opened_at
        self._send = send
        self._reply = reply
        self._journal = journal
        self._closing = False
        self._timer: asyncio.TimerHandle | None = None

    @property
    def key(self) -> str:
        """The key of the station."""
        return self.link.station.key

    async def perform(self, effects: list[Effect]) -> None:
        """Carry out effects in order. Raises OSError when the peer is gone."""
        for effect in effects:
            match effect:
                case Send(text=text):
                    await self._put(text)
                case Keep(entry=entry, text=text, otherwise=otherwise):
                    try:
                        await self._journal.keep(entry)
                    except NotKept:
                        text = otherwise
                    await self._put(text)
                case Close(code=code, reason=reason):
                    await self.close(code, reason)
                case Settled(tag=tag, outcome=outcome):
                    self._reply(tag, outcome.as_dict())
        if self._timer is not None or self.link.next_wake() is not None:
            self._arm()

    async def _put(self, text: str) -> None:
        if not self._closing:
            await self._send({"type": "websocket.send", "text": text})

    async def order(self, order: Order) -> None:
        """Send a CALL to the station."""
        await self._perform_safely(self.link.call(time.time(), order))

    async def close(self, code: int, reason: str) -> None:
        """Start the closing handshake; the serving task then sees the end of the connection."""
        if not self._closing:
            self._closing = True
            self._settle()
            await self._send_safely({"type": "websocket.close", "code": code, "reason": reason})

    def gone(self) -> None:
        """The connection has ended."""
        self._closing = True
        self._settle()

    def _settle(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for effect in self.link.closed():
            self._reply(effect.tag, effect.outcome.as_dict())

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        wake = self.link.next_wake()
        if wake is not None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(max(0.0, wake - time.time()), self._ring, loop)

    def _ring(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = None
        effects = self.link.wake(time.time())
        task = loop.create_task(self._perform_safely(effects), name="csms timeout")
        _TASKS.add(task)
        task.add_done_callback(_TASKS.discard)

    async def _perform_safely(self, effects: list[Effect]) -> None:
        try:
            await self.perform(effects)
        except OSError:
            self.gone()

    async def _send_safely(self, event: dict[str, Any]) -> None:
        with contextlib.suppress(OSError):
            await self._send(event)


_TASKS: set[asyncio.Task[None]] = set()  # a loop keeps only weak references to its tasks
