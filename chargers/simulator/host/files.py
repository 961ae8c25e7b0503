"""File transfers and key pairs for sessions: in threads, a few at once, off the loop and out of the process's way.

The threads are daemons: a server that hangs holds up neither the sessions nor the end of the process.
"""

import asyncio
import contextlib
import threading
from collections.abc import Awaitable, Callable, Coroutine
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple, TypeVar

import structlog

from chargers.protocol import format_time, names_secret
from chargers.simulator.effects import Abandon, Download, KeyPair, MakeKey, Transfer, Upload
from chargers.simulator.host import transfers
from chargers.simulator.host.database import TROUBLE, Connection, Line
from chargers.simulator.host.transfers import LONGEST, Errand
from ocpplab.common.targets import Targets

log = structlog.get_logger(__name__)

#: transfers at once in a process; the others wait for their turn
AT_ONCE: Final = 8
#: frames of a diagnostics file at most (the newest), and characters of each
MAX_FRAMES: Final = 5_000
MAX_FRAME: Final = 2_000
_MARKS: Final = {"cp_to_csms": "->", "csms_to_cp": "<-"}

Result = TypeVar("Result")
Key = tuple[int, str]  #: charger and transfer


class Frame(NamedTuple):
    """One frame of the message log."""

    at: datetime
    direction: str
    message: str


#: the newest frames of a charger between two times (seconds since the epoch; None: no bound), oldest first
History = Callable[[int, float | None, float | None], Awaitable[list[Frame]]]

_HISTORY = """
    SELECT at, direction, left(message, %(longest)s) FROM chargers_message
    WHERE charger_id = %(charger)s AND at >= %(since)s AND at <= %(until)s
    ORDER BY at DESC, id DESC LIMIT %(most)s
"""
_FIRST, _LAST = datetime(1970, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)


class MessageLog:
    """The message log in the database as a `History`, on a connection of its own."""

    def __init__(self) -> None:
        self._line = Line("files")

    async def __call__(self, charger_id: int, since: float | None, until: float | None) -> list[Frame]:
        """See `History`. Raises one of TROUBLE."""
        values = {
            "charger": charger_id,
            "since": _FIRST if since is None else _moment(since),
            "until": _LAST if until is None else _moment(until),
            "most": MAX_FRAMES,
            "longest": MAX_FRAME,
        }
        rows = await self._line.run(lambda connection: _rows(connection, values))
        return [Frame(*row) for row in reversed(rows)]

    async def close(self) -> None:
        """Close the connection."""
        await self._line.close()


class Files:
    """Carries out `Download`, `Upload`, `Abandon` and `MakeKey` for all sessions of a process."""

    def __init__(self, loop: asyncio.AbstractEventLoop, rules: Targets, history: History) -> None:
        self._loop = loop
        self._rules = rules
        self._history = history
        self._turn = asyncio.Semaphore(AT_ONCE)
        self._errands: dict[Key, Errand] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def carry_out(
        self,
        charger_id: int,
        csms: str,
        effect: Download | Upload | Abandon | MakeKey,
        done: Callable[[Transfer | KeyPair], None],
    ) -> None:
        """Do what a session wants; `done` hears what came of it, unless it was given up. `csms`: the host it dials."""
        match effect:
            case Download():
                self.download(charger_id, csms, effect, done)
            case Upload():
                self.upload(charger_id, csms, effect, done)
            case Abandon():
                self.abandon(charger_id, effect.id)
            case MakeKey():
                self.make_key(effect, done)

    def download(self, charger_id: int, csms: str, wanted: Download, done: Callable[[Transfer], None]) -> None:
        """Fetch a file; `done` hears of the end on the loop, unless it was given up. `csms`: the host it dials."""

        async def work(errand: Errand) -> Transfer:
            return await self._aside(lambda: transfers.fetch(errand, wanted.location), errand)

        self._start((charger_id, wanted.id), csms, work, done)

    def upload(self, charger_id: int, csms: str, wanted: Upload, done: Callable[[Transfer], None]) -> None:
        """Write a file and bring it; `done` hears of the end as for `download`."""

        async def work(errand: Errand) -> Transfer:
            content = await self._written(charger_id, wanted)
            return await self._aside(lambda: transfers.bring(errand, wanted.location, wanted.name, content), errand)

        self._start((charger_id, wanted.id), csms, work, done)

    def make_key(self, wanted: MakeKey, done: Callable[[KeyPair], None]) -> None:
        """Make a key pair."""

        async def work() -> None:
            async with self._turn:
                done(await self._in_thread(lambda: _key_pair(wanted)))

        self._keep(work())

    def abandon(self, charger_id: int, transfer_id: str) -> None:
        """Give a transfer up: its `done` is not called."""
        errand = self._errands.pop((charger_id, transfer_id), None)
        if errand is not None:
            errand.give_up()

    def abandon_all(self, charger_id: int) -> None:
        """Give up all transfers of a charger."""
        for key in [key for key in self._errands if key[0] == charger_id]:
            self.abandon(*key)

    async def close(self) -> None:
        """Give up everything, and do not wait for what hangs."""
        for key in list(self._errands):
            self.abandon(*key)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _start(
        self, key: Key, csms: str, work: Callable[[Errand], Awaitable[Transfer]], done: Callable[[Transfer], None]
    ) -> None:
        errand = self._errands[key] = Errand(self._rules, csms)

        async def run() -> None:
            async with self._turn:
                if errand.given_up.is_set():
                    return
                errand.begin()
                transfer = await work(errand)
            if self._errands.get(key) is errand:
                del self._errands[key]
                log.info(
                    "transfer_over", charger_id=key[0], transfer=key[1], verdict=transfer.verdict, why=transfer.why
                )
                done(transfer)

        self._keep(run())

    def _keep(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _aside(self, work: Callable[[], Transfer], errand: Errand) -> Transfer:
        """Run a transfer; one that does not end in its time is ended."""
        alarm = self._loop.call_later(LONGEST, errand.give_up)
        try:
            return await self._in_thread(work)
        finally:
            alarm.cancel()

    async def _in_thread(self, work: Callable[[], Result]) -> Result:
        future: asyncio.Future[Result] = self._loop.create_future()

        def settle(result: Result | None, error: BaseException | None) -> None:
            if future.done():
                return
            if error is not None:
                future.set_exception(error)
            else:
                future.set_result(result)  # type: ignore[arg-type]

        def run() -> None:
            result: Result | None = None
            error: BaseException | None = None
            try:
                result = work()
            except Exception as problem:  # noqa: BLE001 - it is raised again where it is awaited
                error = problem
            with contextlib.suppress(RuntimeError):  # the loop has ended
                self._loop.call_soon_threadsafe(settle, result, error)

        threading.Thread(target=run, name="file transfer", daemon=True).start()
        return await future

    async def _written(self, charger_id: int, wanted: Upload) -> bytes:
        text = wanted.head
        if wanted.frames:
            text += "## Messages\n" + await self._frames(charger_id, wanted)
        return text.encode("utf-8", "replace")

    async def _frames(self, charger_id: int, wanted: Upload) -> str:
        """The frames, with times of the charger's clock; one that holds a password is left out (A01.FR.12)."""
        since = None if wanted.since is None else wanted.since - wanted.clock
        until = None if wanted.until is None else wanted.until - wanted.clock
        try:
            frames = await self._history(charger_id, since, until)
        except TROUBLE as error:
            log.warning("history_unreadable", charger_id=charger_id, error=str(error) or repr(error))
            return "(the log cannot be read)\n"
        return "".join(_line(frame, wanted.clock) for frame in frames)


async def _rows(connection: Connection, values: dict[str, Any]) -> list[tuple[Any, ...]]:
    async with connection.cursor() as cursor:
        await cursor.execute(_HISTORY, values)
        return await cursor.fetchall()


def _line(frame: Frame, ahead: float) -> str:
    stamp = format_time(frame.at.timestamp() + ahead)
    message = "(left out: it holds a password)" if names_secret(frame.message) else frame.message
    return f"{stamp} {_MARKS.get(frame.direction, frame.direction)} {message}\n"


def _key_pair(wanted: MakeKey) -> KeyPair:
    from chargers.simulator.model import certificates  # takes memory that most hosts never need

    return KeyPair(*certificates.make_request(wanted.common_name, wanted.organization))


def _moment(seconds: float) -> datetime:
    with contextlib.suppress(ValueError, OverflowError, OSError):
        return min(max(datetime.fromtimestamp(seconds, UTC), _FIRST), _LAST)
    return _FIRST if seconds < 0 else _LAST
