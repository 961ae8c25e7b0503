"""The official SDK drives health, landing page, catalog and locations."""

from typing import Any

from locations.models import Location
from ocpplab.accounts.models import Organization
from tests.sdk.conftest import Sdk
from tests.support.chargers import make_location


def test_the_sdk_drives_every_route_and_raises_the_exception_that_belongs_to_each_refusal(
    sdk: Sdk, user_token: str, admin_token: str, other_organization: Organization
) -> None:
    foreign = make_location(other_organization, "Foreign")
    answer = sdk("sites", token=user_token, admin_token=admin_token, other_organization=str(other_organization.id))
    assert answer["health"] == answer["health_without_token"] == {"status": "ok"}
    assert "<title>OCPPLAB" in answer["landing"]
    check_catalog(answer["catalog"])
    check_locations(answer["locations"])
    assert [entry["id"] for entry in answer["admin"]["data"]] == [str(foreign.id)]
    for name, error, status in (
        ("no_token", "UnauthorizedError", 401),
        ("bad_token", "UnauthorizedError", 401),
        ("admin_of_nothing", "ForbiddenError", 403),
        ("foreign_header", "ForbiddenError", 403),
    ):
        assert (answer[name]["error"], answer[name]["status"]) == (error, status)
        assert isinstance(answer[name]["body"]["detail"], str)
    assert set(Location.objects.values_list("name", flat=True)) == {"Foreign", "Plain"}


def check_catalog(answer: dict[str, Any]) -> None:
    assert {"wallbox", "schneider", "abb"} <= {brand["slug"] for brand in answer["brands"]["data"]}
    assert answer["models"]["total"] == len(answer["models"]["data"])
    assert answer["model"] in answer["models"]["data"]
    assert (answer["model"]["supported_kwh"], answer["model"]["connector_types"]) == ([7.4, 22.0], ["Type2"])
    for name in ("no_brand", "no_model"):
        assert (answer[name]["error"], answer[name]["status"]) == ("NotFoundError", 404)
        assert isinstance(answer[name]["body"]["detail"], str)
    assert answer["bad_page"]["error"] == "UnprocessableEntityError"
    assert answer["bad_page"]["body"]["detail"][0]["loc"] == ["query", "page"]


def check_locations(answer: dict[str, Any]) -> None:
    made, updated = answer["made"], answer["updated"]
    assert made == answer["got"]
    assert made["coordinates"] == {"latitude": 53.5503, "longitude": 9.9928}
    assert (made["timezone"], made["owner_name"], made["public"], made["status"]) == (
        "Europe/Berlin",
        "Nordlicht",
        True,
        "active",
    )
    assert (answer["plain"]["timezone"], answer["plain"]["owner_name"], answer["plain"]["public"]) == (
        "UTC",
        None,
        False,
    )
    assert answer["listed"] == {"data": [answer["plain"]], "total": 2, "page": 1, "limit": 1}
    expected = made | {"name": "Yard B", "owner_name": None, "timezone": "UTC", "updated_at": updated["updated_at"]}
    assert updated == expected == answer["empty_update"]
    assert updated["updated_at"] > made["updated_at"]
    for name, loc in (("unusable", ["body", "country"]), ("taken_slug", ["body", "slug"])):
        assert (answer[name]["error"], answer[name]["status"]) == ("UnprocessableEntityError", 422)
        assert [problem["loc"] for problem in answer[name]["body"]["detail"]] == [loc]
    assert answer["deleted"] == [None, None]
    for name in ("gone", "malformed"):
        assert (answer[name]["error"], answer[name]["status"]) == ("NotFoundError", 404)
    assert [entry["id"] for entry in answer["left"]["data"]] == [answer["plain"]["id"]]
