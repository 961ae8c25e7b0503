"""Typed messages to simulator hosts over the channel layer, and the functions that send them.

A message is a hint: it may be lost, come twice or late. What is wanted stands in the database, where hosts look by
themselves every second or two; a hint only makes it quicker.
"""

import asyncio
import os
import threading
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final
from uuid import UUID

import structlog
from channels.exceptions import ChannelFull
from channels.layers import get_channel_layer
from redis.exceptions import RedisError

log = structlog.get_logger(__name__)

#: the group that every live host's channel is in
HOSTS: Final = "simulators"
#: seconds between two hints of a process at least, of either kind, and for sending one
PAUSE: Final = 0.2
ORDERS_PAUSE: Final = 0.005
TIMEOUT: Final = 5.0
#: what "the broker is away, or a host does not read" looks like
BROKER_TROUBLE: Final = (RedisError, ChannelFull, OSError, TimeoutError)


class UnknownMessage(ValueError):
    """A message of another version, or not for hosts."""


@dataclass(frozen=True, slots=True)
class Look:
    """Rows of chargers changed: look at what is wanted."""

    type: ClassVar[str] = "simulator.look"


@dataclass(frozen=True, slots=True)
class Orders:
    """Commands were given: take those that are yours."""

    type: ClassVar[str] = "simulator.orders"


Hint = Look | Orders
_HINTS: Final[Mapping[str, type[Hint]]] = {Look.type: Look, Orders.type: Orders}


def encode(message: Hint) -> dict[str, Any]:
    """Return the channel layer's form of a message."""
    return {"type": message.type}


def decode(message: Mapping[str, Any]) -> Hint:
    """Read the channel layer's form. Raises UnknownMessage."""
    kind = message.get("type")
    if isinstance(kind, str) and kind in _HINTS:
        return _HINTS[kind]()
    raise UnknownMessage(f"no message of type {kind!r} is for simulator hosts")


def channel_of(host_id: UUID) -> str:
    """Name the channel of one host."""
    return f"simulator.{host_id.hex}"


def look() -> None:
    """Tell every live host to look again, soon and from another thread: takes microseconds and never raises.

    Call it after commit. A burst of calls becomes one message at once and one after it.
    """
    _looks.ask()


def orders() -> None:
    """Tell every live host to take its commands, at once and from another thread; never raises. Call it after commit.

    Somebody may be waiting for the outcome, so this one is sent without a pause; what comes during the sending is one
    message more.
    """
    _orders.ask()


async def look_async() -> None:
    """Tell every live host to look again, now. Raises one of BROKER_TROUBLE."""
    await _tell(Look())


async def _tell(message: Hint) -> None:
    async with asyncio.timeout(TIMEOUT):
        await get_channel_layer().group_send(HOSTS, encode(message))


class _Hinter:
    """The thread that sends one kind of hint, one a process.

    `async_to_sync(layer.send)` would make a loop and a connection for each hint, 4 ms of the caller's time; this
    thread keeps both, and whoever asks only sets a flag.
    """

    def __init__(self, send: Callable[[], Awaitable[None]], pause: float) -> None:
        self._send = send
        self._pause = pause
        self.reset()

    def reset(self) -> None:
        """Forget the thread, which does not survive a fork."""
        self._asked = threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def ask(self) -> None:
        self._asked.set()
        if self._thread is None:
            with self._lock:
                if self._thread is None:
                    self._thread = threading.Thread(target=self._run, name="simulator-hints", daemon=True)
                    self._thread.start()

    def _run(self) -> None:
        away = False
        with asyncio.Runner() as runner:
            while True:
                self._asked.wait()
                self._asked.clear()
                try:
                    runner.run(self._once())
                except BROKER_TROUBLE as error:
                    if not away:
                        log.warning("hint_not_sent", error=str(error), meanwhile="hosts look by themselves")
                    away = True
                else:
                    away = False
                time.sleep(PAUSE if away else self._pause)

    async def _once(self) -> None:
        await self._send()


_looks = _Hinter(look_async, PAUSE)
_orders = _Hinter(lambda: _tell(Orders()), ORDERS_PAUSE)
os.register_at_fork(after_in_child=_looks.reset)
os.register_at_fork(after_in_child=_orders.reset)
