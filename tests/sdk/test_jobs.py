"""The official SDK asks for chargers and polls until a real worker and a real simulator have brought them up."""

import re
from typing import Any

import pytest

from chargers.models import Charger
from ocpplab.accounts.models import Organization
from tests.sdk.conftest import Sdk
from tests.support.chargers import make_location, make_model
from tests.support.processes import Processes

pytestmark = pytest.mark.system


def test_the_sdk_creates_chargers_alone_and_in_bulk(
    sdk: Sdk, processes: Processes, user_token: str, organization: Organization
) -> None:
    make_model("evlink-pro-ac-22kw", "schneider")
    location = make_location(organization)
    processes.worker()
    processes.simulator()
    ws_url = f"{sdk.web.url.replace('http', 'ws', 1)}/csms"
    answer = sdk("jobs", token=user_token, location_id=location.id, ws_url=ws_url)
    check_bulk(answer["bulk"], str(location.id))
    check_single(answer["single"], str(location.id))
    assert Charger.objects.count() == 7


def check_bulk(answer: dict[str, Any], location_id: str) -> None:
    accepted = answer["accepted"]
    assert accepted["status"] in {"PENDING", "PROVISIONING"}
    assert accepted["status_url"] == f"/ocpp/locations/{location_id}/chargers/jobs/{accepted['job_id']}"
    assert answer["repeated"]["job_id"] == accepted["job_id"]
    done = answer["done"]
    assert (done["status"], done["job_type"], done["error"]) == ("READY", "location_chargers", None)
    assert done["workflow_run_id"] == accepted["workflow_run_id"]
    assert (done["results"]["created_count"], done["results"]["failed"]) == (5, [])
    identities = [row["identity"] for row in done["results"]["created"]]
    assert identities[:2] == ["SITE_A_001", "SITE_A_002"]
    assert all(re.fullmatch(r"SITE_A_[0-9a-f]{8}", identity) for identity in identities[2:])
    clashing = answer["clashing"]
    assert (clashing["status"], clashing["results"]["created_count"]) == ("READY", 1)
    assert [row["code"] for row in clashing["results"]["failed"]] == ["identity_in_use"]
    refused = answer["refused"]
    assert (refused["status"], refused["error"]["code"], refused["error"]["retryable"]) == (
        "FAILED",
        "identity_in_use",
        False,
    )
    assert answer["listed"]["total"] == 6
    check_error(answer["nowhere"], "NotFoundError", 404)
    check_error(answer["no_job"], "NotFoundError", 404)
    check_invalid(answer["no_number"], ["body", 0, "chargers_number"])
    check_invalid(answer["no_model"], ["body", 0, "template", "model_slug"])


def check_single(answer: dict[str, Any], location_id: str) -> None:
    accepted, done, got = answer["accepted"], answer["done"], answer["got"]
    assert accepted["status_url"] == f"/ocpp/chargers/{accepted['charger_id']}/status"
    assert (done["charger_id"], done["status"], done["error"]) == (accepted["charger_id"], "READY", None)
    assert done["provisioned_at"] is not None
    assert (got["name"], got["ocpp_version"], got["location_id"]) == ("Bay 1", "OCPP2.0.1", location_id)
    for name in ("clash", "no_brand", "no_location"):
        check_error(answer[name], "BadRequestError", 400)
    check_error(answer["no_charger"], "NotFoundError", 404)
    check_invalid(answer["bad"], ["body", "ws_url"])


def check_error(answer: dict[str, Any], error: str, status: int) -> None:
    assert (answer["error"], answer["status"]) == (error, status)
    assert isinstance(answer["body"]["detail"], str)


def check_invalid(answer: dict[str, Any], loc: list[Any]) -> None:
    assert (answer["error"], answer["status"]) == ("UnprocessableEntityError", 422)
    assert [problem["loc"] for problem in answer["body"]["detail"]] == [loc]
