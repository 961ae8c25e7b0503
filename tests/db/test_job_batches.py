"""The calls of one message, done together: each has its own outcome all the same."""

import pytest

from chargers.models import Charger
from jobs.models import ProvisioningItem
from jobs.services import Outcome, item_provision, items_provision, job_cancel, job_retry_failed
from tests.support.chargers import make_charger, make_location
from tests.support.jobs import empty_broker, group, items, started, unfolded

pytestmark = pytest.mark.django_db


@pytest.fixture
def location(organization):
    empty_broker()
    return make_location(organization)


def ids(job):
    return [item.id for item in items(job)]


def test_they_create_a_charger_for_each_item_as_single_calls_do(location):
    together, one_by_one = started(location, group(number=5)), started(location, group(number=5))
    assert items_provision(item_ids=ids(together)) == dict.fromkeys(ids(together), Outcome.CREATED)
    for item_id in ids(one_by_one):
        item_provision(item_id=item_id)
    own = {"id", "public_id", "created_at", "updated_at", "identity", "name"}
    columns = [field.attname for field in Charger._meta.concrete_fields if field.attname not in own]
    rows = [
        list(Charger.objects.filter(items__job=job).order_by("id").values(*columns)) for job in (together, one_by_one)
    ]
    assert rows[0] == rows[1]
    assert [row["turn"] for row in rows[0]] == [0, 1, 2, 3, 4]
    for job in (together, one_by_one):
        assert {
            (item.status, item.charger.identity == item.identity, item.charger.name == item.name) for item in items(job)
        } == {("created", True, True)}


def test_their_statements_do_not_grow_with_their_number(location, django_assert_max_num_queries):
    job = started(location, group(number=200))
    items_provision(item_ids=ids(job)[:1])  # reads what the job's items share
    with django_assert_max_num_queries(10):
        items_provision(item_ids=ids(job))
    assert Charger.objects.count() == 200


def test_an_identity_in_use_is_left_to_a_call_of_its_own(location):
    make_charger(location.organization, identity="SITE_2")
    job = started(location, group("1", "2", "3"))
    first, second, third = ids(job)
    assert items_provision(item_ids=[first, second, third]) == {first: Outcome.CREATED, third: Outcome.CREATED}
    assert [item.status for item in items(job)] == ["created", "pending", "created"]
    assert item_provision(item_id=second) == Outcome.FAILED
    assert items(job)[1].error_code == "identity_in_use"


def test_of_two_items_with_the_same_identity_the_first_gets_it(location):
    job = unfolded(location, group("1", "2"))
    first, second = ids(job)
    ProvisioningItem.objects.filter(job=job).update(identity="SITE_1")
    assert items_provision(item_ids=[first, second]) == {first: Outcome.CREATED}


def test_what_was_done_and_what_is_gone_stays_so(location):
    job = started(location, group(number=3))
    first, second, third = ids(job)
    item_provision(item_id=first)
    ProvisioningItem.objects.filter(pk=third).delete()
    outcomes = {first: Outcome.SETTLED, second: Outcome.CREATED, third: Outcome.GONE}
    assert items_provision(item_ids=[first, second, third]) == outcomes
    assert Charger.objects.count() == 2


def test_chargers_that_were_given_up_are_wanted_again(location):
    job = started(location, group(number=4))
    items_provision(item_ids=ids(job))
    job_cancel(job_id=job.id)
    assert Charger.objects.filter(wanted=False, provisioning_status="FAILED").count() == 4
    job_retry_failed(job_id=job.id)
    assert set(items_provision(item_ids=ids(job)).values()) == {Outcome.CREATED}
    assert (
        Charger.objects.filter(wanted=True, provisioning_status="PROVISIONING").count() == Charger.objects.count() == 4
    )
