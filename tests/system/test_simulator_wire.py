"""Hints over a real broker: sent from any thread, heard by every host, lost without harm."""

import asyncio
import threading
import time
import uuid
from collections.abc import Iterator

import pytest
import redis
from channels.layers import channel_layers, get_channel_layer
from django.conf import settings

from chargers.simulator import wire
from chargers.simulator.host.consumer import Ear, HostConsumer
from tests.support import servers
from tests.support.host import Cable
from tests.support.waiting import eventually

PREFIX = settings.CHANNEL_LAYERS["default"]["CONFIG"]["prefix"]


async def close_pool() -> None:
    """Close the connections of this loop; the layer's own `close_pools` would close those of other threads too."""
    layer = get_channel_layer()
    await layer._layers.pop(asyncio.get_running_loop()).flush()


class Hearing:
    """An ear in a thread of its own, and how often it was told to look."""

    def __init__(self) -> None:
        self.looks = self.takes = 0
        self.host_id: uuid.UUID | None = uuid.uuid4()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()))

    def __enter__(self) -> "Hearing":
        self._thread.start()
        assert self._ready.wait(5)
        return self

    def __exit__(self, *exc: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)
        assert not self._thread.is_alive()

    def _look(self) -> None:
        self.looks += 1

    def _take(self) -> None:
        self.takes += 1

    async def _run(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        task = asyncio.ensure_future(Ear(HostConsumer(self._look, self._take), lambda: self.host_id).run())
        self._ready.set()
        await self._stop.wait()
        task.cancel()
        await asyncio.wait([task])
        await close_pool()

    def announced(self) -> bool:
        assert self.host_id is not None
        with redis.Redis.from_url(settings.REDIS_URL) as broker:
            return broker.zscore(f"{PREFIX}:group:{wire.HOSTS}", wire.channel_of(self.host_id)) is not None


@pytest.fixture(autouse=True)
def broker() -> Iterator[None]:
    servers.ensure_started()
    with redis.Redis.from_url(settings.REDIS_URL) as server:
        server.flushall()
    get_channel_layer()  # or two threads that ask for it first would get one each
    yield
    channel_layers.backends.clear()


def send_raw(host_id: uuid.UUID, message: dict[str, object]) -> None:
    async def send() -> None:
        layer = get_channel_layer()
        await layer.send(wire.channel_of(host_id), message)
        await close_pool()

    asyncio.run(send())


def test_a_message_survives_the_way_over_the_wire():
    for message in (wire.Look(), wire.Orders()):
        assert wire.decode(wire.encode(message)) == message


@pytest.mark.parametrize("message", [{}, {"type": "x"}, {"type": 7}, {"type": "simulator.look.more"}])
def test_an_unknown_message_is_named(message):
    with pytest.raises(wire.UnknownMessage):
        wire.decode(message)


def test_every_host_hears_a_hint():
    with Hearing() as first, Hearing() as second:
        eventually(lambda: first.announced() and second.announced())
        wire.look()
        eventually(lambda: first.looks == 1 and second.looks == 1)


def test_every_host_hears_that_there_are_orders_and_every_order_counts():
    with Hearing() as first, Hearing() as second:
        eventually(lambda: first.announced() and second.announced())
        for count in (1, 2, 3):
            wire.orders()
            eventually(lambda: first.takes >= count and second.takes >= count)  # noqa: B023
        assert first.looks == 0


def test_a_burst_from_many_threads_becomes_a_few_hints_and_the_last_one_is_not_lost():
    with Hearing() as host:
        eventually(host.announced)

        def burst() -> None:
            for _ in range(200):
                began = time.monotonic()
                wire.look()
                assert time.monotonic() - began < 0.5

        threads = [threading.Thread(target=burst) for _ in range(5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        eventually(lambda: host.looks >= 1)
        time.sleep(3 * wire.PAUSE)
        before = host.looks
        assert before <= 5
        wire.look()
        eventually(lambda: host.looks == before + 1)


def test_nonsense_on_the_channel_is_dropped_and_the_next_hint_is_heard(caplog):
    with Hearing() as host:
        eventually(host.announced)
        assert host.host_id is not None
        for nonsense in ({}, {"type": "no.such"}, {"type": "_private"}, {"type": "dispatch"}, {"type": 7}):
            send_raw(host.host_id, nonsense)
        with redis.Redis.from_url(settings.REDIS_URL) as server:
            for raw in (b"", b"\xc1" * 20, b"0123456789ab\x05", b"0123456789ab\x93\x01"):
                server.zadd(f"{PREFIX}{wire.channel_of(host.host_id)}", {raw: 0})
        wire.look()
        eventually(lambda: host.looks == 1)
        eventually(lambda: caplog.text.count("message_not_understood") == 5)


def test_asking_never_fails_when_the_broker_is_away_and_works_when_it_is_back(monkeypatch, caplog):
    with Cable(settings.REDIS_URL) as cable:
        layers = {"default": {**settings.CHANNEL_LAYERS["default"]}}
        config = dict(layers["default"]["CONFIG"])
        config["hosts"] = [{**config["hosts"][0], "address": cable.url}]
        layers["default"]["CONFIG"] = config
        monkeypatch.setattr(channel_layers, "backends", {})
        monkeypatch.setattr(type(channel_layers), "configs", property(lambda self: layers))
        with Hearing() as host:
            eventually(host.announced)
            cable.cut()
            wire.look()
            eventually(lambda: "hint_not_sent" in caplog.text, timeout=15)
            cable.mend()

            def hint_heard() -> bool:
                wire.look()
                return host.looks > 0

            eventually(hint_heard, timeout=20, every=0.3)


def test_a_host_with_another_row_is_heard_on_its_new_channel():
    with Hearing() as host:
        eventually(host.announced)
        host.host_id = uuid.uuid4()
        wire.look()  # wakes it, and it notices
        eventually(host.announced)
        before = host.looks
        wire.look()
        eventually(lambda: host.looks > before)
