"""How many chargers and unfinished jobs an organization may have, whichever way they come, also two at a time."""

import json

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from chargers.errors import ChargerLimitReached
from chargers.models import Charger
from chargers.services.importing import chargers_import
from chargers.services.provisioning import NewCharger, charger_create
from jobs.errors import OpenJobLimitReached
from jobs.models import ProvisioningItem, ProvisioningJob
from jobs.services import charger_request, job_cancel, job_retry_failed
from ocpplab.accounts.models import Organization, User
from ocpplab.accounts.selectors import Limits, limits_of
from ocpplab.common.errors import DomainError
from tests.support.chargers import WS_URL, make_chargers, make_location, make_model, snapshot
from tests.support.jobs import claim, empty_broker, group, items, make_job, provision_all, settle, started
from tests.support.races import Elsewhere, all_at_once

pytestmark = pytest.mark.django_db


@pytest.fixture
def location(organization):
    empty_broker()
    make_model()
    return make_location(organization)


def limit(organization, **limits):
    Organization.objects.filter(pk=organization.pk).update(**limits)


def new_charger(organization, identity="CP-1"):
    return NewCharger(
        organization_id=organization.id,
        identity=identity,
        model_id=make_model().id,
        connector_type="Type2",
        ocpp_version="OCPP1.6",
        ws_url=WS_URL,
    )


def bulk(number):
    template = {"brand_slug": "acme", "model_slug": "pulse-22", "connector_type": "Type2", "ws_url": WS_URL}
    return [{"template": template | {"identity_prefix": "P"}, "chargers_number": number}]


def the_problem(answer):
    assert answer.status_code == 422, answer.content
    [entry] = answer.json()["detail"]
    return entry


# --- whose limits ---


def test_an_organization_without_limits_of_its_own_has_those_of_the_settings(organization):
    assert limits_of(organization) == Limits(
        settings.LIMIT_CHARGERS, settings.LIMIT_OPEN_JOBS, settings.LIMIT_REQUESTS_PER_MINUTE
    )
    assert settings.LIMIT_CHARGERS >= 10_000, "tens of thousands are what the lab is for"


def test_its_own_limits_win_and_zero_is_none(organization):
    organization.max_chargers, organization.max_open_jobs = 7, 0
    assert limits_of(organization) == Limits(7, 0, settings.LIMIT_REQUESTS_PER_MINUTE)


def test_people_of_an_organization_cannot_raise_its_limits(client, organization):
    limit(organization, max_chargers=5)
    member = User.objects.create(username="member", is_staff=True, is_superuser=True, organization=organization)
    client.force_login(member)
    page = f"/admin/accounts/organization/{organization.pk}/change/"
    client.post(page, {"name": "New name", "max_chargers": "500"})
    organization.refresh_from_db()
    assert (organization.name, organization.max_chargers) == ("New name", 5)
    client.force_login(User.objects.create(username="root", is_staff=True, is_superuser=True))
    client.post(page, {"name": "New name", "max_chargers": "500", "max_open_jobs": "", "max_requests_per_minute": "0"})
    organization.refresh_from_db()
    limits = (organization.max_chargers, organization.max_open_jobs, organization.max_requests_per_minute)
    assert limits == (500, None, 0)


# --- chargers ---


def test_a_bulk_create_up_to_the_limit_is_taken_and_one_more_is_not(api, location, organization):
    limit(organization, max_chargers=10)
    make_chargers(organization, 4)
    path = f"/ocpp/locations/{location.id}/chargers"
    assert api.post(path, bulk(6)).status_code == 202
    entry = the_problem(api.post(path, bulk(1)))
    assert (entry["loc"], entry["type"]) == (["body"], "charger_limit_reached")
    assert entry["ctx"] == {"limit": 10, "present": 10, "asked": 1}
    assert "ask for at most 0" in entry["msg"]
    assert ProvisioningJob.objects.count() == 1


def test_a_single_create_obeys_and_leaves_nothing_behind(api, location, organization):
    limit(organization, max_chargers=1)
    asked = {"brand_slug": "acme", "model_slug": "pulse-22", "connector_type": "Type2", "ws_url": WS_URL}
    assert api.post("/ocpp/chargers", asked | {"identity": "A"}).status_code == 202
    entry = the_problem(api.post("/ocpp/chargers", asked | {"identity": "B"}))
    assert entry["ctx"] == {"limit": 1, "present": 1, "asked": 1}
    assert (Charger.objects.count(), ProvisioningJob.objects.count(), ProvisioningItem.objects.count()) == (1, 1, 1)


def test_a_repeated_request_is_answered_although_the_limit_is_reached(location, organization):
    limit(organization, max_chargers=3, max_open_jobs=1)
    first = make_job(location, group(number=3), idempotency_key="k")
    assert make_job(location, group(number=3), idempotency_key="k") == first


@pytest.mark.parametrize("stage", ["accepted", "unfolded", "provisioned", "ready"])
def test_a_charger_of_a_job_counts_once_at_every_stage_of_it(location, organization, stage):
    limit(organization, max_chargers=5)
    job = make_job(location, group(number=3)) if stage == "accepted" else started(location, group(number=3))
    if stage in {"provisioned", "ready"}:
        provision_all(job)
    if stage == "ready":
        claim(job)
        settle(job)
    with pytest.raises(ChargerLimitReached, match=r"It has 3, .* ask for at most 2"):
        make_job(location, group(number=3))
    make_job(location, group(number=2))


def test_chargers_that_a_job_will_not_make_any_more_do_not_count(location, organization):
    limit(organization, max_chargers=5)
    job = started(location, group(number=5))
    job_cancel(job_id=job.id)
    make_job(location, group(number=5))


def test_a_retry_obeys(location, organization):
    limit(organization, max_chargers=5)
    job = started(location, group(number=5))
    job_cancel(job_id=job.id)
    make_chargers(organization, 1)
    before = [item.status for item in items(job)]
    with pytest.raises(ChargerLimitReached, match=r"It has 1, .* and 5 more"):
        job_retry_failed(job_id=job.id)
    assert [item.status for item in items(job)] == before
    Charger.objects.all().delete()
    assert job_retry_failed(job_id=job.id) == 5


def test_an_import_obeys_as_a_whole_and_a_dry_run_tells(organization, tmp_path):
    limit(organization, max_chargers=3)
    make_model()
    make_chargers(organization, 1)
    before = snapshot()
    row = {"brand_slug": "acme", "model_slug": "pulse-22", "connector_type": "Type2", "ws_url": "ws://csms.test"}
    path = tmp_path / "chargers.json"
    path.write_text(json.dumps([row | {"identity": f"CP-{number}"} for number in range(3)]))
    for dry_run in (False, True):
        with pytest.raises(CommandError, match=r"may have 3 chargers. It has 1, .* Nothing was imported"):
            call_command("import_chargers", path, organization="Test Org", dry_run=dry_run)
        assert snapshot() == before
    limit(organization, max_chargers=4)
    assert chargers_import(organization=organization, path=path).created == 3
    assert chargers_import(organization=organization, path=path).unchanged == 3, "what is there needs no room"


def test_the_admin_obeys(client, organization):
    limit(organization, max_chargers=1)
    make_chargers(organization, 1)
    client.force_login(User.objects.create(username="root", is_staff=True, is_superuser=True))
    form = {"organization": organization.pk, "identity": "NEW", "model": make_model().pk, "connector_type": "CCS2"}
    form |= {"name": "", "location": "", "location_name": "", "ws_url": WS_URL, "ocpp_version": "OCPP1.6"}
    form |= {"message_log": "all"}
    answer = client.post("/admin/chargers/charger/add/", form, follow=True)
    assert "may have 1 chargers" in answer.content.decode()
    assert Charger.objects.count() == 1


def test_other_organizations_have_their_own_room(organization, other_organization):
    limit(organization, max_chargers=1)
    make_chargers(organization, 1)
    make_chargers(other_organization, 5)
    with pytest.raises(ChargerLimitReached):
        charger_create(new=new_charger(organization))
    charger_create(new=new_charger(other_organization))


def test_without_a_limit_nothing_is_counted(organization, django_assert_num_queries):
    limit(organization, max_chargers=0)
    make_model()
    new = new_charger(organization)
    with django_assert_num_queries(4):  # the insert between two savepoints, and the limits
        charger_create(new=new)


# --- jobs ---


def test_one_job_more_than_may_be_open_is_429_and_can_be_asked_for_later(api, location, organization):
    limit(organization, max_open_jobs=1)
    path = f"/ocpp/locations/{location.id}/chargers"
    assert api.post(path, bulk(1)).status_code == 202
    answer = api.post(path, bulk(1))
    assert (answer.status_code, answer.json()["code"]) == (429, "open_job_limit_reached")
    assert "may have 1 unfinished jobs at a time, and has 1" in answer.json()["detail"]
    assert int(answer["Retry-After"]) > 0
    assert ProvisioningJob.objects.count() == 1
    job_cancel(job_id=ProvisioningJob.objects.get().id)
    assert api.post(path, bulk(1)).status_code == 202


def test_a_retry_opens_a_job_again_and_obeys_too(location, organization):
    limit(organization, max_open_jobs=1)
    job = started(location, group(number=1))
    job_cancel(job_id=job.id)
    make_job(location, group(number=1))
    with pytest.raises(OpenJobLimitReached):
        job_retry_failed(job_id=job.id)
    assert ProvisioningJob.objects.get(pk=job.id).status == "FAILED"


# --- two at a time ---


def attempt(work):
    try:
        work()
    except DomainError as error:
        return error.code
    return "taken"


@pytest.mark.django_db(transaction=True)
def test_of_many_who_ask_for_the_last_place_at_once_one_gets_it(location, organization):
    limit(organization, max_chargers=5)
    make_chargers(organization, 3)
    asking = [lambda: attempt(lambda: make_job(location, group(number=1)))] * 2
    asking += [
        lambda number=number: attempt(
            lambda: charger_request(organization=organization, new=new_charger(organization, f"S-{number}"))
        )
        for number in range(2)
    ]
    asking += [
        lambda number=number: attempt(lambda: charger_create(new=new_charger(organization, f"C-{number}")))
        for number in range(2)
    ]
    outcomes = all_at_once(*asking)
    assert sorted(outcomes) == ["charger_limit_reached"] * 4 + ["taken"] * 2


@pytest.mark.django_db(transaction=True)
def test_of_two_who_ask_for_the_last_job_at_once_one_gets_it(location, organization):
    limit(organization, max_open_jobs=1)
    outcomes = all_at_once(*[lambda: attempt(lambda: make_job(location, group(number=1)))] * 2)
    assert sorted(outcomes) == ["open_job_limit_reached", "taken"]


@pytest.mark.django_db(transaction=True)
def test_while_workers_make_the_chargers_of_a_job_none_counts_twice_and_none_is_missed(location, organization):
    limit(organization, max_chargers=41)
    job = started(location, group(number=40))
    worker = Elsewhere(lambda: provision_all(job))
    refused = [attempt(lambda: make_job(location, group(number=2))) for _ in range(20)]
    worker.result()
    assert set(refused) == {"charger_limit_reached"}, "two more never fit"
    assert attempt(lambda: make_job(location, group(number=1))) == "taken"
