"""What tests of simulator hosts need: a line to the database or broker that can be cut, and looks at rows."""

import asyncio
import threading
from collections import Counter
from typing import Any, Self
from urllib.parse import urlsplit, urlunsplit

from chargers.models import Charger


class Cable:
    """A TCP proxy that a test can cut, freeze and mend: a server that is away, without touching the server.

    with Cable(settings.REDIS_URL) as cable:
        processes.simulator(REDIS_URL=cable.url)
        cable.cut()
    """

    def __init__(self, url: str) -> None:
        self._target = urlsplit(url)
        self.url = ""
        self._whole = True
        self._flowing: asyncio.Event

    def cut(self) -> None:
        """End all connections and take no new ones."""
        self._do(self._cut)

    def freeze(self) -> None:
        """Keep all connections and let nothing through."""
        self._do(self._flowing.clear)

    def mend(self) -> None:
        """Be whole again."""
        self._do(self._mend)

    def __enter__(self) -> Self:
        ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run(ready)), name="cable")
        self._thread.start()
        assert ready.wait(10)
        return self

    def __exit__(self, *exc: object) -> None:
        self._do(self._stop.set)
        self._thread.join(10)

    def _do(self, what: Any) -> None:
        done = threading.Event()
        self._loop.call_soon_threadsafe(lambda: (what(), done.set()))
        assert done.wait(10)

    def _cut(self) -> None:
        self._whole = False
        for writer in list(self._writers):
            writer.transport.abort()

    def _mend(self) -> None:
        self._whole = True
        self._flowing.set()

    async def _run(self, ready: threading.Event) -> None:
        self._loop, self._stop, self._flowing = asyncio.get_running_loop(), asyncio.Event(), asyncio.Event()
        self._flowing.set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        where = self._target.netloc.rpartition("@")
        self.url = urlunsplit(self._target._replace(netloc=f"{where[0]}{where[1]}127.0.0.1:{port}"))
        ready.set()
        await self._stop.wait()
        server.close()
        self._cut()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            if self._whole:
                there = await asyncio.open_connection(self._target.hostname, self._target.port)
                self._writers |= {writer, there[1]}
                await asyncio.gather(self._pump(reader, there[1]), self._pump(there[0], writer))
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            writer.transport.abort()
            self._tasks.discard(task)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65536):
                await self._flowing.wait()
                writer.write(data)
                await writer.drain()
        finally:
            writer.transport.abort()
            self._writers.discard(writer)


def states() -> Counter[str]:
    """How many chargers are in which connection state."""
    return Counter(Charger.objects.values_list("connection_state", flat=True))


def held_by() -> Counter[str | None]:
    """How many chargers each host holds, by its name."""
    return Counter(Charger.objects.values_list("host__name", flat=True))
