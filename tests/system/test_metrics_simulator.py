"""What a real simulator process says of itself, against what its message log and its CSMS know."""

from collections import Counter
from collections.abc import Iterator

import pytest
from django.conf import settings
from django.db.models import F

from chargers.models import Charger, Message
from ocpplab.accounts.models import Organization
from tests.support.bad_csms import BadCsms
from tests.support.chargers import make_chargers
from tests.support.host import Cable, states
from tests.support.processes import Processes, database_url
from tests.support.reference_csms import ReferenceCsms
from tests.support.scraping import SideDoor
from tests.support.waiting import eventually

pytestmark = [pytest.mark.system]


@pytest.fixture
def csms() -> Iterator[ReferenceCsms]:
    with ReferenceCsms(interval=1) as server:
        yield server


@pytest.fixture
def door() -> SideDoor:
    return SideDoor()


def test_its_counters_agree_with_the_message_log(organization: Organization, processes: Processes, csms, door) -> None:
    older = make_chargers(organization, 6, ws_url=csms.url)
    newer = make_chargers(organization, 4, ws_url=csms.url, ocpp_version="OCPP2.0.1")
    simulator = processes.simulator(**door.env)
    eventually(lambda: states() == {"online": 10})
    csms.station(older[0].identity).send_raw('[2,"x","Heartbeats",{}]')  # no word of 1.6
    eventually(lambda: door.scrape().value("ocpplab_messages_total", action="Heartbeat", direction="received") >= 20)
    door_before_the_end = door.scrape()
    Charger.objects.update(wanted=False, revision=F("revision") + 1)
    eventually(lambda: states() == {"offline": 10})
    eventually(lambda: door.scrape().value("ocpplab_sessions") == 0)
    reading = door.scrape()
    assert door_before_the_end.value("ocpplab_sessions", state="online") == 10
    assert reading.value("ocpplab_connects_total") == 10
    assert reading.by("reason", "ocpplab_disconnects_total") == {"ours": 10}
    assert reading.by("status", "ocpplab_boots_total") == {"accepted": 10}
    versions = {charger.id: charger.ocpp_version for charger in (*older, *newer)}
    eventually(lambda: door.scrape().value("ocpplab_queue_length", queue="recorder") == 0)
    logged: Counter[tuple[str, str, str]] = Counter()
    words = {"cp_to_csms": "sent", "csms_to_cp": "received"}
    for row in Message.objects.filter(direction__in=words):
        logged[versions[row.charger_id], words[row.direction], row.action or "other"] += 1
    counted = {
        (sample.labels["version"], sample.labels["direction"], sample.labels["action"]): sample.value
        for sample in reading.families["ocpplab_messages"].samples
    }
    assert counted == logged
    assert logged["OCPP1.6", "received", "other"] == 1
    eventually(lambda: door.scrape().value("ocpplab_log_rows_total") == Message.objects.count())
    assert reading.value("ocpplab_log_rows_dropped_total") == 0
    answers = sum(
        count for (_, direction, action), count in logged.items() if direction == "received" and action != "other"
    )
    assert reading.value("ocpplab_csms_latency_seconds_count") == answers
    assert reading.value("ocpplab_csms_latency_seconds_bucket", le="30.0") == answers
    assert reading.value("ocpplab_timer_delay_seconds_count") >= 20
    assert reading.value("ocpplab_loop_lag_seconds_count") > 0
    assert simulator.alive


def test_failed_connects_are_counted_by_what_was_wrong(organization: Organization, processes, door) -> None:
    with BadCsms() as bad:
        make_chargers(organization, 2, ws_url=bad.url("http_401"))
        make_chargers(organization, 1, ws_url="ws://127.0.0.1:1/x")
        make_chargers(organization, 1, ws_url="ws://nowhere.invalid/x")
        processes.simulator(**door.env)

        def kinds() -> set[str]:
            return set(door.scrape().by("reason", "ocpplab_connect_failures_total"))

        eventually(lambda: {"http", "refused", "name"} <= kinds(), timeout=30)
        assert door.scrape().value("ocpplab_connects_total") == 0


def test_ready_means_that_it_is_a_host_and_live_that_its_loop_turns(
    organization: Organization, processes: Processes, door
) -> None:
    terms = {"HOST_BEAT_INTERVAL": "1", "HOST_DEAD_AFTER": "3"}
    with Cable(database_url()) as database, Cable(settings.REDIS_URL) as broker:
        processes.simulator(**door.env, **terms, DATABASE_URL=database.url, REDIS_URL=broker.url)
        assert door.probe("ready") == (
            200,
            {"status": "ok", "checks": {"database": "ok", "migrations": "ok", "broker": "ok", "joined": "ok"}},
        )
        database.cut()
        eventually(lambda: door.probe("ready")[1]["checks"].get("joined") != "ok", timeout=15)
        assert door.probe("ready")[0] == 503
        assert door.probe("ready")[1]["checks"]["database"] == "away"
        assert door.probe("live") == (200, {"status": "ok", "checks": {"loop": "ok"}})
        database.mend()
        eventually(lambda: door.is_("ready", 200), timeout=15)
        broker.freeze()
        eventually(lambda: door.probe("ready")[1]["checks"]["broker"] == "away")
        assert door.is_("live", 200)
        broker.mend()
        eventually(lambda: door.is_("ready", 200))


def test_a_port_that_is_taken_costs_the_metrics_and_not_the_process(processes: Processes, door) -> None:
    first = processes.simulator(name="first", **door.env)
    second = processes.simulator(name="second", **door.env)
    assert "metrics_port_unusable" in second.text()
    assert first.alive
    assert second.alive
