"""The chargers of a location: list, multi-update, multi-delete."""

import pytest

from chargers.models import Charger
from tests.support.chargers import make_charger, make_chargers, make_location, make_messages, snapshot

pytestmark = pytest.mark.django_db


@pytest.fixture
def place(organization):
    return make_location(organization)


def path(place, query=""):
    return f"/ocpp/locations/{place.id}/chargers{query}"


def ids_query(*charger_ids):
    return "?" + "&".join(f"charger_ids={charger_id}" for charger_id in charger_ids)


def test_it_lists_the_location_s_chargers_newest_first(api, organization, place):
    make_charger(organization)
    rows = make_chargers(organization, 3, location=place)
    answer = api.get(path(place, "?limit=2"))
    assert answer.status_code == 200
    assert [row["id"] for row in answer.json()["data"]] == [rows[2].public_id, rows[1].public_id]
    assert (answer.json()["total"], answer.json()["page"], answer.json()["limit"]) == (3, 1, 2)


def test_charger_ids_narrow_the_list(api, organization, place):
    elsewhere = make_charger(organization)
    a, _, c = make_chargers(organization, 3, location=place)
    query = ids_query(a.public_id, c.public_id, elsewhere.public_id, "dep-none", a.public_id)
    answer = api.get(path(place, query)).json()
    assert [row["id"] for row in answer["data"]] == [c.public_id, a.public_id]
    assert answer["total"] == 2


@pytest.mark.parametrize("location_id", ["0b0c4b1e-8c2a-4f0e-9d53-6a1f0f3b7711", "nonsense", "foreign", "%00"])
@pytest.mark.parametrize("method", ["get", "put", "delete"])
def test_an_unknown_location_is_not_found(api, other_organization, location_id, method):
    if location_id == "foreign":
        foreign = make_location(other_organization)
        make_charger(other_organization, location=foreign)
        location_id = str(foreign.id)
    before = snapshot()
    url = f"/ocpp/locations/{location_id}/chargers?charger_ids=dep-1"
    answer = api.put(url, {"chargers": []}) if method == "put" else getattr(api, method)(url)
    assert answer.status_code == 404
    assert isinstance(answer.json()["detail"], str)
    assert snapshot() == before


# --- multi-update ---


def test_it_updates_each_on_its_own_and_says_what_failed(api, organization, place):
    a, b = make_chargers(organization, 2, location=place)
    elsewhere = make_charger(organization)
    answer = api.put(
        path(place),
        {
            "chargers": [
                {"charger_id": b.public_id, "charge_point_name": "B"},
                {"charger_id": "dep-none", "connector_type": "CCS2"},
                {"charger_id": elsewhere.public_id, "name": "X"},
                {"charger_id": a.public_id, "name": "A", "ws_url": "ws://new.test"},
                {"charger_id": a.public_id, "name": "again"},
            ]
        },
    )
    assert answer.status_code == 200
    body = answer.json()
    assert (body["updated_count"], body["failed_count"]) == (2, 3)
    assert [(row["id"], row["name"]) for row in body["updated"]] == [(b.public_id, "B"), (a.public_id, "A")]
    assert [(row["charger_id"], row["code"]) for row in body["failed"]] == [
        ("dep-none", "charger_not_found"),
        (elsewhere.public_id, "charger_not_found"),
        (a.public_id, "given_twice"),
    ]
    assert body["failed"][0]["error"] == "Charger not found in location"
    elsewhere.refresh_from_db()
    assert elsewhere.name is None


def test_an_identity_clash_fails_that_charger_only(api, organization, place):
    make_charger(organization, identity="X", ws_url="ws://b.test")
    x = make_charger(organization, identity="X", location=place, name="x")
    y = make_charger(organization, identity="Y", location=place)
    before = snapshot(x.pk)
    body = api.put(
        path(place),
        {
            "chargers": [
                {"charger_id": x.public_id, "ws_url": "ws://b.test", "name": "new"},
                {"charger_id": y.public_id, "ws_url": "ws://b.test", "name": "new"},
            ]
        },
    ).json()
    assert [row["id"] for row in body["updated"]] == [y.public_id]
    assert [row["code"] for row in body["failed"]] == ["identity_in_use"]
    assert snapshot(x.pk) == before


def test_two_of_one_identity_cannot_both_move_to_the_same_address(api, organization, place):
    a = make_charger(organization, identity="X", ws_url="ws://a.test", location=place)
    b = make_charger(organization, identity="X", ws_url="ws://b.test", location=place)
    items = [{"charger_id": row.public_id, "ws_url": "ws://c.test"} for row in (b, a)]
    body = api.put(path(place), {"chargers": items}).json()
    assert [row["id"] for row in body["updated"]] == [b.public_id]
    assert [row["charger_id"] for row in body["failed"]] == [a.public_id]


@pytest.mark.parametrize("reverse", [False, True])
def test_a_charger_may_move_to_the_address_that_another_one_leaves(api, organization, place, reverse):
    a = make_charger(organization, identity="X", ws_url="ws://a.test", location=place)
    b = make_charger(organization, identity="X", ws_url="ws://b.test", location=place)
    items = [{"charger_id": b.public_id, "ws_url": "ws://c.test"}, {"charger_id": a.public_id, "ws_url": "ws://b.test"}]
    if reverse:  # the address is not free yet when its turn comes
        items.reverse()
    body = api.put(path(place), {"chargers": items}).json()
    assert body["updated_count"] == (1 if reverse else 2)
    a.refresh_from_db()
    b.refresh_from_db()
    assert b.ws_url == "ws://c.test"
    assert a.ws_url == ("ws://a.test" if reverse else "ws://b.test")


def test_moving_to_another_or_to_no_location_is_possible(api, organization, other_organization, place):
    yard, foreign = make_location(organization, "Yard"), make_location(other_organization)
    a, b, c = make_chargers(organization, 3, location=place)
    body = api.put(
        path(place),
        {
            "chargers": [
                {"charger_id": a.public_id, "location_id": str(yard.id)},
                {"charger_id": b.public_id, "location_id": None},
                {"charger_id": c.public_id, "location_id": str(foreign.id)},
            ]
        },
    ).json()
    assert [row["location_id"] for row in body["updated"]] == [str(yard.id), None]
    assert [row["code"] for row in body["failed"]] == ["location_unknown"]


def test_no_chargers_and_no_changes_are_fine(api, organization, place):
    a = make_charger(organization, location=place)
    before = snapshot()
    assert api.put(path(place), {"chargers": []}).json() == {
        "updated_count": 0,
        "failed_count": 0,
        "updated": [],
        "failed": [],
    }
    assert api.put(path(place), {"chargers": [{"charger_id": a.public_id}]}).json()["updated_count"] == 1
    assert snapshot() == before


@pytest.mark.parametrize(
    ("body", "loc"),
    [
        ({}, ["chargers"]),
        ({"chargers": None}, ["chargers"]),
        ({"chargers": "x"}, ["chargers"]),
        ({"chargers": {}}, ["chargers"]),
        ([], []),
        ({"chargers": ["x"]}, ["chargers", 0]),
        ({"chargers": [{}]}, ["chargers", 0, "charger_id"]),
        ({"chargers": [{"charger_id": None}]}, ["chargers", 0, "charger_id"]),
        ({"chargers": [{"charger_id": 7}]}, ["chargers", 0, "charger_id"]),
        ({"chargers": [{"charger_id": "good", "name": "N"}, {"charger_id": "a\x00b"}]}, ["chargers", 1, "charger_id"]),
        (
            {"chargers": [{"charger_id": "good", "name": "N"}, {"charger_id": "x", "ws_url": "http://h"}]},
            ["chargers", 1, "ws_url"],
        ),
    ],
)
def test_a_malformed_item_refuses_the_whole_request(api, organization, place, body, loc):
    charger = make_charger(organization, location=place, public_id="good")
    before = snapshot(charger.pk)
    answer = api.put(path(place), body)
    assert answer.status_code == 422, answer.content
    assert answer.json()["detail"][0]["loc"] == ["body", *loc]
    assert snapshot(charger.pk) == before


def test_too_many_items_are_refused(api, place):
    answer = api.put(path(place), {"chargers": [{"charger_id": "x"}] * 10_001})
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["body", "chargers"]


def test_an_update_of_many_takes_as_few_queries_as_one_of_few(api, organization, place, django_assert_max_num_queries):
    rows = make_chargers(organization, 300, location=place)
    items = [{"charger_id": row.public_id, "name": row.identity, "ws_url": "ws://new.test"} for row in rows]
    with django_assert_max_num_queries(13):
        assert api.put(path(place), {"chargers": items}).json()["updated_count"] == 300
    assert set(Charger.objects.values_list("revision", "ws_url")) == {(1, "ws://new.test")}


# --- multi-delete ---


def test_it_deletes_each_on_its_own_and_says_what_failed(api, organization, place):
    a, b, c = make_chargers(organization, 3, location=place)
    make_messages(a, 2)
    elsewhere = make_charger(organization)
    query = ids_query(c.public_id, "dep-none", a.public_id, elsewhere.public_id, c.public_id)
    answer = api.delete(path(place, query))
    assert answer.status_code == 200
    body = answer.json()
    assert body["deleted"] == [c.public_id, a.public_id]
    assert [row["charger_id"] for row in body["failed"]] == ["dep-none", elsewhere.public_id]
    assert {row["error"] for row in body["failed"]} == {"Charger not found in location"}
    assert (body["deleted_count"], body["failed_count"]) == (2, 2)
    assert {row["id"] for row in snapshot()} == {b.pk, elsewhere.pk}


@pytest.mark.parametrize("query", ["", "?charger_ids=", "?ids=dep-1", "?charger_ids=%00"])
def test_without_ids_it_deletes_nothing(api, organization, place, query):
    make_chargers(organization, 2, location=place)
    answer = api.delete(path(place, query))
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"][:2] == ["query", "charger_ids"]
    assert Charger.objects.count() == 2


def test_ids_in_the_body_do_not_count(api, organization, place):
    charger = make_charger(organization, location=place)
    assert api.delete(path(place), {"charger_ids": [charger.public_id]}).status_code == 422
    assert Charger.objects.exists()


def test_the_greatest_request_deletes_and_a_greater_one_is_refused(api, organization, place):
    charger = make_charger(organization, location=place)
    many = [f"dep-{number:012x}" for number in range(10_000)]
    answer = api.delete(path(place, ids_query(charger.public_id, *many)))
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["query", "charger_ids"]
    assert Charger.objects.exists()
    answer = api.delete(path(place, ids_query(charger.public_id, *many[1:])))
    assert (answer.json()["deleted_count"], answer.json()["failed_count"]) == (1, 9999)


def test_a_delete_of_many_takes_few_queries(api, organization, place, django_assert_max_num_queries):
    rows = make_chargers(organization, 100, location=place)
    with django_assert_max_num_queries(9):
        assert api.delete(path(place, ids_query(*(row.public_id for row in rows)))).json()["deleted_count"] == 100
