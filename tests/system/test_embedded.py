"""PostgreSQL and Valkey from wheels: starts, restarts, kill -9, and two who want the same folder."""

import os
import socket
import stat
import subprocess
import sys
from pathlib import Path

import psutil
import psycopg
import pytest
import redis

from ocpplab import embedded
from tests.support.waiting import eventually

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "data"


def count(urls: embedded.Urls) -> int:
    """Add a row and a key; return how many there are."""
    with psycopg.connect(urls.database) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS mark (at timestamptz DEFAULT now())")
        connection.execute("INSERT INTO mark DEFAULT VALUES")
        row = connection.execute("SELECT count(*) FROM mark").fetchone()
    with redis.Redis.from_url(urls.redis) as client:
        assert client.incr("mark") == row[0]
    return row[0]


def test_it_keeps_data_from_one_start_to_the_next(folder):
    with embedded.services(folder) as urls:
        assert count(urls) == 1
    with embedded.services(folder) as urls:
        assert count(urls) == 2


def test_it_writes_through_to_the_disk_unless_told_otherwise(folder):
    with embedded.services(folder) as urls, psycopg.connect(urls.database) as connection:
        assert connection.execute("SHOW fsync").fetchone() == ("on",)
        assert connection.execute("SHOW synchronous_commit").fetchone() == ("on",)
    with embedded.services(folder, durable=False) as urls, psycopg.connect(urls.database) as connection:
        assert connection.execute("SHOW fsync").fetchone() == ("off",)


def test_a_killed_server_starts_again_on_the_same_port_with_its_data(folder):
    services = embedded.Services(folder)
    urls = services.start()
    try:
        for expected in (1, 2, 3):
            assert count(urls) == expected
            services.postgres.kill()
            services.postgres.start()
            services.valkey.stop()
            services.valkey.start()
            assert services.urls == urls
    finally:
        services.stop()


def test_it_refuses_a_folder_that_is_in_use_and_names_the_process(folder):
    with embedded.services(folder), pytest.raises(embedded.DataDirInUse, match=f"in use by process {os.getpid()}"):
        embedded.Services(folder).start()


def test_a_refusal_leaves_the_other_alone(folder):
    with embedded.services(folder) as urls:
        with pytest.raises(embedded.DataDirInUse):
            embedded.Services(folder).start()
        assert count(urls) == 1


@pytest.mark.parametrize("victim", ["owner", "owner and guardian"])
def test_it_starts_over_what_a_killed_owner_left(folder, victim):
    code = (
        "import pathlib, sys, time; from ocpplab import embedded;"
        "services = embedded.Services(pathlib.Path(sys.argv[1])); services.start();"
        "print(services.postgres.pid, services.valkey.pid, flush=True); time.sleep(100)"
    )
    owner = subprocess.Popen([sys.executable, "-c", code, str(folder)], stdout=subprocess.PIPE, text=True, cwd=ROOT)
    servers = [int(word) for word in owner.stdout.readline().split()]
    guardians = [child for child in psutil.Process(owner.pid).children() if "guardian.py" in " ".join(child.cmdline())]
    assert len(guardians) == 1
    if victim == "owner and guardian":
        guardians[0].kill()
    owner.kill()
    owner.wait()
    owner.stdout.close()
    with embedded.services(folder) as urls:
        assert count(urls) == 1
        eventually(lambda: not any(psutil.pid_exists(pid) for pid in servers), what="the old servers are gone")


def test_a_broken_first_start_does_not_spoil_the_second(folder):
    folder.mkdir()
    half_made = folder / "postgres.new"
    half_made.mkdir()
    (half_made / "PG_VERSION").write_text("18")
    (folder / "postgres.secret").write_text("left behind")
    with embedded.services(folder) as urls:
        assert count(urls) == 1
    assert not half_made.exists()
    assert not (folder / "postgres.secret").exists()


def test_nobody_gets_in_without_the_password_and_nobody_else_may_read_it(folder):
    with embedded.services(folder, durable=False) as urls:
        assert stat.S_IMODE((folder / "password").stat().st_mode) == 0o600
        assert stat.S_IMODE((folder / "valkey").stat().st_mode) == 0o700
        stranger = urls.database.replace((folder / "password").read_text(), "guess")
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(stranger)
        with redis.Redis.from_url(urls.redis) as client:
            for process in psutil.process_iter(["cmdline"]):
                assert (folder / "password").read_text() not in " ".join(process.info["cmdline"] or [])
            assert client.config_get("bind")["bind"] == "127.0.0.1"


def test_it_says_why_a_server_does_not_start(folder):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        services = embedded.Services(folder, valkey_port=taken.getsockname()[1])
        with pytest.raises(embedded.EmbeddedError, match=r"Valkey does not start.*valkey\.log"):
            services.start()
    with embedded.services(folder) as urls:  # nothing was left running, and the folder is free
        assert count(urls) == 1


def test_it_leaves_out_a_server_that_the_user_has(folder):
    services = embedded.Services(folder, with_postgres=False)
    urls = services.start()
    try:
        assert urls.database == ""
        assert urls.redis.startswith("redis://")
        assert not (folder / "postgres").exists()
    finally:
        services.stop()


def test_it_works_below_a_folder_that_is_closed_to_others(tmp_path):
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    with embedded.services(closed / "data", durable=False) as urls:
        assert count(urls) == 1
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700


def test_a_free_port_is_none_that_an_outgoing_connection_may_take_while_its_server_is_away():
    outgoing = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    ports = [embedded.free_port() for _ in range(50)]
    assert max(ports) < outgoing
    assert len(set(ports)) > 40
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", ports[0]))
