"""What this host hears over the channel layer."""

import asyncio
from collections.abc import Callable
from typing import Any, Final
from uuid import UUID

import structlog
from channels.consumer import AsyncConsumer
from channels.layers import get_channel_layer

from chargers.simulator import wire

log = structlog.get_logger(__name__)

#: seconds of listening after which the channel is announced again: the broker may have forgotten it, and a broken
#: connection that nobody reported must not be listened to for ever
ANNOUNCE_EVERY: Final = 30.0
#: seconds between tries when the broker is away
RETRY_FIRST, RETRY_MOST = 0.5, 5.0


class HostConsumer(AsyncConsumer):  # type: ignore[misc]
    """Checks messages and hands them over; the work is done by the fleet, which outlives any message."""

    def __init__(self, look: Callable[[], None], orders: Callable[[], None]) -> None:
        self._look = look
        self._orders = orders

    async def dispatch(self, message: dict[str, Any]) -> None:
        """Hand over one message. Raises wire.UnknownMessage.

        Channels' own dispatch calls whatever method the message names (`dispatch` itself: endless recursion, after
        which its thread executor is dead [seen]) and first closes Django's connections, of which there are none here.
        """
        match wire.decode(message):
            case wire.Look():
                self._look()
            case wire.Orders():
                self._orders()


class Ear:
    """Listens on the host's channel and survives whatever happens to the broker and whatever is sent."""

    def __init__(self, consumer: HostConsumer, host_id: Callable[[], UUID | None]) -> None:
        self._consumer = consumer
        self._host_id = host_id

    async def run(self) -> None:
        """Listen until cancelled."""
        wait = RETRY_FIRST
        while True:
            try:
                await self._listen()
            except Exception as error:  # noqa: BLE001 - also bytes that are no message: a hint is never worth the process
                if wait == RETRY_FIRST:
                    log.warning("broker_away", error=str(error) or repr(error), meanwhile="this host looks by itself")
                await asyncio.sleep(wait)
                wait = min(wait * 2, RETRY_MOST)
            else:
                wait = RETRY_FIRST

    async def _listen(self) -> None:
        """Announce the channel and hear it for a while."""
        host_id = self._host_id()
        if host_id is None:
            await asyncio.sleep(RETRY_FIRST)
            return
        layer, channel = get_channel_layer(), wire.channel_of(host_id)
        async with asyncio.timeout(wire.TIMEOUT):
            await layer.group_add(wire.HOSTS, channel)
        heard_until = asyncio.get_running_loop().time() + ANNOUNCE_EVERY
        while self._host_id() == host_id:
            try:
                async with asyncio.timeout_at(heard_until):
                    message = await layer.receive(channel)
            except TimeoutError:
                return
            await self._hear(message)
        await layer.group_discard(wire.HOSTS, channel)

    async def _hear(self, message: dict[str, Any]) -> None:
        try:
            await self._consumer.dispatch(message)
        except wire.UnknownMessage as error:
            log.warning("message_not_understood", error=str(error))

    async def leave(self, host_id: UUID) -> None:
        """Take the host's channel out of the group, if the broker is there, and tell the others to look."""
        try:
            async with asyncio.timeout(1.0):
                await get_channel_layer().group_discard(wire.HOSTS, wire.channel_of(host_id))
                await wire.look_async()
        except wire.BROKER_TROUBLE as error:
            log.info("leave_not_announced", error=str(error))
