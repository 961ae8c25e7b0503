"""PostgreSQL and Valkey from Python wheels, for a machine that has neither. Only this package knows about it.

    with embedded.services(Path(".lab")) as urls:
        urls.database, urls.redis

Both listen on 127.0.0.1 only, with a password that is made at the first start and kept in the data folder. They run as
long as the process that started them: after kill -9 of it, its guardian stops them.
"""

import contextlib
import fcntl
import os
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ocpplab import processes
from ocpplab.embedded.postgres import Postgres
from ocpplab.embedded.server import EmbeddedError, Server, free_port
from ocpplab.embedded.valkey import Valkey

__all__ = [
    "WORD_FILE",
    "DataDirInUse",
    "DataFolder",
    "EmbeddedError",
    "Postgres",
    "Server",
    "Services",
    "Urls",
    "Valkey",
    "free_port",
    "services",
]

#: the file of a data folder with the password of its servers, a random word
WORD_FILE = "password"


class DataDirInUse(EmbeddedError):
    """Another process works on this data folder."""


@dataclass(frozen=True, slots=True)
class Urls:
    """Where to connect, in the form of the settings DATABASE_URL and REDIS_URL; empty for a server that is not ours."""

    database: str
    redis: str


class DataFolder:
    """A folder that one process at a time may use, by a lock on a file in it."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self._lock: int | None = None

    def take(self) -> None:
        """Make the folder and lock it. Raises DataDirInUse."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            lock = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise EmbeddedError(f"the data folder {self.path} cannot be used: {error.strerror}") from None
        deadline = time.monotonic() + 10
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                owner = os.pread(lock, 20, 0).decode() or "unknown"
                # A dead owner's guardian holds the lock for the moment that it needs to stop what is left.
                if not _gone(owner) or time.monotonic() > deadline:
                    os.close(lock)
                    raise DataDirInUse(f"the data folder {self.path} is in use by process {owner}") from None
                time.sleep(0.1)
        os.ftruncate(lock, 0)
        os.pwrite(lock, str(os.getpid()).encode(), 0)
        self._lock = lock
        processes.guard(hold=[lock])

    def release(self) -> None:
        """Give the folder free. The lock ends with the last process that holds it."""
        if self._lock is not None:
            fcntl.flock(self._lock, fcntl.LOCK_UN)
            os.close(self._lock)
            self._lock = None

    def secret(self, name: str) -> str:
        """Return a random word that is made once and kept in the folder, readable by its owner only."""
        path = self.path / name
        try:
            return path.read_text().strip()
        except FileNotFoundError:
            value = secrets.token_hex(24)
            draft = path.with_name(f"{name}.new")
            draft.touch(mode=0o600)
            draft.write_text(value)
            draft.rename(path)
            return value


def _gone(pid: str) -> bool:
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except (PermissionError, ValueError):
        return False
    return False


class Services:
    """Both servers over one data folder. `postgres` and `valkey` can be stopped, killed and started one by one.

    `durable=False` trades safety against a crash of the machine for speed: for tests. `with_postgres` or `with_valkey`
    false leaves that server out, for a user who has one; the data folder is locked all the same.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        durable: bool = True,
        with_postgres: bool = True,
        with_valkey: bool = True,
        postgres_port: int | None = None,
        valkey_port: int | None = None,
    ) -> None:
        self.folder = DataFolder(data_dir)
        self._durable = durable
        self._with = (with_postgres, with_valkey)
        self._ports = (postgres_port, valkey_port)
        self.postgres: Postgres
        self.valkey: Valkey
        #: those that were started, by `postgres` and `valkey`
        self.servers: dict[str, Server] = {}

    @property
    def urls(self) -> Urls:
        """Where the servers are, once they have been started."""
        urls = {name: server.url for name, server in self.servers.items()}
        return Urls(database=urls.get("postgres", ""), redis=urls.get("valkey", ""))

    def start(self) -> Urls:
        """Take the folder and start both; what was begun is undone when one cannot. Raises EmbeddedError."""
        self.folder.take()
        try:
            password = self.folder.secret(WORD_FILE)
            root, (postgres_port, valkey_port) = self.folder.path, self._ports
            self.postgres = Postgres(root / "postgres", port=postgres_port, password=password, durable=self._durable)
            self.valkey = Valkey(root / "valkey", port=valkey_port, password=password, durable=self._durable)
            with_postgres, with_valkey = self._with
            for name, server, wanted in (
                ("postgres", self.postgres, with_postgres),
                ("valkey", self.valkey, with_valkey),
            ):
                if wanted:
                    server.start()
                    self.servers[name] = server
        except BaseException:
            self.stop()
            raise
        return self.urls

    def stop(self, *, grace: float = 5.0) -> None:
        """Stop both, Valkey first, and give the folder free; nothing happens when nothing runs."""
        with contextlib.ExitStack() as ends:
            ends.callback(self.folder.release)
            for server in self.servers.values():
                ends.callback(server.stop, grace=grace)
        self.servers = {}


@contextlib.contextmanager
def services(data_dir: Path, *, durable: bool = True) -> Iterator[Urls]:
    """Run both servers over `data_dir` for the length of a `with` block."""
    both = Services(data_dir, durable=durable)
    urls = both.start()
    try:
        yield urls
    finally:
        both.stop()
