"""A pytest plugin: one PostgreSQL and one Valkey for a whole test run, started when the first test needs them.

Loaded by `-p` before Django reads its settings, so that the settings name these servers. With DATABASE_URL and
REDIS_URL in the environment those are used instead. When the tests are spread over processes (`pytest -n`), each has
servers of its own: tests kill and flush them.
"""

import os
import shutil
import tempfile
from pathlib import Path

import pytest

from ocpplab import embedded

OURS = "OCPPLAB_TEST_SERVERS"
"""Tells a process of `pytest -n`, which inherits the environment, that the addresses in it are its parent's choice."""

folder: Path | None = None
servers: embedded.Services | None = None
started = False


def choose_servers() -> None:
    """Choose ports and passwords and tell the settings; unit tests never pay for the servers."""
    global folder, servers  # noqa: PLW0603
    given = {"DATABASE_URL", "REDIS_URL"} <= os.environ.keys() and OURS not in os.environ
    if servers is not None or given:
        return
    os.environ[OURS] = "1"
    folder = Path(tempfile.mkdtemp(prefix="ocpplab-tests-"))
    folder.chmod(0o755)
    postgres_port, valkey_port = embedded.free_port(), embedded.free_port()
    servers = embedded.Services(folder, durable=False, postgres_port=postgres_port, valkey_port=valkey_port)
    password = servers.folder.secret("password")
    common = {"password": password, "durable": False}
    os.environ["DATABASE_URL"] = embedded.Postgres(folder / "postgres", port=postgres_port, **common).url
    os.environ["REDIS_URL"] = embedded.Valkey(folder / "valkey", port=valkey_port, **common).url


choose_servers()
os.environ.setdefault("CSMS_TARGETS", "public,loopback")  # the CSMSs of the tests are on this machine


def ensure_started() -> None:
    """Start the servers once."""
    global started  # noqa: PLW0603
    if servers is not None and not started:
        started = True
        servers.start()


def pytest_unconfigure(config: pytest.Config) -> None:
    del config
    if servers is not None and started:
        servers.stop()
    if folder is not None:
        shutil.rmtree(folder, ignore_errors=True)
