"""The list of an organization's chargers."""

import pytest

from chargers.models import Charger
from tests.support.chargers import WS_URL, make_charger, make_chargers, make_host, make_location

pytestmark = pytest.mark.django_db

PATH = "/ocpp/chargers"


def ids(answer):
    assert answer.status_code == 200, answer.content
    return [row["id"] for row in answer.json()["data"]]


def test_it_is_empty_at_first(api):
    assert api.get(PATH).json() == {"data": [], "total": 0, "page": 1, "limit": 50}


def test_it_shows_the_newest_first_and_nobody_else_s(api, organization, other_organization):
    make_charger(other_organization)
    rows = make_chargers(organization, 3)
    answer = api.get(PATH)
    assert ids(answer) == [row.public_id for row in reversed(rows)]
    assert answer.json()["total"] == 3


def test_it_pages_without_gap_or_repeat(api, organization):
    rows = make_chargers(organization, 7)
    Charger.objects.update(created_at=rows[0].created_at)  # the id decides between equals
    seen = []
    for page in (1, 2, 3, 4):
        answer = api.get(PATH, {"page": page, "limit": 3})
        assert answer.json()["total"] == 7
        assert (answer.json()["page"], answer.json()["limit"]) == (page, 3)
        seen += ids(answer)
    assert seen == [row.public_id for row in reversed(rows)]


def test_it_filters_by_each_of_its_own_keys(api, organization):
    host = make_host("sim-7")
    place = make_location(organization)
    a, b, c = make_chargers(organization, 3)
    Charger.objects.filter(pk=a.pk).update(host=host, connection_state="online")
    Charger.objects.filter(pk=b.pk).update(location=place, ws_url="ws://b.test/x")
    Charger.objects.filter(pk=c.pk).update(
        provisioning_status="FAILED", error_code="not_hosted", connection_state="rejected"
    )
    for key, value, found in [
        ("connection_state", "online", a),
        ("connection_state", "rejected", c),
        ("provisioning_status", "FAILED", c),
        ("host", "sim-7", a),
        ("host", str(host.id), a),
        ("location_id", str(place.id), b),
        ("ws_url", "ws://b.test/x", b),
        ("ws_url", "ws://b.test/x/", b),
        ("identity", c.identity, c),
    ]:
        assert ids(api.get(PATH, {key: value})) == [found.public_id], (key, value)
    assert ids(api.get(PATH, {"connection_state": "online", "ws_url": WS_URL})) == [a.public_id]
    assert ids(api.get(PATH, {"connection_state": "online", "location_id": str(place.id)})) == []


@pytest.mark.parametrize(
    "query",
    [
        {"location_id": "0b0c4b1e-8c2a-4f0e-9d53-6a1f0f3b7711"},
        {"location_id": "nonsense"},
        {"host": "nobody"},
        {"host": "0b0c4b1e-8c2a-4f0e-9d53-6a1f0f3b7711"},
        {"ws_url": "http://no"},
        {"page": 1000},
    ],
)
def test_what_does_not_exist_has_no_chargers(api, organization, query):
    make_charger(organization)
    answer = api.get(PATH, query)
    assert ids(answer) == []
    assert answer.json()["total"] == (1 if "page" in query else 0)


def test_another_organization_s_location_has_no_chargers(api, other_organization):
    place = make_location(other_organization)
    make_charger(other_organization, location=place)
    assert ids(api.get(PATH, {"location_id": str(place.id)})) == []


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("page=0", "page"),
        ("page=-1", "page"),
        ("page=x", "page"),
        ("page=1.5", "page"),
        ("page=99999999999999999999999", "page"),
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=ten", "limit"),
        ("connection_state=asleep", "connection_state"),
        ("provisioning_status=ready", "provisioning_status"),
        ("host=%00", "host"),
        ("ws_url=%00", "ws_url"),
        ("location_id=a%00b", "location_id"),
    ],
)
def test_a_bad_query_is_named(api, organization, query, name):
    answer = api.get(f"{PATH}?{query}")
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["query", name]
    assert answer.json()["detail"][0]["msg"]


def test_it_takes_the_same_few_queries_for_any_number(api, organization, django_assert_num_queries):
    make_charger(organization)
    with django_assert_num_queries(2):
        api.get(PATH)
    make_chargers(organization, 60, host=make_host())
    with django_assert_num_queries(3):  # a full page is counted
        assert len(ids(api.get(PATH))) == 50


@pytest.mark.parametrize("method", ["put", "patch", "delete"])
def test_other_methods_are_not_allowed(api, method):
    assert getattr(api, method)(PATH, {}).status_code == 405
