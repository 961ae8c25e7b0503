"""The official SDK drives the charger routes and those of a location's chargers, but for create."""

from typing import Any

import pytest

from chargers.models import Charger
from ocpplab.accounts.models import Organization
from tests.sdk.conftest import Sdk
from tests.support.chargers import make_charger, make_chargers, make_host, make_location, make_messages

pytestmark = pytest.mark.system


def test_the_sdk_drives_every_route_and_raises_the_exception_that_belongs_to_each_refusal(
    sdk: Sdk, user_token: str, organization: Organization, other_organization: Organization
) -> None:
    place, other_place = make_location(organization), make_location(organization, "Yard")
    members = make_chargers(organization, 2, location=place)
    charger = make_charger(organization, identity="LIN-01", host=make_host("sim-1"), connection_state="online")
    clashing = make_charger(organization, identity="LIN-01", ws_url="ws://old.test")
    foreign = make_charger(other_organization)
    make_messages(charger, 4)
    make_messages(charger, 1, action="BootNotification")
    answer = sdk(
        "chargers",
        token=user_token,
        charger_id=charger.public_id,
        charger_ids=[row.public_id for row in members],
        clashing_id=clashing.public_id,
        foreign_id=foreign.public_id,
        location_id=place.id,
        other_location_id=other_place.id,
    )
    check_lists(answer["lists"], charger, clashing, members)
    check_one(answer["one"], charger, str(other_place.id))
    check_location(answer["of_location"], members)
    check_error(answer["clash"], "BadRequestError", 400)
    check_error(answer["no_token"], "UnauthorizedError", 401)
    for name in ("foreign", "gone", "gone_delete", "gone_stop"):
        check_error(answer[name], "NotFoundError", 404)
    assert answer["gone_log"]["status"] == 404, "this route declares none, so the SDK raises its general error"
    assert answer["deleted"] is None
    assert set(Charger.objects.values_list("pk", flat=True)) == {clashing.pk, foreign.pk}


def check_error(answer: dict[str, Any], error: str, status: int) -> None:
    assert (answer["error"], answer["status"]) == (error, status)
    assert isinstance(answer["body"]["detail"], str)


def check_invalid(answer: dict[str, Any], *locs: list[Any]) -> None:
    assert (answer["error"], answer["status"]) == ("UnprocessableEntityError", 422)
    assert [problem["loc"] for problem in answer["body"]["detail"]] == list(locs)


def check_lists(answer: dict[str, Any], charger: Charger, clashing: Charger, members: list[Charger]) -> None:
    assert [row["id"] for row in answer["all"]["data"]] == [clashing.public_id, charger.public_id]
    assert (answer["all"]["total"], answer["all"]["page"], answer["all"]["limit"]) == (4, 1, 2)
    assert answer["past_the_end"] == {"data": [], "total": 4, "page": 9, "limit": 50}
    assert {row["id"] for row in answer["of_location"]["data"]} == {row.public_id for row in members}
    assert answer["of_nowhere"]["total"] == 0
    assert [row["id"] for row in answer["online"]["data"]] == [charger.public_id]
    check_invalid(answer["bad_limit"], ["query", "limit"])


def check_one(answer: dict[str, Any], charger: Charger, location_id: str) -> None:
    got = answer["got"]
    assert (got["id"], got["identity"], got["host"]) == (charger.public_id, "LIN-01", "sim-1")
    assert (got["max_charging_power"], got["number_of_connectors"]) == (22_000, 1)
    updated = answer["updated"]
    changes = {"name": "Bay 1 (east)", "location_id": location_id, "updated_at": updated["updated_at"]}
    assert updated == got | changes
    assert updated["updated_at"] > got["updated_at"]
    assert (answer["restarted"]["ws_url"], answer["restarted"]["ocpp_version"]) == ("ws://new.test", "OCPP2.0.1")
    cleared = answer["cleared"]
    assert (cleared["name"], cleared["location_id"], cleared["ws_url"]) == (None, None, "ws://new.test")
    assert answer["empty_update"] == cleared
    check_invalid(answer["bad_update"], ["body", "connector_type"], ["body", "ws_url"])
    check_error(answer["no_location"], "BadRequestError", 400)
    orders = [(order["id"], order["event_type"], order["payload"]["desired_count"]) for order in answer["runtime"]]
    assert orders == [
        (charger.public_id, "stop_charger", 0),
        (charger.public_id, "start_charger", 1),
        (charger.public_id, "reset_charger", 1),
    ]
    assert {order["ocpp_version"] for order in answer["runtime"]} == {"OCPP2.0.1"}
    log = answer["log"]
    assert (len(log["data"]), log["total"], log["limit"], log["offset"]) == (2, 5, 2, 1)
    assert log["data"][0]["direction"] == "cp_to_csms"
    assert [row["timestamp"] for row in answer["filtered_log"]["data"]] == [
        "2026-05-04T08:00:01Z",
        "2026-05-04T08:00:02Z",
    ]
    check_invalid(answer["bad_log"], ["query", "limit"])


def check_location(answer: dict[str, Any], members: list[Charger]) -> None:
    first, second = [row.public_id for row in members]
    assert [row["id"] for row in answer["listed"]["data"]] == [second, first]
    assert [row["id"] for row in answer["narrowed"]["data"]] == [second]
    check_error(answer["no_such_place"], "NotFoundError", 404)
    updated = answer["updated"]
    assert (updated["updated_count"], updated["failed_count"]) == (1, 1)
    assert [(row["id"], row["name"]) for row in updated["updated"]] == [(first, "Bay A")]
    assert [row["charger_id"] for row in updated["failed"]] == ["dep-none"]
    check_invalid(answer["bad_update"], ["body", "chargers", 1, "ocpp_version"])
    check_invalid(answer["delete_without_ids"], ["query", "charger_ids"])
    assert (answer["deleted"]["deleted"], answer["deleted"]["deleted_count"]) == ([first], 1)
    assert [row["charger_id"] for row in answer["deleted"]["failed"]] == ["dep-none"]
    assert answer["deleted_one"]["deleted"] == [second]
