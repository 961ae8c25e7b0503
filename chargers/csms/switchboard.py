"""The line between a web process and the rest: orders to the stations that it holds come in by Redis pub/sub."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any, Final, cast

import orjson
import structlog
from django.conf import settings
from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from . import wire
from .central import Central
from .effects import Order
from .sockets import Socket
from .stations import BootPolicy, Registration

log = structlog.get_logger(__name__)

_GATHER: Final = 0.02  #: seconds in which arrivals and departures gather for one round trip
_RETRY: Final = 1.0  #: seconds between two tries to reach Redis
_CHUNK: Final = 1000  #: channels in one SUBSCRIBE


class Switchboard:
    """Tells the other processes which stations are here, and does what they ask of these.

    While Redis is away stations are served as ever; only nobody can call them, and an older connection of a station at
    another process stays until it breaks by itself.
    """

    def __init__(
        self, *, central: Central, sockets: Mapping[str, Socket], read_tags: Callable[[], Awaitable[None]]
    ) -> None:
        self.ready = asyncio.Event()  #: the boot policies have been read
        self._read_tags = read_tags
        self._central = central
        self._sockets = sockets
        self._process = secrets.token_hex(8)
        self._moved: set[str] = set()
        self._stirred = asyncio.Event()
        self._main: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._client: Redis | None = None

    def start(self) -> bool:
        """Start listening; False when that was done before."""
        if self._main is not None:
            return False
        self._client = Redis.from_url(
            settings.REDIS_URL,
            socket_timeout=None,  # a listener waits as long as nobody speaks
            socket_connect_timeout=5,
            socket_keepalive=True,
            retry=Retry(NoBackoff(), 0),  # `_run` does that, and subscribes again
        )
        self._main = asyncio.create_task(self._run(self._client), name="csms switchboard")
        self._main.add_done_callback(_report)
        return True

    async def aclose(self) -> None:
        """Stop listening."""
        tasks = [task for task in (self._main, *self._tasks) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._client is not None:
            await self._client.aclose()

    def arrived(self, key: str) -> None:
        """A station has opened a connection here."""
        self._moved.add(key)
        self._stirred.set()

    left = arrived  # where a station stands is looked up when the time comes to tell

    def reply(self, reply: str, answer: object) -> None:
        """Put the answer to a question where the one who asked looks for it."""
        self._spawn(self._put(reply, answer))

    async def _run(self, client: Redis) -> None:
        while True:
            pubsub = client.pubsub(ignore_subscribe_messages=True)
            try:
                await self._serve(client, pubsub)
            except* (RedisError, OSError) as group:
                log.warning("csms_switchboard_lost", error=str(group.exceptions[0]))
            finally:
                await pubsub.aclose()  # type: ignore[no-untyped-call]
            await asyncio.sleep(_RETRY)

    async def _serve(self, client: Redis, pubsub: PubSub) -> None:
        await pubsub.subscribe(wire.office_channel())
        await self._read_policies(client)
        await self._read_tags()  # they may have changed while nobody could tell us
        self.ready.set()
        self._moved.update(self._sockets)
        self._stirred.set()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._tell(client, pubsub))
            while True:
                message = await pubsub.get_message(timeout=None)
                if message is not None:
                    await self._hear(message["data"])

    async def _tell(self, client: Redis, pubsub: PubSub) -> None:
        while True:
            await self._stirred.wait()
            await asyncio.sleep(_GATHER)
            self._stirred.clear()
            moved, self._moved = list(self._moved), set()
            for start in range(0, len(moved), _CHUNK):
                await self._tell_some(client, pubsub, moved[start : start + _CHUNK])

    async def _tell_some(self, client: Redis, pubsub: PubSub, moved: list[str]) -> None:
        here = [(key, self._sockets[key]) for key in moved if key in self._sockets]
        gone = [wire.station_channel(key) for key in moved if key not in self._sockets]
        if gone:
            await pubsub.unsubscribe(*gone)
        if here:
            await pubsub.subscribe(*(wire.station_channel(key) for key, _ in here))
            pipeline = client.pipeline(transaction=False)
            for key, socket in here:
                newer = wire.NewerSocket(key=key, process=self._process, opened_at=socket.opened_at)
                pipeline.publish(wire.station_channel(key), wire.dump(newer))
            await pipeline.execute()

    async def _hear(self, data: bytes) -> None:
        message = wire.load(data)
        match message:
            case wire.CallStation():
                self._call(message)
            case wire.NewerSocket(key=key, process=process, opened_at=opened_at):
                socket = self._sockets.get(key)
                mine = process == self._process
                if socket is not None and not mine and (socket.opened_at, self._process) < (opened_at, process):
                    self._spawn(socket.close(1008, "the station has opened a newer connection elsewhere"))
            case wire.AskStation():
                station = self._central.stations.get(message.key)
                self.reply(message.reply, station and station.as_dict())
            case wire.PolicyChanged():
                self._spawn(self._policies_changed(message.reply))
            case wire.TagsChanged():
                self._spawn(self._tags_changed(message.reply))
            case None:
                log.warning("csms_message_unknown", message=data[:200])

    def _call(self, message: wire.CallStation) -> None:
        socket = self._sockets.get(message.key)
        if socket is None:  # it has left since the question was asked
            outcome = {"code": "not_connected", "error_code": "", "description": "the station has left", "payload": {}}
            return self.reply(message.reply, outcome)
        order = Order(message.reply, message.action, message.payload, message.timeout, message.checked)
        return self._spawn(socket.order(order))

    async def _policies_changed(self, reply: str) -> None:
        if self._client is not None:
            await self._read_policies(self._client)
            await self._put(reply, answer=True)

    async def _tags_changed(self, reply: str) -> None:
        await self._read_tags()
        await self._put(reply, answer=True)

    async def _read_policies(self, client: Redis) -> None:
        stored = cast("dict[bytes, bytes]", await client.hgetall(wire.policies_name()))
        self._central.rules.policies = {key.decode(): _policy(value) for key, value in stored.items()}

    async def _put(self, reply: str, answer: object) -> None:
        if self._client is None:
            return
        try:
            pipeline = self._client.pipeline(transaction=False)
            pipeline.rpush(reply, orjson.dumps(answer))
            pipeline.expire(reply, wire.REPLY_LIFE)
            await pipeline.execute()
        except (RedisError, OSError) as error:  # who asked runs into the time limit
            log.warning("csms_reply_lost", error=str(error))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _report(task: asyncio.Task[None]) -> None:
    # It never ends by itself: a bug must show, since only calls would fail and nothing else.
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("csms_switchboard_died", exc_info=error)


def _policy(stored: bytes) -> BootPolicy:
    raw = orjson.loads(stored)
    return BootPolicy(Registration(raw["status"]), raw["interval"])
