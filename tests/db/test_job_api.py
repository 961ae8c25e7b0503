"""The routes of jobs: create, status, poll, list, cancel, retry."""

import re
import uuid

import pytest
from django.utils import timezone

from chargers.models import Charger
from jobs.models import ProvisioningItem, ProvisioningJob
from jobs.services import job_start
from tests.conftest import client_of
from tests.support.chargers import WS_URL, make_charger, make_location, make_model
from tests.support.jobs import claim, group, items, make_job, provision_all, settle, started

pytestmark = pytest.mark.django_db

TEMPLATE = {
    "brand_slug": "acme",
    "model_slug": "pulse-22",
    "connector_type": "CCS2",
    "ws_url": "wss://ocpp.ocpplab.com",
    "ocpp_version": "OCPP1.6",
    "identity_prefix": "SITE_A_",
    "template_name": "Charger",
}
SINGLE = {
    "identity": "LIN-AC-01",
    "brand_slug": "acme",
    "model_slug": "pulse-22",
    "connector_type": "Type2",
    "ws_url": "ws://csms.local:9000/ocpp",
}


@pytest.fixture
def location(organization):
    make_model()
    return make_location(organization)


def url(location, tail=""):
    return f"/ocpp/locations/{location.id}/chargers{tail}"


def post(api, location, *groups, **headers):
    return api.post(url(location), list(groups), **headers)


def bulk(ids=None, number=None, **template):
    entry = {"template": {key: value for key, value in {**TEMPLATE, **template}.items() if value is not ...}}
    return (
        entry | ({} if ids is None else {"charger_ids": ids}) | ({} if number is None else {"chargers_number": number})
    )


def problem(answer):
    assert answer.status_code == 422, answer.content
    [entry] = answer.json()["detail"]
    return entry["loc"], entry["msg"]


def nothing_written():
    return (
        not ProvisioningJob.objects.exists() and not Charger.objects.exists() and not ProvisioningItem.objects.exists()
    )


# --- bulk create -------------------------------------------------------------------------------------------------


def test_it_accepts_the_published_example(api, location):
    answer = post(api, location, bulk(["001", "002"], 5))
    assert answer.status_code == 202
    body = answer.json()
    job = ProvisioningJob.objects.get()
    assert body == {
        "job_id": str(job.id),
        "status": "PENDING",
        "workflow_run_id": job.workflow_run_id,
        "status_url": f"{url(location)}/jobs/{job.id}",
    }
    job_start(job_id=job.id)
    identities = [item.identity for item in items(job)]
    assert identities[:2] == ["SITE_A_001", "SITE_A_002"]
    assert all(re.fullmatch(r"SITE_A_[0-9a-f]{8}", identity) for identity in identities[2:])
    assert len(identities) == 5
    assert items(job)[0].name == "Charger 001"


def test_only_the_job_is_written_before_the_answer(api, location):
    post(api, location, bulk(number=10_000))
    assert (ProvisioningJob.objects.count(), ProvisioningItem.objects.count(), Charger.objects.count()) == (1, 0, 0)


def test_optional_values_may_be_null_or_absent(api, location):
    template = {"ocpp_version": None, "identity_prefix": None, "template_name": None}
    answer = post(api, location, {**bulk(["A"], **template), "chargers_number": None})
    assert answer.status_code == 202, answer.content
    answer = post(api, location, {**bulk(number=1, **dict.fromkeys(template, ...)), "charger_ids": None})
    assert answer.status_code == 202, answer.content
    jobs = list(ProvisioningJob.objects.order_by("created_at"))
    assert [job.groups[0]["ocpp_version"] for job in jobs] == ["OCPP1.6"] * 2
    assert [(job.groups[0]["prefix"], job.groups[0]["name"]) for job in jobs] == [("", None)] * 2


def test_it_keeps_what_the_log_shall_keep(api, location):
    assert post(api, location, bulk(number=1, message_log="transactions")).status_code == 202
    assert post(api, location, bulk(number=1)).status_code == 202
    assert post(api, location, bulk(number=1, message_log="less")).status_code == 422
    jobs = ProvisioningJob.objects.order_by("created_at")
    assert [job.groups[0]["message_log"] for job in jobs] == ["transactions", "all"]


@pytest.mark.parametrize("spelling", ["ocpp2.0.1", "OCPP2.0.1", "Ocpp2.0.1"])
def test_it_takes_both_spellings_of_the_version(api, location, spelling):
    assert post(api, location, bulk(number=1, ocpp_version=spelling)).status_code == 202
    assert ProvisioningJob.objects.get().groups[0]["ocpp_version"] == "OCPP2.0.1"


@pytest.mark.parametrize(
    ("entry", "loc", "says"),
    [
        (bulk(), [0, "chargers_number"], "charger_ids, or both"),
        (bulk([]), [0, "chargers_number"], "charger_ids, or both"),
        (bulk(number=0), [0, "chargers_number"], "greater than or equal to 1"),
        (bulk(number=-3), [0, "chargers_number"], "greater than or equal to 1"),
        (bulk(["1"], number=0), [0, "chargers_number"], "greater than or equal to 1"),
        (bulk(number=1.5), [0, "chargers_number"], "integer"),
        (bulk(number="5"), [0, "chargers_number"], "integer"),
        (bulk(number=True), [0, "chargers_number"], "integer"),
        (bulk(number=10_001), [0, "chargers_number"], "10000 chargers at most"),
        (bulk(number=10**30), [0, "chargers_number"], "10000 chargers at most"),
        (bulk([str(n) for n in range(10_001)]), [0, "charger_ids"], "10000 chargers at most"),
        (bulk([str(n) for n in range(10_001)], 5), [0, "charger_ids"], "10000 ids at most"),
        (bulk(["1", "2", "1"]), [0, "charger_ids", 2], "twice"),
        (bulk(["1", 2]), [0, "charger_ids", 1], "string"),
        (bulk(["1", None]), [0, "charger_ids", 1], "null"),
        (bulk(["1", ""]), [0, "charger_ids", 1], "blank"),
        (bulk("001"), [0, "charger_ids"], "array"),
        (bulk({"a": 1}), [0, "charger_ids"], "array"),
        (bulk(["x" * 42]), [0, "charger_ids", 0], "at most 48"),
        (bulk(["a\u0000b"]), [0, "charger_ids", 0], ""),
        (bulk(["a\nb"]), [0, "charger_ids", 0], "control"),
        (bulk(["a "]), [0, "charger_ids", 0], "space"),
        (bulk(number=2, identity_prefix="x" * 41), [0, "template", "identity_prefix"], "at most 48"),
        (bulk(number=2, identity_prefix="x" * 49), [0, "template", "identity_prefix"], "48"),
        (bulk(number=2, identity_prefix=" x"), [0, "template", "identity_prefix"], "space"),
        (bulk(number=1, ws_url="http://csms.test"), [0, "template", "ws_url"], "ws:// or wss://"),
        (bulk(number=1, ws_url="wss://user:pw@csms.test"), [0, "template", "ws_url"], "password"),
        (bulk(number=1, ws_url="wss://csms.test/#x"), [0, "template", "ws_url"], "fragment"),
        (bulk(number=1, ws_url=...), [0, "template", "ws_url"], "required"),
        (bulk(number=1, ws_url=None), [0, "template", "ws_url"], "null"),
        (bulk(number=1, connector_type="Schuko9"), [0, "template", "connector_type"], "CCS2"),
        (bulk(number=1, ocpp_version="OCPP1.5"), [0, "template", "ocpp_version"], "OCPP1.6"),
        (bulk(number=1, brand_slug="nobody"), [0, "template", "brand_slug"], "no brand 'nobody'"),
        (bulk(number=1, model_slug="nothing"), [0, "template", "model_slug"], "no model 'nothing'"),
        (bulk(number=1, model_slug=7), [0, "template", "model_slug"], "string"),
        ({"chargers_number": 1}, [0, "template"], "required"),
        ({"template": None, "chargers_number": 1}, [0, "template"], "null"),
        ({"template": [], "chargers_number": 1}, [0, "template"], "object"),
        ("nonsense", [0], "object"),
        (None, [0], ""),
    ],
)
def test_it_refuses_a_bad_group_and_names_the_path(api, location, entry, loc, says):
    where, message = problem(post(api, location, entry))
    assert where == ["body", *loc]
    assert says in message
    assert nothing_written()


@pytest.mark.parametrize("body", [{}, "x", 7, None, [], {"template": TEMPLATE, "chargers_number": 1}])
def test_it_refuses_a_body_that_is_no_list_of_groups(api, location, body):
    where, _ = problem(api.post(url(location), body))
    assert where == ["body"]
    assert nothing_written()


def test_it_names_the_group_that_is_wrong(api, location):
    where, _ = problem(post(api, location, bulk(["1"]), bulk(number=1, ws_url="nope")))
    assert where == ["body", 1, "template", "ws_url"]
    where, _ = problem(post(api, location, bulk(["1"]), bulk(number=1, model_slug="nope")))
    assert where == ["body", 1, "template", "model_slug"]


def test_an_id_given_twice_in_two_groups_is_refused_only_at_the_same_csms(api, location):
    where, message = problem(post(api, location, bulk(["1"]), bulk(["2", "1"])))
    assert where == ["body", 1, "charger_ids", 1]
    assert "'SITE_A_1' is given twice" in message
    assert post(api, location, bulk(["1"]), bulk(["1"], ws_url="ws://elsewhere.test")).status_code == 202
    assert post(api, location, bulk(["1"]), bulk(["1"], identity_prefix="B-")).status_code == 202


def test_the_limit_counts_all_groups_together(api, location, settings):
    settings.BULK_MAX_CHARGERS = 10
    where, message = problem(post(api, location, bulk(number=6), bulk(number=5)))
    assert where == ["body", 1, "chargers_number"]
    assert "11" in message
    assert post(api, location, bulk(number=6), bulk(number=4, identity_prefix="B-")).status_code == 202


def test_it_reports_many_problems_but_not_thousands(api, location):
    answer = post(api, location, bulk(["a\tb"] * 500))
    assert answer.status_code == 422
    assert 1 < len(answer.json()["detail"]) <= 50


@pytest.mark.parametrize("location_id", ["0b0c4b1e-8c2a-4f0e-9d53-6a1f0f3b7711", "nonsense", "%00"])
def test_an_unknown_location_is_not_found(api, location, location_id):
    answer = api.post(f"/ocpp/locations/{location_id}/chargers", [bulk(number=1)])
    assert answer.status_code == 404
    assert isinstance(answer.json()["detail"], str)
    assert nothing_written()


def test_a_location_of_others_is_not_found(other_api, location):
    assert post(other_api, location, bulk(number=1)).status_code == 404
    assert nothing_written()


def test_without_a_token_nothing_happens(anonymous_api, location):
    assert post(anonymous_api, location, bulk(number=1)).status_code == 401
    assert anonymous_api.post("/ocpp/chargers", SINGLE).status_code == 401
    assert nothing_written()


def test_a_repeated_key_returns_the_first_job(api, location):
    first = post(api, location, bulk(number=3), HTTP_IDEMPOTENCY_KEY="abc")
    again = post(api, location, bulk(number=3), HTTP_IDEMPOTENCY_KEY="abc")
    assert (again.status_code, again.json()) == (202, first.json())
    assert ProvisioningJob.objects.count() == 1


def test_a_key_with_another_body_is_refused(api, location):
    post(api, location, bulk(number=3), HTTP_IDEMPOTENCY_KEY="abc")
    where, message = problem(post(api, location, bulk(number=4), HTTP_IDEMPOTENCY_KEY="abc"))
    assert where == ["header", "Idempotency-Key"]
    assert "another request" in message
    where, _ = problem(post(api, location, bulk(number=4), HTTP_IDEMPOTENCY_KEY="x" * 256))
    assert where == ["header", "Idempotency-Key"]
    assert ProvisioningJob.objects.count() == 1


# --- single create -----------------------------------------------------------------------------------------------


def test_a_single_create_writes_the_charger_and_its_job(api, location):
    answer = api.post("/ocpp/chargers", SINGLE | {"charge_point_name": "Bay 1", "location_id": str(location.id)})
    assert answer.status_code == 202, answer.content
    charger = Charger.objects.get()
    job = ProvisioningJob.objects.get()
    assert answer.json() == {
        "charger_id": charger.public_id,
        "identity": "LIN-AC-01",
        "status": "PENDING",
        "workflow_run_id": job.workflow_run_id,
        "status_url": f"/ocpp/chargers/{charger.public_id}/status",
    }
    assert (charger.name, charger.location, charger.wanted) == ("Bay 1", location, True)
    assert (job.kind, job.total, items(job)[0].charger) == ("charger", 1, charger)


def test_its_status_goes_from_pending_to_ready(api, location):
    charger_id = api.post("/ocpp/chargers", SINGLE).json()["charger_id"]

    def status():
        return api.get(f"/ocpp/chargers/{charger_id}/status").json()

    job = ProvisioningJob.objects.get()
    assert status() == {
        "charger_id": charger_id,
        "status": "PENDING",
        "workflow_run_id": job.workflow_run_id,
        "error": None,
        "provisioned_at": None,
    }
    job_start(job_id=job.id)
    provision_all(job)
    assert status()["status"] == "PROVISIONING"
    claim(job)
    assert settle(job).status == "READY"
    assert status()["status"] == "READY"
    assert status()["provisioned_at"].endswith("Z")


def test_a_charger_that_nobody_hosts_is_failed_with_a_reason(api, location):
    charger_id = api.post("/ocpp/chargers", SINGLE).json()["charger_id"]
    job = ProvisioningJob.objects.get()
    job_start(job_id=job.id)
    provision_all(job)
    settle(job)
    ProvisioningJob.objects.update(deadline_at=timezone.now())
    assert settle(job).status == "FAILED"
    body = api.get(f"/ocpp/chargers/{charger_id}/status").json()
    assert (body["status"], body["error"]["code"], body["error"]["retryable"]) == ("FAILED", "not_hosted", True)
    assert api.post(f"/ocpp/jobs/{job.id}/retry").status_code == 202
    provision_all(job)
    claim(job)
    assert settle(job).status == "READY"
    assert api.get(f"/ocpp/chargers/{charger_id}/status").json()["status"] == "READY"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"brand_slug": "nobody"}, "no brand"),
        ({"model_slug": "nothing"}, "no model"),
        ({"location_id": "0b0c4b1e-8c2a-4f0e-9d53-6a1f0f3b7711"}, "no location"),
        ({"location_id": "nonsense"}, "no location"),
    ],
)
def test_an_unknown_slug_or_location_is_a_bad_request(api, location, change, says):
    answer = api.post("/ocpp/chargers", SINGLE | change)
    assert answer.status_code == 400
    assert says in answer.json()["detail"]
    assert nothing_written()


def test_an_identity_in_use_is_a_bad_request_and_leaves_no_job(api, location, organization):
    make_charger(organization, identity="LIN-AC-01", ws_url=SINGLE["ws_url"])
    answer = api.post("/ocpp/chargers", SINGLE)
    assert answer.status_code == 400
    assert (answer.json()["code"], "in use" in answer.json()["detail"]) == ("identity_in_use", True)
    assert not ProvisioningJob.objects.exists()
    assert Charger.objects.count() == 1


def test_the_location_of_others_is_unknown(api, location, other_organization):
    theirs = make_location(other_organization)
    assert api.post("/ocpp/chargers", SINGLE | {"location_id": str(theirs.id)}).status_code == 400
    assert nothing_written()


@pytest.mark.parametrize(
    ("change", "loc"),
    [
        ({"identity": ""}, "identity"),
        ({"identity": None}, "identity"),
        ({"identity": 7}, "identity"),
        ({"identity": "x" * 49}, "identity"),
        ({"identity": " x"}, "identity"),
        ({"ws_url": "https://x.test"}, "ws_url"),
        ({"connector_type": "Plug"}, "connector_type"),
        ({"ocpp_version": "2"}, "ocpp_version"),
        ({"charge_point_name": "x" * 201}, "charge_point_name"),
        ({"brand_slug": None}, "brand_slug"),
    ],
)
def test_a_bad_value_of_a_single_create_is_named(api, location, change, loc):
    where, _ = problem(api.post("/ocpp/chargers", SINGLE | change))
    assert where == ["body", loc]
    assert nothing_written()


def test_a_repeated_key_returns_the_first_charger(api, location):
    first = api.post("/ocpp/chargers", SINGLE, HTTP_IDEMPOTENCY_KEY="k")
    assert api.post("/ocpp/chargers", SINGLE, HTTP_IDEMPOTENCY_KEY="k").json() == first.json()
    assert api.post("/ocpp/chargers", SINGLE | {"identity": "B"}, HTTP_IDEMPOTENCY_KEY="k").status_code == 422
    assert Charger.objects.count() == 1


def test_a_charger_without_a_job_has_a_status_too(api, organization):
    charger = make_charger(organization)
    body = api.get(f"/ocpp/chargers/{charger.public_id}/status").json()
    assert (body["status"], body["workflow_run_id"]) == ("PROVISIONING", None)


def test_the_status_of_others_is_not_found(other_api, api, location):
    charger_id = api.post("/ocpp/chargers", SINGLE).json()["charger_id"]
    assert other_api.get(f"/ocpp/chargers/{charger_id}/status").status_code == 404
    assert api.get("/ocpp/chargers/dep-000000000000/status").status_code == 404


# --- poll, list, cancel, retry -----------------------------------------------------------------------------------


def test_the_poll_shows_progress_and_then_results(api, location):
    make_charger(location.organization, identity="SITE_2")
    job = make_job(location, group("1", "2", "3"))
    where = f"{url(location)}/jobs/{job.id}"
    body = api.get(where).json()
    assert (body["status"], body["results"], body["error"]) == ("PENDING", None, None)
    assert body["progress"] == {"total": 3, "created": 0, "hosted": 0, "online": 0, "failed": 0}
    job_start(job_id=job.id)
    provision_all(job)
    claim(job, count=1)
    assert api.get(where).json()["progress"] == {"total": 3, "created": 2, "hosted": 1, "online": 0, "failed": 1}
    claim(job)
    settle(job)
    body = api.get(where).json()
    assert (body["job_id"], body["job_type"], body["status"]) == (str(job.id), "location_chargers", "READY")
    assert "progress" not in body
    assert body["provisioned_at"].endswith("Z")
    results = body["results"]
    assert (results["created_count"], results["failed_count"]) == (2, 1)
    assert [charger["identity"] for charger in results["created"]] == ["SITE_1", "SITE_3"]
    assert results["created"][0] == api.get(f"/ocpp/chargers/{results['created'][0]['id']}").json()
    [failed] = results["failed"]
    assert (failed["identity"], failed["code"], failed["retryable"]) == ("SITE_2", "identity_in_use", False)


def test_a_failed_job_says_why(api, location):
    make_charger(location.organization, identity="SITE_1")
    job = started(location, group("1"))
    provision_all(job)
    settle(job)
    body = api.get(f"{url(location)}/jobs/{job.id}").json()
    assert (body["status"], body["provisioned_at"]) == ("FAILED", None)
    assert (body["error"]["code"], body["error"]["retryable"]) == ("identity_in_use", False)
    assert body["results"]["failed_count"] == 1


def test_the_results_take_the_same_number_of_queries_for_any_size(api, location, django_assert_num_queries):
    for size in (2, 80):
        job = started(location, group(number=size, prefix=f"N{size}-"))
        provision_all(job)
        claim(job)
        settle(job)
        with django_assert_num_queries(8):
            body = api.get(f"{url(location)}/jobs/{job.id}").json()
        assert body["results"]["created_count"] == size


def test_a_job_of_another_location_or_organization_is_not_found(api, other_api, location):
    job = make_job(location)
    elsewhere = make_location(location.organization)
    assert api.get(f"{url(elsewhere)}/jobs/{job.id}").status_code == 404
    assert other_api.get(f"{url(location)}/jobs/{job.id}").status_code == 404
    assert other_api.get(f"/ocpp/jobs/{job.id}").status_code == 404
    assert other_api.post(f"/ocpp/jobs/{job.id}/cancel").status_code == 404
    assert api.get(f"{url(location)}/jobs/nonsense").status_code == 404
    assert api.get(f"/ocpp/jobs/{uuid.uuid4()}").status_code == 404


def test_it_lists_jobs_newest_first_and_filters_them(api, location, other_organization):
    make_job(make_location(other_organization))
    elsewhere = make_location(location.organization)
    jobs = [make_job(location), started(location), make_job(elsewhere)]

    def listed(**query):
        body = api.get("/ocpp/jobs", query).json()
        return body["total"], [row["job_id"] for row in body["data"]]

    ids = [str(job.id) for job in jobs]
    assert listed() == (3, ids[::-1])
    assert listed(status="PROVISIONING") == (1, [ids[1]])
    assert listed(location_id=str(elsewhere.id)) == (1, [ids[2]])
    assert listed(location_id="nonsense") == (0, [])
    assert listed(limit=1, page=2) == (3, [ids[1]])
    assert api.get("/ocpp/jobs", {"status": "nope"}).status_code == 422
    assert api.get("/ocpp/jobs", {"limit": 101}).status_code == 422
    [row] = api.get("/ocpp/jobs", {"status": "PROVISIONING"}).json()["data"]
    assert row["progress"]["total"] == 5


def test_the_list_takes_the_same_number_of_queries_for_any_length(api, location, django_assert_num_queries):
    for _ in range(2):
        for _ in range(4):
            started(location)
        with django_assert_num_queries(4):
            api.get("/ocpp/jobs")


def test_cancelling_answers_with_the_end_of_the_job(api, location):
    job = started(location)
    body = api.post(f"{url(location)}/jobs/{job.id}/cancel").json()
    assert (body["status"], body["error"]["code"], body["results"]["failed_count"]) == ("FAILED", "cancelled", 5)
    answer = api.post(f"/ocpp/jobs/{job.id}/cancel")
    assert (answer.status_code, answer.json()["code"]) == (400, "job_finished")


def test_retrying_answers_with_the_running_job(api, location):
    job = started(location)
    assert api.post(f"/ocpp/jobs/{job.id}/retry").json()["code"] == "job_running"
    api.post(f"/ocpp/jobs/{job.id}/cancel")
    answer = api.post(f"{url(location)}/jobs/{job.id}/retry")
    assert (answer.status_code, answer.json()["status"]) == (202, "PROVISIONING")
    provision_all(job)
    claim(job)
    settle(job)
    answer = api.post(f"/ocpp/jobs/{job.id}/retry")
    assert (answer.status_code, answer.json()["code"]) == (400, "nothing_to_retry")


def test_an_admin_token_must_name_the_organization(admin_token, location):
    admin = client_of(admin_token)
    assert admin.get("/ocpp/jobs").status_code == 403
    named = {"HTTP_X_ORGANIZATION_ID": str(location.organization_id)}
    assert post(admin, location, bulk(number=1), **named).status_code == 202
    assert admin.get("/ocpp/jobs", **named).json()["total"] == 1


def test_a_charger_keeps_the_address_without_a_double_slash(api, location):
    post(api, location, bulk(["1"], ws_url=f"{WS_URL}/"))
    assert ProvisioningJob.objects.get().groups[0]["ws_url"] == WS_URL
