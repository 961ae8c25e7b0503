"""How fast an organization may ask: counted in Valkey for all web processes together."""

import time
import uuid

import pytest
from django.conf import settings
from redis import Redis

from ocpplab.accounts.models import Organization
from ocpplab.api import throttling
from ocpplab.api.throttling import Buckets
from tests.conftest import client_of
from tests.support.host import Cable
from tests.support.races import all_at_once
from tests.support.waiting import eventually

pytestmark = pytest.mark.django_db

PATH = "/ocpp/locations"


@pytest.fixture
def slow(organization):
    """The organization, with two requests a minute."""
    Organization.objects.filter(pk=organization.pk).update(max_requests_per_minute=2)
    return organization


def fresh():
    return uuid.uuid4().hex


def test_who_asks_too_often_is_told_to_wait(api, slow):
    assert [api.get(PATH).status_code for _ in range(2)] == [200, 200]
    answer = api.get(PATH)
    assert (answer.status_code, answer.json()["code"]) == (429, "rate_limited")
    assert "may make 2 requests a minute: wait" in answer.json()["detail"]
    assert 25 <= int(answer["Retry-After"]) <= 31, "half a minute for one of two"


def test_a_refused_request_does_nothing(api, slow):
    for _ in range(2):
        api.get(PATH)
    body = {"name": "X", "address": "a", "city": "c", "country": "DE", "coordinates": {"latitude": 1, "longitude": 1}}
    assert api.post(PATH, body).status_code == 429
    assert not slow.locations.exists()


def test_all_tokens_of_an_organization_share_its_rate(api, admin_api, slow):
    admin_api.credentials(**admin_api._credentials, HTTP_X_ORGANIZATION_ID=str(slow.id))
    assert [api.get(PATH).status_code, admin_api.get(PATH).status_code] == [200, 200]
    assert [api.get(PATH).status_code, admin_api.get(PATH).status_code] == [429, 429]
    assert api.get("/ocpp/catalog/brands").status_code == 429, "the catalog's routes count as well"


def test_others_and_those_without_a_token_are_not_touched_by_it(api, other_api, slow):
    assert [api.get(PATH).status_code for _ in range(3)][-1] == 429
    assert other_api.get(PATH).status_code == 200
    assert client_of(None).get(PATH).status_code == 401
    assert client_of(None).get("/health").status_code == 200


def test_zero_is_no_limit_and_asks_valkey_nothing(api, organization, monkeypatch):
    Organization.objects.filter(pk=organization.pk).update(max_requests_per_minute=0)
    with Redis.from_url(settings.REDIS_URL) as valkey:
        before = valkey.exists(f"rate:{organization.id.hex}")
        assert api.get(PATH).status_code == 200
        assert valkey.exists(f"rate:{organization.id.hex}") == before == 0


def test_the_bucket_fills_up_again_evenly():
    buckets, name = Buckets(settings.REDIS_URL), fresh()
    per_minute = 600  # ten a second
    taken = 0
    while buckets.take(name, per_minute) == 0:
        taken += 1
    assert taken >= per_minute, "a whole minute's worth may come at once"
    wait = buckets.take(name, per_minute)
    assert 0 < wait <= 0.1
    eventually(lambda: buckets.take(name, per_minute) == 0, timeout=5, every=0.01)


def test_an_idle_bucket_leaves_nothing_behind():
    name = fresh()
    Buckets(settings.REDIS_URL).take(name, 60_000)
    with Redis.from_url(settings.REDIS_URL) as valkey:
        eventually(lambda: not valkey.exists(f"rate:{name}"), timeout=5)


def test_many_at_once_get_no_more_than_there_is():
    name = fresh()

    def ask():
        buckets = Buckets(settings.REDIS_URL)  # as another web process
        return sum(buckets.take(name, 50) == 0 for _ in range(25))

    assert sum(all_at_once(*[ask] * 4)) == 50


def test_without_valkey_requests_are_let_through_and_it_is_said_once(api, slow, caplog, monkeypatch):
    with Cable(settings.REDIS_URL) as cable:
        buckets = Buckets(cable.url)
        monkeypatch.setattr(throttling, "_buckets", buckets)
        monkeypatch.setattr(throttling, "AWAY_FOR", 0.05)
        cable.cut()
        for _ in range(5):
            assert api.get(PATH).status_code == 200
            time.sleep(0.06)
        assert caplog.text.count("rate_not_limited") == 1
        cable.mend()
        eventually(lambda: api.get(PATH).status_code == 429, timeout=10)


def test_a_valkey_that_hangs_holds_up_one_request_and_not_each(api, slow, monkeypatch):
    with Cable(settings.REDIS_URL) as cable:
        buckets = Buckets(cable.url)
        name = fresh()
        assert buckets.take(name, 2) == 0
        cable.freeze()
        began = time.monotonic()
        for _ in range(100):
            assert buckets.take(name, 2) == 0
        assert time.monotonic() - began < 5, "each waited"
        cable.mend()
