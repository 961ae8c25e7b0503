"""`manage.py lab`, whole: real servers, real processes, from the first start to the last."""

import os
import shlex
import signal
import stat
import time

import psycopg
import pytest

from tests.support.lab import Lab, running_lab
from tests.support.waiting import eventually

pytestmark = [pytest.mark.system, pytest.mark.timeout(240)]


def online(lab) -> int:
    return lab.get("/ocpp/chargers?connection_state=online&limit=1")["total"]


def test_it_opens_with_a_fleet_stops_without_a_trace_and_goes_on_where_it_was(tmp_path):
    with running_lab(tmp_path, "--fleet", "4", "--simulators", "2") as lab:
        facts = lab.wait_ready()
        assert facts.keys() == {"url", "token", "admin_token", "organization_id", "csms_url", "pids", "metrics"}
        assert facts["pids"].keys() == {
            *("web", "worker", "beat", "simulator-1", "simulator-2", "postgres", "valkey"),
        }
        assert stat.S_IMODE(lab.ready_file.stat().st_mode) == 0o600
        chargers = lab.get("/ocpp/chargers")
        assert chargers["total"] == 4
        assert {charger["provisioning_status"] for charger in chargers["data"]} == {"READY"}
        assert "4 chargers, 4 online" in lab.text()
        assert "people come and go at 3 of them" in lab.text(), "one of the four speaks 2.0.1"
        living = next(charger for charger in chargers["data"] if charger["ocpp_version"] == "OCPP1.6")
        assert lab.get(f"/ocpp/chargers/{living['id']}/state")["behaviour"]["arrivals_per_hour"] == 12
        assert facts["token"] in lab.text().split("stopping")[0]
        assert lab.stop() == 0
        assert not lab.left_behind()
        assert not lab.ready_file.exists()

        lab.start("--fleet", "4", "--simulators", "1")  # another port, too
        again = lab.wait_ready()
        assert again["pids"].keys() == {"web", "worker", "beat", "simulator", "postgres", "valkey"}
        assert (again["token"], again["organization_id"]) == (facts["token"], facts["organization_id"])
        assert {charger["id"] for charger in lab.get("/ocpp/chargers")["data"]} == {
            charger["id"] for charger in chargers["data"]
        }
        eventually(lambda: online(lab) == 4, timeout=30, what="the same chargers are online again")
        assert {charger["ws_url"] for charger in lab.get("/ocpp/chargers")["data"]} == {again["csms_url"]}
        started = time.monotonic()
        assert lab.stop(signal.SIGINT) == 0
        assert time.monotonic() - started < 10
        assert not lab.left_behind()
    assert "Traceback" not in lab.text()


def test_a_child_that_dies_comes_back_and_a_lab_that_is_killed_leaves_nothing(tmp_path):
    with running_lab(tmp_path, "--fleet", "2", "--token", "fixed-by-the-test") as lab:
        before = lab.wait_ready()
        assert before["token"] == "fixed-by-the-test"
        for name in ("simulator", "worker", "web", "valkey", "postgres"):
            os.kill(before["pids"][name], signal.SIGKILL)
        eventually(
            lambda: (
                not set(before["pids"].values()) - {before["pids"]["beat"]} & set(lab.ready["pids"].values())
                and lab.ready["pids"].keys() == before["pids"].keys()
            ),
            timeout=60,
            what="all are there again, under new numbers",
        )

        def answers() -> bool:
            try:
                return online(lab) == 2
            except OSError:
                return False

        eventually(answers, timeout=60, what="both chargers are online again")
        for line in (
            "simulator was ended by SIGKILL; starting it again in 1 s",
            "PostgreSQL has died",
            "Valkey is back",
        ):
            assert line in lab.text()
        lab.process.kill()
        lab.wait_ended()
        eventually(lambda: not lab.left_behind(), timeout=20, what="the guardian has stopped the rest")
        lab.ready_file.unlink()

        lab.start("--fleet", "2")
        lab.wait_ready()
        eventually(lambda: online(lab) == 2, timeout=60, what="the same chargers are online once more")


def test_it_refuses_what_another_lab_uses_and_stops_when_nobody_reads_its_output(tmp_path):
    out, into = os.pipe()
    lab = Lab(tmp_path, "--fleet", "0", LAB_TEST_FOLDER=str(tmp_path))
    lab.start(output=into)
    os.close(into)
    facts = lab.wait_ready()
    port = int(facts["url"].rsplit(":", 1)[1])
    (tmp_path / "other").mkdir()
    with running_lab(tmp_path / "other", "--port", str(port)) as second:
        assert second.wait_ended() == 1
        assert second.text().strip() == (
            f"CommandError: port {port} is in use: stop what listens there, or choose another with --port"
        )
    with running_lab(tmp_path / "other", "--data-dir", str(lab.data_dir)) as third:
        assert third.wait_ended() == 1
        last = third.text().strip().splitlines()[-1]
        assert last == (
            f"CommandError: the data folder {lab.data_dir} is in use by process {lab.process.pid}: "
            "stop that, or choose another with --data-dir"
        )
        assert "Traceback" not in third.text()
    assert lab.get("/ocpp/locations")["total"] == 0

    assert stat.S_IMODE((lab.data_dir / "env").stat().st_mode) == 0o600
    names = dict(word.split("=", 1) for word in shlex.split((lab.data_dir / "env").read_text()))
    with psycopg.connect(names["DATABASE_URL"]) as connection:
        assert connection.execute("SELECT name FROM accounts_organization").fetchall() == [("Lab",)]

    os.close(out)
    os.kill(facts["pids"]["beat"], signal.SIGKILL)  # something to say
    assert lab.wait_ended() == 0
    assert not lab.left_behind()


@pytest.mark.parametrize(
    ("env", "message"),
    [
        ({"DATABASE_URL": "postgresql://lab@127.0.0.1:1/lab"}, "the PostgreSQL of DATABASE_URL does not answer"),
        ({"REDIS_URL": "redis://127.0.0.1:1/0"}, "the Redis or Valkey of REDIS_URL does not answer"),
    ],
)
def test_it_says_which_server_of_the_environment_does_not_answer(tmp_path, env, message):
    with running_lab(tmp_path, **env) as lab:
        assert lab.wait_ended(timeout=60) == 1
        assert message in lab.text()
        assert "Traceback" not in lab.text()
        assert not lab.left_behind()


def test_it_uses_the_servers_of_the_environment_and_leaves_them_running(tmp_path):
    from ocpplab import embedded

    with embedded.services(tmp_path / "own", durable=False) as urls:
        (tmp_path / "lab").mkdir()
        env = {"DATABASE_URL": urls.database, "REDIS_URL": urls.redis}
        with running_lab(tmp_path / "lab", "--fleet", "1", **env) as lab:
            facts = lab.wait_ready()
            assert not {"postgres", "valkey"} & facts["pids"].keys()
            assert lab.stop() == 0
        with psycopg.connect(urls.database) as connection:
            assert connection.execute("SELECT count(*) FROM chargers_charger").fetchone() == (1,)
            columns = "(started_at, started_by, reason, ended_by)"
            connection.execute(f"INSERT INTO chargers_labstop {columns} VALUES (now(), 'ann', 'smoke', '')")
        with running_lab(tmp_path / "lab", "--fleet", "1", **env) as lab:
            lab.wait_ready()
            assert "ann: smoke; manage.py resume_lab lets it go on" in lab.text()
            assert online(lab) == 0


@pytest.mark.parametrize("after", [0.6, 1.8, 3.5])
def test_it_can_be_stopped_at_any_moment_of_its_start(tmp_path, after):
    with running_lab(tmp_path, "--fleet", "3") as lab:
        time.sleep(after)
        started = time.monotonic()
        code = lab.stop()
        assert time.monotonic() - started < 10
        assert code in {0, -signal.SIGTERM}  # before Python runs the command, the signal just ends it
        eventually(lambda: not lab.left_behind(), timeout=10, what="nothing is left")
        assert "Traceback" not in lab.text()
