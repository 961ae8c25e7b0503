"""Location routes (contract 4.3 and table 1b)."""

import re
import uuid
from datetime import datetime
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from locations.models import Location
from ocpplab.accounts.models import Organization
from tests.support.chargers import make_location

LOCATIONS = "/ocpp/locations"
GOOD = {
    "name": "Lindenhof Depot",
    "address": "Lindenweg 8",
    "city": "Hamburg",
    "country": "DE",
    "coordinates": {"latitude": 53.5503, "longitude": 9.9928},
    "timezone": "Europe/Berlin",
    "owner_name": "Nordlicht Flotte GmbH",
    "public": False,
}
SLUG = re.compile(r"^lindenhof-depot-[0-9a-f]{8}$")
NOWHERE = "00000000-0000-4000-8000-000000000000"


def columns(location: Location) -> dict[str, Any]:
    """Return a row as it is in the database."""
    return Location.objects.filter(pk=location.pk).values().get()


@pytest.fixture
def location(organization: Organization) -> Location:
    return make_location(organization, "Depot", timezone="Europe/Berlin", owner_name="Nordlicht", public=True)


# --- create ---------------------------------------------------------------------------------------------------------


def test_it_makes_the_location_of_the_contract(api: APIClient, organization: Organization) -> None:
    response = api.post(LOCATIONS, GOOD, format="json")
    assert response.status_code == 201
    body = response.json()
    row = Location.objects.get()
    assert row.organization == organization
    assert body.pop("id") == str(row.id)
    assert SLUG.match(body.pop("slug"))
    assert body.pop("created_at").endswith("Z")
    assert body.pop("updated_at").endswith("Z")
    assert body == GOOD | {"status": "active"}


@pytest.mark.parametrize("optional", [{}, {"timezone": None, "owner_name": None, "public": None}, {"owner_name": " "}])
def test_what_is_optional_may_be_absent_or_null(api: APIClient, optional: dict[str, Any]) -> None:
    required = {key: GOOD[key] for key in ("name", "address", "city", "country", "coordinates")}
    body = api.post(LOCATIONS, required | optional, format="json").json()
    assert (body["timezone"], body["owner_name"], body["public"]) == ("UTC", None, False)


@pytest.mark.parametrize("name", ["東京", "!!!", "-", "Ünïcödé", "x" * 200, "a--b", "😀"])
def test_every_name_makes_a_usable_slug_and_comes_back_as_it_was(api: APIClient, name: str) -> None:
    body = api.post(LOCATIONS, GOOD | {"name": name}, format="json").json()
    assert body["name"] == name
    assert re.match(r"^[a-z0-9]+(-[a-z0-9]+)*-[0-9a-f]{8}$", body["slug"])
    assert len(body["slug"]) <= 120


def test_one_name_may_be_used_twice(api: APIClient) -> None:
    slugs = {api.post(LOCATIONS, GOOD, format="json").json()["slug"] for _ in range(2)}
    assert len(slugs) == 2


def test_a_country_may_be_in_lower_case_and_text_is_trimmed(api: APIClient) -> None:
    body = api.post(LOCATIONS, GOOD | {"country": "de", "city": " Hamburg "}, format="json").json()
    assert (body["country"], body["city"]) == ("DE", "Hamburg")


BAD_VALUES: list[tuple[str, Any, list[Any]]] = [
    ("name", "", ["name"]),
    ("name", "x" * 201, ["name"]),
    ("address", "x" * 301, ["address"]),
    ("address", ["x"], ["address"]),
    ("city", "x" * 101, ["city"]),
    ("city", "a\0", ["city"]),
    ("country", "", ["country"]),
    ("country", "DEU", ["country"]),
    ("country", "XX", ["country"]),
    ("country", "UK", ["country"]),
    ("country", "ß", ["country"]),
    ("country", 1, ["country"]),
    ("coordinates", [], ["coordinates"]),
    ("coordinates", "53,9", ["coordinates"]),
    ("coordinates", {"latitude": 1}, ["coordinates", "longitude"]),
    ("coordinates", {"latitude": 90.0001, "longitude": 0}, ["coordinates", "latitude"]),
    ("coordinates", {"latitude": -91, "longitude": 0}, ["coordinates", "latitude"]),
    ("coordinates", {"latitude": 0, "longitude": 180.1}, ["coordinates", "longitude"]),
    ("coordinates", {"latitude": None, "longitude": 0}, ["coordinates", "latitude"]),
    ("coordinates", {"latitude": "1", "longitude": 0}, ["coordinates", "latitude"]),
    ("coordinates", {"latitude": True, "longitude": 0}, ["coordinates", "latitude"]),
    ("timezone", "", ["timezone"]),
    ("timezone", "Europe/Berln", ["timezone"]),
    ("timezone", "europe/berlin", ["timezone"]),
    ("timezone", "../../etc/passwd", ["timezone"]),
    ("timezone", "Europe", ["timezone"]),
    ("timezone", "localtime", ["timezone"]),
    ("timezone", "x" * 5000, ["timezone"]),
    ("timezone", "GMT+1", ["timezone"]),
    ("timezone", 1, ["timezone"]),
    ("owner_name", "x" * 201, ["owner_name"]),
    ("owner_name", False, ["owner_name"]),
    ("public", "true", ["public"]),
    ("public", 1, ["public"]),
]


@pytest.mark.parametrize(("key", "value", "loc"), BAD_VALUES)
def test_a_bad_value_is_422_at_its_place_on_create_and_update_and_nothing_is_written(
    api: APIClient, location: Location, key: str, value: Any, loc: list[Any]
) -> None:
    before = columns(location)
    for response in (
        api.post(LOCATIONS, GOOD | {key: value}, format="json"),
        api.put(f"{LOCATIONS}/{location.id}", {"name": "New", key: value} | {key: value}, format="json"),
    ):
        assert response.status_code == 422, response.content
        (problem,) = response.json()["detail"]
        assert problem["loc"] == ["body", *loc]
        assert problem["msg"]
    assert Location.objects.count() == 1
    assert columns(location) == before


@pytest.mark.parametrize("key", ["name", "address", "city", "country", "coordinates"])
def test_what_is_required_may_be_neither_absent_nor_null_on_create(api: APIClient, key: str) -> None:
    without = {name: value for name, value in GOOD.items() if name != key}
    for body, kind in ((without, "missing"), (GOOD | {key: None}, "null_not_allowed")):
        (problem,) = api.post(LOCATIONS, body, format="json").json()["detail"]
        assert (problem["loc"], problem["type"]) == (["body", key], kind)
    assert not Location.objects.exists()


def test_a_wrong_time_zone_and_country_say_what_to_write(api: APIClient) -> None:
    body = api.post(LOCATIONS, GOOD | {"timezone": "Europe/Berln", "country": "UK"}, format="json").json()
    words = " ".join(problem["msg"] for problem in body["detail"])
    assert "Did you mean Europe/Berlin?" in words
    assert "GB" in words


# --- read -----------------------------------------------------------------------------------------------------------


def test_it_lists_newest_first_in_two_queries(api: APIClient, organization: Organization) -> None:
    made = [str(make_location(organization, f"L{number}").id) for number in range(5)]
    with CaptureQueriesContext(connection) as queries:
        body = api.get(LOCATIONS).json()
    assert len(queries) == 2  # the token with its organization, and the page
    assert [entry["id"] for entry in body["data"]] == made[::-1]
    assert (body["total"], body["page"], body["limit"]) == (5, 1, 50)
    assert api.get(f"{LOCATIONS}/{made[0]}").json() == body["data"][-1]


def test_pages_add_up_also_when_rows_were_made_in_the_same_instant(api: APIClient, organization: Organization) -> None:
    instant = datetime.fromisoformat("2026-05-04T08:00:00Z")
    made = {str(make_location(organization, f"L{number}", created_at=instant).id) for number in range(7)}
    seen = [
        entry["id"] for page in (1, 2, 3, 4) for entry in api.get(LOCATIONS, {"page": page, "limit": 2}).json()["data"]
    ]
    assert len(seen) == 7
    assert set(seen) == made


@pytest.mark.parametrize(
    "query", [{"page": 0}, {"page": -1}, {"limit": 0}, {"limit": 101}, {"page": "x"}, {"limit": ""}]
)
def test_a_page_out_of_range_is_422(api: APIClient, query: dict[str, Any]) -> None:
    (problem,) = api.get(LOCATIONS, query).json()["detail"]
    assert problem["loc"] == ["query", next(iter(query))]


@pytest.mark.parametrize("method", ["get", "put", "delete"])
@pytest.mark.parametrize("bad", ["x", "123", "00000000-0000-4000-8000-00000000000", "%F0%9F%98%80", "\u0663" * 32])
def test_a_malformed_id_is_404(api: APIClient, method: str, bad: str) -> None:
    response = getattr(api, method)(f"{LOCATIONS}/{bad}")
    assert response.status_code == 404
    assert isinstance(response.json()["detail"], str)


@pytest.mark.parametrize("method", ["get", "put"])
def test_an_unknown_id_and_that_of_another_organization_are_404_and_look_the_same(
    api: APIClient, other_organization: Organization, method: str
) -> None:
    foreign = make_location(other_organization)
    before = columns(foreign)
    answers = [
        getattr(api, method)(f"{LOCATIONS}/{pk}", {"name": "Mine"}, format="json") for pk in (foreign.id, NOWHERE)
    ]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert answers[0].content == answers[1].content
    assert columns(foreign) == before
    assert api.get(LOCATIONS).json()["total"] == 0


# --- update ---------------------------------------------------------------------------------------------------------


def test_only_the_keys_that_are_there_change_and_updated_at_moves(api: APIClient, location: Location) -> None:
    before = columns(location)
    response = api.put(f"{LOCATIONS}/{location.id}", {"name": "Yard B", "public": False}, format="json")
    assert response.status_code == 200
    after = columns(location)
    assert after.pop("updated_at") > before.pop("updated_at")
    assert after == before | {"name": "Yard B", "public": False}
    assert api.get(f"{LOCATIONS}/{location.id}").json() == response.json()


def test_every_key_can_be_changed(api: APIClient, location: Location) -> None:
    changes = GOOD | {"slug": "new-slug_1", "status": "inactive", "country": "at"}
    body = api.put(f"{LOCATIONS}/{location.id}", changes, format="json").json()
    assert {key: body[key] for key in changes} == changes | {"country": "AT"}


@pytest.mark.parametrize("body", [{}, {"unknown": 1}, {"id": NOWHERE}, {"created_at": "2000-01-01T00:00:00Z"}])
def test_an_empty_object_changes_nothing(api: APIClient, location: Location, body: dict[str, Any]) -> None:
    before = columns(location)
    assert api.put(f"{LOCATIONS}/{location.id}", body, format="json").status_code == 200
    assert columns(location) == before


def test_null_clears_what_may_be_empty_and_leaves_the_rest(api: APIClient, location: Location) -> None:
    before = columns(location)
    nulls = dict.fromkeys([*GOOD, "slug", "status"])
    body = api.put(f"{LOCATIONS}/{location.id}", nulls, format="json").json()
    assert (body["owner_name"], body["timezone"]) == (None, "UTC")
    after = columns(location)
    changed = {key for key in before if before[key] != after[key]}
    assert changed == {"owner_name", "timezone", "updated_at"}


def test_a_slug_that_is_taken_is_422_and_nothing_changes(
    api: APIClient, organization: Organization, other_organization: Organization, location: Location
) -> None:
    make_location(organization, "Other", slug="taken")
    make_location(other_organization, "Foreign", slug="foreign")
    before = columns(location)
    response = api.put(f"{LOCATIONS}/{location.id}", {"slug": "taken", "name": "New"}, format="json")
    (problem,) = response.json()["detail"]
    assert response.status_code == 422
    assert problem["loc"] == ["body", "slug"]
    assert columns(location) == before
    for fine in ("foreign", location.slug):
        assert api.put(f"{LOCATIONS}/{location.id}", {"slug": fine}, format="json").json()["slug"] == fine


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("slug", ""),
        ("slug", "a b"),
        ("slug", "x" * 121),
        ("slug", 5),
        ("slug", "ä"),
        ("slug", "a/b"),
        ("status", "gone"),
        ("status", ""),
        ("status", 1),
        ("status", ["active"]),
        ("status", "ACTIVE"),
    ],
)
def test_a_bad_slug_or_status_is_422(api: APIClient, location: Location, key: str, value: Any) -> None:
    before = columns(location)
    response = api.put(f"{LOCATIONS}/{location.id}", {key: value}, format="json")
    assert response.status_code == 422, response.content
    assert [problem["loc"] for problem in response.json()["detail"]] == [["body", key]]
    assert columns(location) == before


# --- delete ---------------------------------------------------------------------------------------------------------


def test_deleting_is_204_without_a_body_however_often(api: APIClient, location: Location) -> None:
    for _ in range(2):
        response = api.delete(f"{LOCATIONS}/{location.id}")
        assert response.status_code == 204
        assert response.content == b""
    assert not Location.objects.exists()
    assert api.get(f"{LOCATIONS}/{location.id}").status_code == 404


def test_deleting_a_foreign_location_is_204_and_leaves_it(api: APIClient, other_organization: Organization) -> None:
    foreign = make_location(other_organization)
    assert api.delete(f"{LOCATIONS}/{foreign.id}").status_code == 204
    assert api.delete(f"{LOCATIONS}/{uuid.uuid4()}").status_code == 204
    assert Location.objects.filter(pk=foreign.pk).exists()
