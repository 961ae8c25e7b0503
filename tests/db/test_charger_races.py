"""Two who want to change the same charger at the same time."""

import pytest
from django.db import transaction
from django.db.models import F

from chargers.errors import ChargerNotFound, IdentityInUse, UnknownLocation
from chargers.models import Charger
from chargers.services.configuration import Change, charger_update, chargers_update
from chargers.services.provisioning import NewCharger, charger_create, chargers_give_up, chargers_want
from chargers.services.removal import chargers_delete
from chargers.services.runtime import chargers_reset, chargers_stop
from locations.models import Location
from ocpplab.common.choices import ProvisioningStatus
from tests.support.chargers import WS_URL, make_charger, make_chargers, make_host, make_location, make_model
from tests.support.races import Elsewhere, all_at_once

pytestmark = pytest.mark.django_db(transaction=True)


def claim(charger, host):
    """What a simulator host does to a row."""
    Charger.objects.filter(pk=charger.pk).update(
        host=host,
        lease_epoch=F("lease_epoch") + 1,
        provisioning_status=ProvisioningStatus.READY,
        provisioned_at=charger.created_at,
    )


def rows(charger):
    return Charger.objects.filter(pk=charger.pk)


def update_all(organization, changes):
    return chargers_update(organization_id=organization.pk, rows=Charger.objects.all(), changes=changes)


def test_two_updates_of_different_values_both_stay(organization):
    charger = make_charger(organization)
    with transaction.atomic():
        charger_update(charger=charger, values={"name": "first"})
        second = Elsewhere(lambda: charger_update(charger=charger, values={"ws_url": "ws://b.test"})).until_blocked()
    second.result()
    charger.refresh_from_db()
    assert (charger.name, charger.ws_url, charger.revision) == ("first", "ws://b.test", 1)


def test_every_change_of_address_counts_as_a_revision(organization):
    charger = make_charger(organization)
    urls = [f"ws://{letter}.test" for letter in "abcd"]
    all_at_once(*[lambda url=url: charger_update(charger=charger, values={"ws_url": url}) for url in urls])
    charger.refresh_from_db()
    assert charger.revision == 4
    assert charger.ws_url in urls


def test_an_update_keeps_the_claim_that_came_in_between(organization):
    charger, host = make_charger(organization), make_host()
    with transaction.atomic():
        claim(charger, host)
        update = Elsewhere(lambda: charger_update(charger=charger, values={"ws_url": "ws://b.test"})).until_blocked()
    update.result()
    charger.refresh_from_db()
    assert (charger.host, charger.lease_epoch, charger.provisioning_status) == (host, 1, "READY")
    assert (charger.ws_url, charger.revision) == ("ws://b.test", 1)


def test_a_claim_waits_for_no_update_it_can_skip(organization):
    held, free = make_chargers(organization, 2)
    with transaction.atomic():
        charger_update(charger=held, values={"name": "x"})

        def look():
            with transaction.atomic():
                return list(Charger.objects.select_for_update(skip_locked=True).filter(host=None))

        assert Elsewhere(look).result() == [free]


def test_deleting_wins_over_a_claim_that_was_first(organization):
    charger, host = make_charger(organization), make_host()
    with transaction.atomic():
        claim(charger, host)
        deletion = Elsewhere(
            lambda: chargers_delete(rows=rows(charger), charger_ids=[charger.public_id])
        ).until_blocked()
    assert deletion.result() == [charger.public_id]
    assert not Charger.objects.exists()


def test_an_update_of_a_charger_that_is_being_deleted_finds_none(organization):
    charger = make_charger(organization)
    with transaction.atomic():
        chargers_delete(rows=rows(charger), charger_ids=[charger.public_id])
        update = Elsewhere(lambda: charger_update(charger=charger, values={"name": "x"})).until_blocked()
    with pytest.raises(ChargerNotFound):
        update.result()


def test_two_deletions_delete_once(organization):
    charger = make_charger(organization)
    deletion = lambda: chargers_delete(rows=rows(charger), charger_ids=[charger.public_id])  # noqa: E731
    assert sorted(all_at_once(deletion, deletion)) == [[], [charger.public_id]]


def test_crosswise_updates_of_many_do_not_lock_each_other_out(organization):
    chargers = make_chargers(organization, 40)
    one = [Change(row.public_id, {"name": "one"}) for row in chargers]
    two = [Change(row.public_id, {"location_name": "two"}) for row in reversed(chargers)]
    work = [lambda changes=changes: update_all(organization, changes) for changes in (one, two)]
    for errors in all_at_once(*work * 3):
        assert errors == [None] * 40
    assert set(Charger.objects.values_list("name", "location_name")) == {("one", "two")}


def test_an_address_taken_between_look_and_write_fails_that_charger_only(organization):
    a = make_charger(organization, identity="A")
    b = make_charger(organization, identity="B")
    with transaction.atomic():
        make_charger(organization, identity="A", ws_url="ws://new.test")
        changes = [Change(row.public_id, {"ws_url": "ws://new.test", "name": "new"}) for row in (a, b)]
        update = Elsewhere(lambda: update_all(organization, changes)).until_blocked()
    errors = update.result()
    assert isinstance(errors[0], IdentityInUse)
    assert errors[1] is None
    a.refresh_from_db()
    b.refresh_from_db()
    assert (a.ws_url, a.name, a.revision) == (WS_URL, None, 0)
    assert (b.ws_url, b.name, b.revision) == ("ws://new.test", "new", 1)


def test_moving_to_a_location_that_is_being_deleted_is_refused(organization):
    charger, place = make_charger(organization), make_location(organization)
    to = str(place.id)
    with transaction.atomic():
        Location.objects.filter(pk=place.pk).delete()
        update = Elsewhere(lambda: charger_update(charger=charger, values={"location_id": to})).until_blocked()
    with pytest.raises(UnknownLocation):
        update.result()
    charger.refresh_from_db()
    assert charger.location_id is None


def test_a_location_is_not_deleted_under_a_charger_that_moves_in(organization):
    charger, place = make_charger(organization), make_location(organization)

    def delete():
        with transaction.atomic():
            Location.objects.select_for_update().get(pk=place.pk).delete()

    with transaction.atomic():
        charger_update(charger=charger, values={"location_id": str(place.id)})
        deletion = Elsewhere(delete).until_blocked()
    deletion.result()
    assert not Charger.objects.exists(), "it had moved in, so it goes with the location"


def test_one_of_two_equal_chargers_is_created(organization):
    new = NewCharger(
        organization_id=organization.pk,
        identity="X",
        model_id=make_model().pk,
        connector_type="Type2",
        ocpp_version="OCPP1.6",
        ws_url=WS_URL,
    )

    def create():
        try:
            return charger_create(new=new)
        except IdentityInUse as error:
            return error.code

    outcomes = all_at_once(create, create, create)
    assert outcomes.count("identity_in_use") == 2
    assert Charger.objects.count() == 1


def test_giving_up_loses_against_a_claim(organization):
    claimed, waiting = make_chargers(organization, 2)
    host = make_host()
    with transaction.atomic():
        claim(claimed, host)
        given_up = Elsewhere(
            lambda: chargers_give_up(ids=[waiting.pk, claimed.pk], code="not_hosted", message="no host")
        ).until_blocked()
    assert given_up.result() == [waiting.pk]
    claimed.refresh_from_db()
    waiting.refresh_from_db()
    assert (claimed.provisioning_status, claimed.wanted) == ("READY", True)
    assert (waiting.provisioning_status, waiting.wanted, waiting.error_code) == ("FAILED", False, "not_hosted")


def test_a_claim_finds_nothing_of_what_was_given_up_first(organization):
    charger = make_charger(organization)
    with transaction.atomic():
        chargers_give_up(ids=[charger.pk], code="not_hosted", message="no host")
        look = Elsewhere(
            lambda: Charger.objects.filter(pk=charger.pk, wanted=True, host=None).update(lease_epoch=1)
        ).until_blocked()
    assert look.result() == 0


def test_stop_and_reset_at_once_leave_one_of_the_two_answers(organization):
    charger = make_charger(organization)
    all_at_once(lambda: chargers_stop(ids=[charger.pk]), lambda: chargers_reset(ids=[charger.pk]))
    charger.refresh_from_db()
    assert charger.revision == 1


def test_wanting_twice_moves_once(organization):
    charger = make_charger(organization, provisioning_status="PENDING", wanted=False)
    want = lambda: chargers_want(ids=[charger.pk])  # noqa: E731
    assert sorted(all_at_once(want, want)) == [0, 1]
