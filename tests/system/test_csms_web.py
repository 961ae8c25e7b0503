"""The built-in CSMS in real web processes, with chargers played by hand."""

import asyncio
import concurrent.futures
import json
import time
from collections.abc import Iterator
from datetime import datetime

import httpx
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from chargers.csms.calls import (
    CallFailed,
    boot_policy_aset,
    boot_policy_clear,
    boot_policy_set,
    station_acall,
    station_astatus,
    station_call,
    station_status,
)
from chargers.csms.stations import Registration
from chargers.models import Charger
from ocpplab.accounts.models import Organization
from ocpplab.common.errors import NotFound, Unavailable
from ocpplab.embedded import free_port
from tests.support.chargers import charger_of, make_model
from tests.support.processes import Process, Processes
from tests.support.stations import Station
from tests.support.waiting import eventually

pytestmark = pytest.mark.system


@pytest.fixture
def chargers(processes: Processes) -> None:
    organization, model = Organization.objects.create(name="Test Org"), make_model()
    identities = ["CP1", "CP2", "a b/c?ü%", *(f"M{n}" for n in range(200))]
    rows = [charger_of(organization, model=model, identity=identity, wanted=False) for identity in identities]
    Charger.objects.bulk_create(rows)


@pytest.fixture
def web(processes: Processes, chargers: None) -> Process:
    return processes.web()


@pytest.fixture
def station(web: Process) -> Iterator[Station]:
    one = Station.open(web.url, "CP1")
    one.boot()
    eventually(lambda: reachable("CP1"), what="CP1 is subscribed")
    yield one
    one.close()


def reachable(identity: str) -> bool:
    """Whether a call reaches the station: one that the schema forbids is refused before it is sent."""
    return code_of(identity, action="Nonsense") == "invalid"


def code_of(identity: str, *, action: str = "ClearCache", timeout: float = 5.0, payload=None) -> str:
    try:
        station_call(identity=identity, action=action, payload=payload, timeout=timeout)
    except CallFailed as failed:
        return failed.code
    return "ok"


def refusal(url: str, path: str) -> tuple[int, str]:
    with pytest.raises(InvalidStatus) as caught:
        Station.open(url, path, raw=True)
    response = caught.value.response
    return response.status_code, response.body.decode()


def test_a_websocket_elsewhere_is_refused_with_the_way_to_the_csms(web):
    for path in ("/CP1", "/health/CP1", "/csms", "/", "//"):
        with pytest.raises(InvalidStatus) as caught:
            connect(web.url.replace("http", "ws", 1) + path, subprotocols=["ocpp1.6"], open_timeout=10, proxy=None)
        response = caught.value.response
        assert response.status_code == 404, path
        assert response.body.decode() == "no CSMS here: the built-in one is at /csms/<identity>"
    assert "ERROR" not in web.text()


def test_it_serves_both_versions_and_any_identity(web):
    for identity in ("CP1", "a b/c?ü%"):
        for version in ("ocpp1.6", "ocpp2.0.1"):
            station = Station.open(web.url, identity, subprotocols=[version])
            answer = station.boot()
            assert (answer["status"], answer["interval"]) == ("Accepted", 60)
            assert abs(datetime.fromisoformat(answer["currentTime"]).timestamp() - time.time()) < 5
            assert station.call("Heartbeat")[0] == 3
            station.close()
    assert station_status(identity="a b/c?ü%")["boots"] == 2


def test_it_takes_the_first_subprotocol_that_it_knows_and_closes_when_there_is_none(web):
    station = Station.open(web.url, "CP1", subprotocols=["soap", "ocpp2.1", "ocpp2.0.1", "ocpp1.6"])
    assert station.socket.subprotocol == "ocpp2.0.1"
    station.close()
    for offered in (["soap"], []):
        station = Station.open(web.url, "CP1", subprotocols=offered)
        assert station.socket.subprotocol is None
        assert station.close_code() == 1002


def test_it_refuses_who_is_no_charger_of_the_lab(web):
    assert refusal(web.url, "STRANGER") == (404, "the lab has no charger of this identity")
    assert refusal(web.url, "%00")[0] == 404
    assert refusal(web.url, "x" * 400)[0] == 404
    assert refusal(web.url, "CP1/")[0] == 404
    assert refusal(web.url, "%ff%fe")[0] == 404
    assert httpx.get(f"{web.url}/csms/CP1").status_code == 426


def test_two_stations_of_one_identity_keep_apart_by_what_stands_before_it(web):
    one = Station.open(web.url, "one/CP1", raw=True)
    two = Station.open(web.url, "two/CP1", raw=True)
    assert one.boot()["status"] == two.boot()["status"] == "Accepted"
    assert station_status(identity="one/CP1")["boots"] == 1
    one.close()
    two.close()


def test_it_lives_through_whatever_a_station_sends(web):
    station, good = Station.open(web.url, "CP1"), Station.open(web.url, "CP2")
    good.boot()
    for junk in ("", "{", "[]", "null", '[2,"1","Heartbeat"]', '[3,"x",{}]', "[" * 10_000, "x" * (2 << 20)):
        station.socket.send(junk)
    answer = json.loads(station.socket.recv(timeout=10))
    assert answer[:3] == [4, "1", "ProtocolError"]
    assert station.call("Heartbeat")[0] == 3
    assert station_status(identity="CP1")["breaches"] == 8
    station.socket.send(b"\x00\xff")
    assert station.close_code() == 1003
    assert good.call("Heartbeat")[0] == 3
    assert station_status(identity="CP2")["breaches"] == 0
    good.close()


def test_the_page_says_what_it_is_and_counts(web, station):
    station.socket.send("junk")
    station.call("Heartbeat")
    for path in ("/csms", "/csms/"):
        page = httpx.get(web.url + path)
        assert page.status_code == 200
        assert "not a real backend" in page.text
    assert "<b>1</b><span>stations connected</span>" in page.text
    assert "<b>3</b><span>messages received</span>" in page.text
    assert "<b>1</b><span>breaches of OCPP</span>" in page.text


def test_switched_off_it_is_not_there(processes, chargers):
    web = processes.web(CSMS_ENABLED="0")
    assert refusal(web.url, "CP1") == (404, "the built-in CSMS is switched off")
    for path in ("/csms/", "/csms/CP1"):
        assert httpx.get(web.url + path).status_code == 404


def test_it_can_send_calls_and_tells_clearly_why_one_failed(station):
    station.answers(
        lambda action, payload: {
            "Reset": [3, {"status": "Accepted"}],
            "ClearCache": [4, "NotSupported", "no cache here", {"hint": 1}],
            "TriggerMessage": [3, {"status": "Perhaps"}],
            "GetLocalListVersion": None,
        }[action]
    )
    assert station_call(identity="CP1", action="Reset", payload={"type": "Soft"}) == {"status": "Accepted"}

    with pytest.raises(CallFailed) as caught:
        station_call(identity="CP1", action="ClearCache")
    failed = caught.value
    assert (failed.code, failed.error_code, failed.detail) == ("refused", "NotSupported", "no cache here")
    assert failed.details == {"hint": 1}
    assert not failed.retryable

    assert code_of("CP1", action="TriggerMessage", payload={"requestedMessage": "Heartbeat"}) == "bad_answer"
    assert code_of("CP1", action="Reset", payload={"type": "Gentle"}) == "invalid"
    began = time.monotonic()
    assert code_of("CP1", action="GetLocalListVersion", timeout=1) == "timeout"
    assert 0.9 < time.monotonic() - began < 3
    began = time.monotonic()
    assert code_of("CP2") == "not_connected"
    assert time.monotonic() - began < 1


def test_calls_made_at_once_all_get_their_own_answer(station):
    station.answers(lambda action, payload: [3, {"status": "UnknownVendorId", "data": payload["data"]}])

    async def one(number: int) -> str:
        answer = await station_acall(
            identity="CP1", action="DataTransfer", payload={"vendorId": "v", "data": str(number)}
        )
        return str(answer["data"])

    async def many() -> list[str]:
        return await asyncio.gather(*map(one, range(50)))

    assert asyncio.run(many()) == [str(number) for number in range(50)]


def test_a_call_under_way_ends_when_the_station_hangs_up(station):
    def hang_up(action: str, payload: dict) -> None:
        station.socket.socket.close()

    station.answers(hang_up)
    assert code_of("CP1", timeout=30) == "not_connected"
    assert asyncio.run(station_astatus(identity="CP1"))["connected"] is False


def test_who_was_never_met_has_no_status(station):
    with pytest.raises(NotFound):
        station_status(identity="CP2")


def test_the_newest_connection_of_a_station_wins(web, station):
    newer = Station.open(web.url, "CP1")
    assert newer.boot()["status"] == "Accepted"
    assert station.close_code() == 1008
    assert newer.call("Heartbeat")[0] == 3
    newer.answers(lambda action, payload: [3, {"status": "Accepted"}])
    assert code_of("CP1") == "ok"
    status = station_status(identity="CP1")
    assert (status["connected"], status["connections"], status["breaches"]) == (True, 2, 0)
    newer.close()


def test_the_newest_connection_wins_over_one_at_another_web_process(processes, web, station):
    other = processes.web(name="web-2")
    newer = Station.open(other.url, "CP1")
    assert newer.boot()["status"] == "Accepted"
    assert station.close_code() == 1008
    newer.answers(lambda action, payload: [3, {"status": "Accepted"}])
    assert eventually(lambda: code_of("CP1") == "ok")
    assert station_status(identity="CP1")["boots"] == 1, "of the process that holds it"
    newer.close()


def test_a_killed_web_process_leaves_no_station_that_looks_connected(processes, web, station):
    web.kill()
    assert eventually(lambda: code_of("CP1") == "not_connected", timeout=5)
    web.start()
    again = Station.open(web.url, "CP1", subprotocols=["ocpp1.6"])
    assert again.call("Heartbeat")[0] == 3, "accepted before the kill: it need not boot again"
    assert eventually(lambda: reachable("CP1"))
    again.close()


def test_a_boot_policy_reaches_every_web_process_and_outlives_them(processes, web, station):
    second = processes.web(name="web-2")
    on_second = Station.open(second.url, "CP2")
    on_second.boot()
    boot_policy_set(identity="CP2", status=Registration.PENDING, interval=7)
    asyncio.run(boot_policy_aset(status=Registration.REJECTED))
    answers = [on_second.boot(), station.boot()]
    assert [(one["status"], one["interval"]) for one in answers] == [("Pending", 7), ("Rejected", 10)]
    third = processes.web(name="web-3")
    late = Station.open(third.url, "M1")
    assert late.boot()["status"] == "Rejected"
    boot_policy_clear()
    boot_policy_clear(identity="CP2")
    assert {one.boot()["status"] for one in (station, on_second, late)} == {"Accepted"}
    for one in (on_second, late):
        one.close()


def test_transaction_numbers_differ_between_web_processes_and_over_a_restart(processes, web):
    second = processes.web(name="web-2")
    start = {"connectorId": 1, "idTag": "T", "meterStart": 0, "timestamp": "2024-01-31T12:00:00Z"}
    numbers = []
    for turn in range(2):
        for process, identity in ((web, "CP1"), (second, "CP2")):
            station = Station.open(process.url, identity)
            station.boot()
            meters = range(10 * turn, 10 * turn + 3)
            numbers += [station.call("StartTransaction", {**start, "meterStart": meter})[2] for meter in meters]
            station.close()
        web.kill()
        web.start()
    ids = [answer["transactionId"] for answer in numbers]
    assert len(set(ids)) == len(ids) == 12
    assert max(ids) < 2**31


def test_two_hundred_stations_that_dial_together_all_get_in(web):
    with concurrent.futures.ThreadPoolExecutor(50) as pool:
        stations = list(pool.map(lambda n: Station.open(web.url, f"M{n}"), range(200)))
        assert {one["status"] for one in pool.map(Station.boot, stations)} == {"Accepted"}
        eventually(lambda: all(reachable(f"M{n}") for n in (0, 100, 199)))
        list(pool.map(Station.close, stations))
    assert eventually(lambda: not station_status(identity="M199")["connected"])


def test_without_redis_it_serves_stations_and_a_call_says_what_is_away(processes, chargers, settings):
    nowhere = f"redis://127.0.0.1:{free_port()}/0"
    web = processes.web(REDIS_URL=nowhere)
    began = time.monotonic()
    station = Station.open(web.url, "CP1")
    assert station.boot()["status"] == "Accepted"
    assert time.monotonic() - began < 5
    station.close()
    settings.REDIS_URL = nowhere
    with pytest.raises(Unavailable, match="REDIS_URL"):
        station_call(identity="CP1", action="ClearCache")
