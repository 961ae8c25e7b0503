"""Writing locations: two callers at once, what a deletion takes with it, and how long it takes."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from chargers.models import Charger
from jobs.choices import JobKind
from jobs.models import ProvisioningItem, ProvisioningJob
from locations import hooks
from locations.errors import LocationNotFound, SlugInUse
from locations.models import Location
from locations.selectors import location_get
from locations.services import location_create, location_delete, location_update
from ocpplab.accounts.models import Organization
from tests.support.chargers import charger_of, make_charger, make_chargers, make_location
from tests.support.races import Elsewhere

GOOD: dict[str, Any] = {
    "name": "Depot",
    "address": "Lindenweg 8",
    "city": "Hamburg",
    "country": "DE",
    "latitude": 53.55,
    "longitude": 9.99,
}


def in_thread(work: Any) -> Any:
    """Run something on a connection of its own, and close that."""
    try:
        return work()
    finally:
        connection.close()


@pytest.mark.django_db
def test_a_slug_that_is_given_is_kept_or_refused(organization: Organization, other_organization: Organization) -> None:
    assert location_create(organization=organization, slug="mine", **GOOD).slug == "mine"
    with pytest.raises(SlugInUse):
        location_create(organization=organization, slug="mine", **GOOD)
    assert location_create(organization=other_organization, slug="mine", **GOOD).slug == "mine"


@pytest.mark.django_db
def test_the_database_itself_refuses_coordinates_out_of_range(organization: Organization) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        location_create(organization=organization, **GOOD | {"latitude": 91})


@pytest.mark.django_db
def test_an_update_of_a_location_that_has_just_gone_is_not_found(organization: Organization) -> None:
    location = make_location(organization)
    location_delete(organization=organization, location_id=location.id)
    for changes in ({}, {"name": "New"}):
        with pytest.raises(LocationNotFound):
            location_update(organization=organization, location_id=location.id, changes=changes)


@pytest.mark.django_db(transaction=True)
def test_two_who_change_different_things_both_have_their_way() -> None:
    organization = Organization.objects.create(name="Race")
    location = make_location(organization)
    barrier = threading.Barrier(2)

    def change(changes: dict[str, Any]) -> None:
        barrier.wait(10)
        for _ in range(20):
            location_update(organization=organization, location_id=location.id, changes=changes)

    with ThreadPoolExecutor(2) as pool:
        for done in [
            pool.submit(in_thread, lambda: change({"name": "New name"})),
            pool.submit(in_thread, lambda: change({"city": "New city"})),
        ]:
            done.result()
    location.refresh_from_db()
    assert (location.name, location.city) == ("New name", "New city")


@pytest.mark.django_db(transaction=True)
def test_of_two_who_take_one_slug_at_once_one_gets_it() -> None:
    organization = Organization.objects.create(name="Race")
    barrier = threading.Barrier(4)

    def take() -> bool:
        barrier.wait(10)
        try:
            location_create(organization=organization, slug="one", **GOOD)
        except SlugInUse:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        won = [done.result() for done in [pool.submit(in_thread, take) for _ in range(4)]]
    assert won.count(True) == 1
    assert Location.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_charger_that_is_put_there_during_the_deletion_goes_with_it_or_finds_no_location() -> None:
    organization = Organization.objects.create(name="Race")
    for _ in range(10):
        location = make_location(organization)
        barrier = threading.Barrier(2)

        def put(location: Location = location, barrier: threading.Barrier = barrier) -> bool:
            barrier.wait(10)
            try:
                charger_of(organization, location=location).save()
            except IntegrityError:
                return False
            return True

        def delete(location: Location = location, barrier: threading.Barrier = barrier) -> bool:
            barrier.wait(10)
            return location_delete(organization=organization, location_id=location.id)

        with ThreadPoolExecutor(2) as pool:
            putting, deleting = pool.submit(in_thread, put), pool.submit(in_thread, delete)
            putting.result()
            assert deleting.result()
    assert not Location.objects.exists()
    assert not Charger.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_deleting_locks_chargers_by_id_so_that_it_meets_no_deadlock_with_their_host() -> None:
    organization = Organization.objects.create(name="Race")
    location = make_location(organization)
    first, second = make_charger(organization), make_charger(organization, location=location)
    Charger.objects.filter(pk=first.pk).update(location=location)  # behind the other's in table and index
    with transaction.atomic():
        Charger.objects.select_for_update().get(pk=first.pk)
        deletion = Elsewhere(lambda: location_delete(organization=organization, location_id=location.id))
        deletion.until_blocked()
        Charger.objects.select_for_update(nowait=True).get(pk=second.pk)
    assert deletion.result()
    assert not Charger.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_two_who_delete_it_at_once_are_both_content_and_one_did_it() -> None:
    organization = Organization.objects.create(name="Race")
    location = make_location(organization)
    barrier = threading.Barrier(2)

    def delete() -> bool:
        barrier.wait(10)
        return location_delete(organization=organization, location_id=location.id)

    with ThreadPoolExecutor(2) as pool:
        assert sorted(done.result() for done in [pool.submit(in_thread, delete) for _ in range(2)]) == [False, True]


@pytest.mark.django_db
def test_deleting_takes_chargers_and_jobs_with_it_and_nothing_else(
    organization: Organization, other_organization: Organization
) -> None:
    gone, stays = make_location(organization, "Gone"), make_location(organization, "Stays")
    for location in (gone, stays, None):
        charger_of(organization, location=location).save()
    charger_of(other_organization, location=make_location(other_organization)).save()
    ProvisioningJob.objects.create(
        organization=organization, location=gone, kind=JobKind.LOCATION_CHARGERS, groups=[], total=0
    )
    assert location_delete(organization=organization, location_id=gone.id)
    assert Charger.objects.count() == 3
    assert not Charger.objects.filter(location=gone).exists()
    assert not ProvisioningJob.objects.exists()
    assert location_get(organization=organization, location_id=str(stays.id)) == stays


@pytest.mark.django_db
def test_deleting_tells_those_who_asked_for_it_and_only_when_something_was_deleted(organization: Organization) -> None:
    told: list[str] = []
    hook = lambda: told.append("told")  # noqa: E731 - removed by identity below
    hooks.location_deleted.append(hook)
    try:
        location = make_location(organization)
        assert location_delete(organization=organization, location_id=location.id)
        assert not location_delete(organization=organization, location_id=location.id)
    finally:
        hooks.location_deleted.remove(hook)
    assert told == ["told"]


@pytest.mark.django_db
def test_the_simulator_hosts_are_among_those_who_asked() -> None:
    assert [hook.__module__ for hook in hooks.location_deleted] == ["chargers.services.nudge"]
    assert [hook.__module__ for hook in hooks.location_deleting] == ["chargers.services.removal"]


@pytest.mark.django_db
def test_deleting_ten_thousand_chargers_works_in_batches(
    organization: Organization, django_assert_max_num_queries: Any
) -> None:
    location = make_location(organization)
    job = ProvisioningJob.objects.create(
        organization=organization, location=location, kind=JobKind.LOCATION_CHARGERS, groups=[], total=10_000
    )
    for first in range(0, 10_000, 1_000):  # in portions: a transaction that waits 10 s for Python is ended
        ProvisioningItem.objects.bulk_create(
            ProvisioningItem(job=job, ordinal=number, identity=charger.identity, charger=charger)
            for number, charger in enumerate(make_chargers(organization, 1_000, location=location), first)
        )
    started = time.monotonic()
    with django_assert_max_num_queries(200):
        assert location_delete(organization=organization, location_id=location.id)
    print(f"10,000 chargers deleted in {time.monotonic() - started:.2f} s")
    assert not Charger.objects.exists()
    assert not ProvisioningItem.objects.exists()
