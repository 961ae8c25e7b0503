"""The web process itself: what only a real server shows."""

import statistics
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from django.db import connection

from locations.models import Location
from tests.support.processes import Process, Processes

pytestmark = pytest.mark.system

LOCATIONS = "/ocpp/locations"
BODY = b'{"name": "A", "address": "B", "city": "C", "country": "DE", "coordinates": {"latitude": 1, "longitude": 2}}'


@pytest.fixture
def web(processes: Processes) -> Process:
    return processes.web()


@pytest.fixture
def http(web: Process, user_token: str) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {user_token}"}
    with httpx.Client(base_url=web.url, headers=headers, timeout=60) as client:
        yield client


def in_chunks(body: bytes) -> Iterator[bytes]:
    """Make httpx send the body without Content-Length."""
    yield body[:7]
    yield body[7:]


def test_a_body_may_come_in_chunks(http: httpx.Client) -> None:
    json = {"Content-Type": "application/json"}
    assert http.post(LOCATIONS, content=in_chunks(BODY), headers=json).status_code == 201
    broken = http.post(LOCATIONS, content=in_chunks(BODY[:-1]), headers=json)
    assert broken.status_code == 422
    assert broken.json()["detail"][0]["type"] == "json_invalid"
    assert http.post(LOCATIONS, content=in_chunks(BODY), headers={"Content-Type": "text/plain"}).status_code == 415
    too_large = http.post(LOCATIONS, content=in_chunks(b" " * 21_000_000), headers=json)
    assert too_large.status_code == 413
    assert Location.objects.count() == 1


def test_many_requests_at_once_share_a_few_database_connections(http: httpx.Client) -> None:
    def ask(_: int) -> float:
        started = time.monotonic()
        assert http.get(LOCATIONS).status_code == 200
        return time.monotonic() - started

    with ThreadPoolExecutor(40) as pool:
        times = list(pool.map(ask, range(200)))
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")
        (connections,) = cursor.fetchone()
    print(f"{connections} connections, median {statistics.median(times) * 1000:.0f} ms with 40 at once")
    assert connections <= 25


def test_it_ends_soon_when_it_is_told_to(http: httpx.Client, web: Process) -> None:
    assert http.get(LOCATIONS).status_code == 200
    started = time.monotonic()
    web.stop()
    assert time.monotonic() - started < 8
    assert "Traceback" not in web.text()


def test_it_says_503_while_the_database_is_away(processes: Processes) -> None:
    web = processes.web(DATABASE_URL="postgresql://nobody:x@127.0.0.1:1/nothing", wait=False)
    with httpx.Client(base_url=web.url, timeout=60) as client:
        deadline = time.monotonic() + 40
        while True:
            try:
                response = client.get("/health")
                break
            except httpx.ConnectError:
                assert time.monotonic() < deadline, web.text()
                time.sleep(0.2)
        assert response.status_code == 503
        assert response.json()["code"] == "database_unavailable"
        assert client.get("/").status_code == 200
        broken = client.get(LOCATIONS, headers={"Authorization": "Bearer x"})
        assert broken.status_code == 500
        number = broken.json()["detail"].split()[2].rstrip(":")
        assert number in web.text()
