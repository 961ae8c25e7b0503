"""Names to addresses, asked once for all chargers that dial the same CSMS."""

import asyncio
import socket
from dataclasses import dataclass
from typing import Final

#: seconds that an answer, good or bad, is used again
GOOD_FOR: Final = 30.0
BAD_FOR: Final = 2.0


@dataclass(slots=True, frozen=True)
class _Answer:
    until: float
    result: asyncio.Task[list[str]]


class Resolver:
    """Looks up host names with one question in flight for each name.

    Look-ups run in libuv's few threads, so a name server that does not answer must not be asked once by each of a
    thousand chargers: the chargers of another CSMS would wait behind them.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._answers: dict[str, _Answer] = {}

    def known(self, host: str) -> list[str] | None:
        """Return what `resolve` would return at once; None when it has to ask or to raise."""
        known = self._answers.get(host)
        if known is None or not known.result.done() or known.until < self._loop.time():
            return None
        return None if known.result.cancelled() or known.result.exception() else known.result.result()

    async def resolve(self, host: str, port: int) -> list[str]:
        """Return the numeric addresses of `host`, the preferred one first.

        Raises socket.gaierror when there is no such name.
        """
        now = self._loop.time()
        known = self._answers.get(host)
        if known is None or (known.result.done() and known.until < now):
            task = self._loop.create_task(self._ask(host, port))
            known = self._answers[host] = _Answer(now + GOOD_FOR, task)
            task.add_done_callback(lambda done: self._keep(host, done))
        # One charger that gives up must not take the answer from the others.
        return await asyncio.shield(known.result)

    async def _ask(self, host: str, port: int) -> list[str]:
        found = await self._loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        return list(dict.fromkeys(str(entry[4][0]) for entry in found))

    def _keep(self, host: str, task: asyncio.Task[list[str]]) -> None:
        failed = task.cancelled() or task.exception() is not None
        self._answers[host] = _Answer(self._loop.time() + (BAD_FOR if failed else GOOD_FOR), task)
        if len(self._answers) > 1000:  # addresses come from users: bounded whatever they type
            now = self._loop.time()
            self._answers = {
                name: answer
                for name, answer in self._answers.items()
                if answer.until >= now or not answer.result.done()
            }
