"""The official SDK at an organization's limits, and while the lab is stopped."""

import pytest

from chargers.services.stopping import lab_resume, lab_stop
from jobs.models import ProvisioningJob
from ocpplab.accounts.models import Organization
from tests.sdk.conftest import Sdk
from tests.support.chargers import make_location, make_model

pytestmark = pytest.mark.system


def limit(organization: Organization, **limits: int) -> None:
    Organization.objects.filter(pk=organization.pk).update(**limits)


def test_the_sdk_raises_what_belongs_to_each_limit(sdk: Sdk, user_token: str, organization: Organization) -> None:
    make_model()
    limit(organization, max_chargers=10, max_open_jobs=1)
    answer = sdk("limits", token=user_token, what="limited", location_id=make_location(organization).id)
    too_many, second = answer["too_many"], answer["second"]
    assert (too_many["error"], too_many["status"]) == ("UnprocessableEntityError", 422)
    assert [problem["type"] for problem in too_many["body"]["detail"]] == ["charger_limit_reached"]
    assert answer["first"]["status"] in {"PENDING", "PROVISIONING"}
    assert (second["error"], second["status"], second["waited"]) == ("ApiError", 429, True)
    assert second["body"]["code"] == "open_job_limit_reached"
    assert ProvisioningJob.objects.count() == 1


def test_the_sdk_waits_as_long_as_it_is_told_and_goes_on(sdk: Sdk, user_token: str, organization: Organization) -> None:
    limit(organization, max_requests_per_minute=60)
    assert sdk("limits", token=user_token, what="hurried") == {"waited": True}


def test_the_sdk_learns_that_the_lab_is_stopped(sdk: Sdk, user_token: str, organization: Organization) -> None:
    make_model()
    location = make_location(organization)
    lab_stop(by="test", reason="smoke")
    answer = sdk("limits", token=user_token, what="stopped", location_id=location.id)
    bulk = answer["bulk"]
    assert (bulk["error"], bulk["status"], bulk["waited"]) == ("ServiceUnavailableError", 503, True)
    assert (bulk["body"]["code"], "smoke" in bulk["body"]["detail"]) == ("lab_stopped", True)
    assert answer["listed"]["total"] == 0
    assert ProvisioningJob.objects.count() == 0
    lab_resume(by="test")
