"""Jobs and their items in the admin."""

import pytest
from django.contrib.auth.models import Permission

from jobs.models import ProvisioningJob
from ocpplab.accounts.models import User
from tests.support.chargers import make_charger, make_location
from tests.support.jobs import claim, group, items, make_job, provision_all, reread, settle, started

pytestmark = pytest.mark.django_db

JOBS = "/admin/jobs/provisioningjob/"
ITEMS = "/admin/jobs/provisioningitem/"


@pytest.fixture
def page(client):
    client.force_login(User.objects.create(username="root", is_staff=True, is_superuser=True))
    return client


@pytest.fixture
def location(organization):
    return make_location(organization)


def member(client, organization, *permissions):
    user = User.objects.create(username="member", is_staff=True, organization=organization)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client.force_login(user)
    return client


def act(page, action, *jobs):
    data = {"action": action, "_selected_action": [str(job.pk) for job in jobs]}
    answer = page.post(JOBS, data, follow=True)
    assert answer.status_code == 200
    return [str(message) for message in answer.context["messages"]]


def text(answer):
    assert answer.status_code == 200
    return answer.content.decode()


def test_the_list_shows_how_far_each_job_is(page, location):
    make_charger(location.organization, identity="SITE_1")
    job = started(location, group("1", "2", "3"))
    provision_all(job)
    claim(job, count=1)
    assert "1 of 3 held, 1 waiting for a simulator, 1 failed" in text(page.get(JOBS))


def test_the_list_takes_the_same_few_queries_for_any_number(page, location, django_assert_num_queries):
    page.get(JOBS)
    for _ in range(2):
        for _ in range(5):
            started(location)
        with django_assert_num_queries(7):
            page.get(JOBS)


def test_the_list_does_not_read_the_groups(page, location, django_assert_max_num_queries):
    make_job(location, group(*[f"{number:05}" for number in range(10_000)]))
    with django_assert_max_num_queries(10):
        assert "09999" not in text(page.get(JOBS))


def test_the_page_of_a_job_stays_small_with_ten_thousand_ids(page, location):
    job = make_job(location, group(*[f"{number:05}" for number in range(10_000)]))
    shown = text(page.get(f"{JOBS}{job.pk}/change/"))
    assert "10000 of SITE_" in shown
    assert "00009, …" in shown
    assert len(shown) < 50_000


def test_the_items_of_a_job_are_listed_and_filtered(page, location):
    make_charger(location.organization, identity="SITE_1")
    job, other = started(location, group("1", "2")), started(location, group("9", prefix="B-"))
    provision_all(job)
    shown = text(page.get(f"{ITEMS}?job={job.pk}"))
    assert "SITE_1" in shown
    assert "identity_in_use" in shown
    assert items(job)[1].charger.public_id in shown
    assert "B-9" not in shown
    assert "SITE_2" not in text(page.get(f"{ITEMS}?job={job.pk}&status__exact=failed"))
    assert "B-9" in text(page.get(ITEMS))
    assert "B-9" not in text(page.get(f"{ITEMS}?job=nonsense"))
    assert page.get(f"{ITEMS}{items(other)[0].pk}/change/").status_code == 200


def test_the_items_take_the_same_few_queries_for_any_number(page, location, django_assert_num_queries):
    page.get(ITEMS)
    for size in (3, 90):
        job = started(location, group(number=size, prefix=f"N{size}-"))
        provision_all(job)
        with django_assert_num_queries(6):
            page.get(f"{ITEMS}?job={job.pk}")


def test_cancelling_and_retrying_go_through_the_services(page, location):
    running, waiting = started(location), make_job(location)
    assert act(page, "cancel", running, waiting) == ["2 job(s) cancelled."]
    assert {reread(running).status, reread(waiting).status} == {"FAILED"}
    assert act(page, "retry", running) == ["1 job(s) started again."]
    assert reread(running).status == "PROVISIONING"


def test_what_cannot_be_done_is_said(page, location):
    job = started(location, group("1"))
    provision_all(job)
    claim(job)
    settle(job)
    [message] = act(page, "cancel", job)
    assert "READY already" in message
    [message] = act(page, "retry", job)
    assert "nothing to retry" in message


def test_nobody_edits_jobs_or_items_by_hand(page, location):
    job = started(location)
    for address in (f"{JOBS}add/", f"{ITEMS}add/"):
        assert page.get(address).status_code == 403
    for address in (f"{JOBS}{job.pk}/", f"{ITEMS}{items(job)[0].pk}/"):
        assert page.post(f"{address}delete/", {"post": "yes"}).status_code == 403
        assert page.post(f"{address}change/", {}).status_code == 403
    assert ProvisioningJob.objects.count() == 1


def test_a_member_sees_the_jobs_of_the_own_organization_only(client, location, other_organization):
    theirs = started(make_location(other_organization), group("theirs"))
    mine = started(location, group("mine"))
    page = member(client, location.organization, "view_provisioningjob", "view_provisioningitem")
    assert [job.pk for job in page.get(JOBS).context["cl"].result_list] == [mine.pk]
    assert [item.identity for item in page.get(ITEMS).context["cl"].result_list] == ["SITE_mine"]
    assert list(page.get(f"{ITEMS}?job={theirs.pk}").context["cl"].result_list) == []
    assert page.get(f"{JOBS}{theirs.pk}/change/").status_code == 302


def test_looking_is_not_steering(client, location):
    job = started(location)
    page = member(client, location.organization, "view_provisioningjob")
    page.post(JOBS, {"action": "cancel", "_selected_action": [str(job.pk)]})
    assert reread(job).status == "PROVISIONING"


@pytest.mark.parametrize("search", ["Depot", "nothing"])
def test_jobs_can_be_searched(page, location, search):
    job = started(location)
    assert (str(job.pk) in text(page.get(f"{JOBS}?q={search}"))) == (search == "Depot")
    assert str(job.pk) in text(page.get(f"{JOBS}?q={job.pk}"))
