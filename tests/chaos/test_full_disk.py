"""Disks without room: for what processes print, and for the tables of PostgreSQL. What has room again goes on."""

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection

from tests.chaos.charging import CHARGERS, all_charge, everything_is_well_with_charging
from tests.support import servers
from tests.support.chaos.auditor import everything_is_well
from tests.support.chaos.stack import EVERYTHING, SIMULATORS
from tests.support.waiting import eventually

pytestmark = [pytest.mark.chaos, pytest.mark.system, pytest.mark.timeout(300)]

SIZE = 256  #: MiB; of memory, and only what is used of it
STOPS_WITHIN = 15.0  #: seconds for one process, generously


class Disk:
    """A small filesystem that holds all tables of the test database, and can be full."""

    def __init__(self, folder: Path) -> None:
        self._filler = folder / "filler"

    def fill(self) -> None:
        """Leave no room."""
        with contextlib.suppress(OSError), self._filler.open("wb", buffering=0) as file:
            while file.write(b"\0" * 4096) == 4096:
                pass
        assert shutil.disk_usage(self._filler.parent).free < 4096

    def empty(self) -> None:
        """Give all room back."""
        self._filler.unlink(missing_ok=True)


@pytest.fixture
def disk(transactional_db: None, tmp_path: Path) -> Iterator[Disk]:
    """The tables of the test database on a disk of their own, which needs a PostgreSQL of ours and rights to mount."""
    del transactional_db
    if servers.servers is None or os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("only root mounts a disk for a PostgreSQL of its own")
    folder = tmp_path / "disk"
    folder.mkdir()
    options = ["-t", "tmpfs", "-o", f"size={SIZE}m", "tmpfs", str(folder)]
    if subprocess.run(["mount", *options], capture_output=True, check=False).returncode:
        pytest.skip("nobody may mount here")
    try:
        space = folder / "tables"
        space.mkdir(mode=0o700)
        owner = servers.servers.postgres.folder.stat()
        os.chown(space, owner.st_uid, owner.st_gid)
        _execute(f"CREATE TABLESPACE small LOCATION '{space}'")
        _move("pg_default", "small")
        yield Disk(folder)
        (folder / "filler").unlink(missing_ok=True)
        _move("small", "pg_default")
        _execute("DROP TABLESPACE small")
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def _move(source: str, target: str) -> None:
    for kind in ("TABLE", "INDEX"):
        _execute(f"ALTER {kind} ALL IN TABLESPACE {source} SET TABLESPACE {target}")


def _execute(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def test_a_job_survives_a_full_disk_of_the_database(disk, make_stack):
    stack = make_stack(JOB_MAX_MESSAGES="0")
    job = stack.ask(stack.location(), CHARGERS)
    eventually(job.items.exists, every=0.005, what="the job has begun")
    stack.pause(0, 0.5)
    disk.fill()
    stack.say("the disk is full")
    stack.pause(2, 8)
    disk.empty()
    stack.say("the disk has room again")
    everything_is_well(stack, chargers=CHARGERS)


def test_charging_survives_a_full_disk_of_the_database(disk, make_stack):
    stack = make_stack(parts=SIMULATORS)
    chargers = stack.fleet(CHARGERS)
    all_charge(stack, chargers)
    disk.fill()
    stack.say("the disk is full")
    stack.pause(2, 8)
    disk.empty()
    stack.say("the disk has room again")
    everything_is_well_with_charging(stack, least=CHARGERS)


def test_nothing_stops_because_it_cannot_print(processes, make_stack):
    """All output to a device without room, from the start to the end of each process."""
    processes.prefix = ("sh", "-c", 'exec "$@" >/dev/full 2>&1', "sh")
    stack = make_stack(silent=True)
    stack.ask(stack.location(), CHARGERS)
    everything_is_well(stack, chargers=CHARGERS)
    for name in reversed(EVERYTHING):
        code = stack[name].stop(grace=STOPS_WITHIN)
        stack.say(f"{name} ended with {code}")
        assert code != -9, f"{name} did not end by itself"
    assert stack.csms.view().sockets == {}
