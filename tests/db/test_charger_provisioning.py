"""The services that jobs stand on: create, want, give up."""

import pytest
from django.db import transaction

from chargers.errors import IdentityInUse
from chargers.models import Charger
from chargers.selectors import models_by_slug
from chargers.services.provisioning import NewCharger, charger_create, chargers_give_up, chargers_want
from ocpplab.common.choices import ProvisioningStatus
from tests.support.chargers import WS_URL, make_charger, make_chargers, make_host, make_model, snapshot

pytestmark = pytest.mark.django_db


def new(organization, **values):
    defaults = {
        "organization_id": organization.pk,
        "identity": "A",
        "model_id": make_model().pk,
        "connector_type": "Type2",
        "ocpp_version": "OCPP1.6",
        "ws_url": WS_URL,
    }
    return NewCharger(**defaults | values)


def test_a_new_charger_is_pending_and_wanted(organization):
    charger = charger_create(new=new(organization, name="N", location_name="L"))
    row = snapshot(charger.pk)[0]
    assert (row["provisioning_status"], row["wanted"], row["revision"], row["lease_epoch"]) == ("PENDING", True, 0, 0)
    assert (row["identity"], row["name"], row["location_name"]) == ("A", "N", "L")
    assert row["public_id"].startswith("dep-")
    assert len(row["public_id"]) == 16


def test_an_identity_is_taken_once_per_organization_and_address(organization, other_organization):
    charger_create(new=new(organization))
    before = snapshot()
    with pytest.raises(IdentityInUse) as caught:
        charger_create(new=new(organization))
    assert (caught.value.code, caught.value.retryable) == ("identity_in_use", False)
    assert snapshot() == before
    charger_create(new=new(organization, ws_url="ws://b.test"))
    charger_create(new=new(other_organization))
    charger_create(new=new(organization, identity="a"))


def test_a_clash_leaves_the_transaction_around_it_usable(organization):
    with transaction.atomic():
        charger_create(new=new(organization))
        with pytest.raises(IdentityInUse):
            charger_create(new=new(organization))
        charger_create(new=new(organization, identity="B"))
    assert Charger.objects.count() == 2


def test_wanting_moves_who_waits_or_failed_and_clears_the_error(organization):
    pending = make_charger(organization, provisioning_status="PENDING", wanted=False)
    failed = make_charger(organization, provisioning_status="FAILED", error_code="x", error_message="y", wanted=False)
    done = make_charger(organization, provisioning_status="READY", provisioned_at="2026-01-01T00:00Z", wanted=False)
    on_its_way = make_charger(organization, provisioning_status="PROVISIONING")
    others = snapshot(done.pk, on_its_way.pk)
    assert chargers_want(ids=[pending.pk, failed.pk, done.pk, on_its_way.pk]) == 2
    for row in snapshot(pending.pk, failed.pk):
        assert (row["provisioning_status"], row["wanted"], row["error_code"]) == ("PROVISIONING", True, "")
    assert snapshot(done.pk, on_its_way.pk) == others
    assert chargers_want(ids=[]) == 0


def test_giving_up_spares_whoever_a_host_holds(organization):
    waiting, held, done = make_chargers(organization, 3)
    Charger.objects.filter(pk=held.pk).update(host=make_host())
    Charger.objects.filter(pk=done.pk).update(provisioning_status="READY", provisioned_at=done.created_at)
    others = snapshot(held.pk, done.pk)
    ids = [waiting.pk, held.pk, done.pk, 10**12]
    assert chargers_give_up(ids=ids, code="not_hosted", message="m" * 3000) == [waiting.pk]
    row = snapshot(waiting.pk)[0]
    assert (row["provisioning_status"], row["wanted"], row["error_code"]) == ("FAILED", False, "not_hosted")
    assert len(row["error_message"]) == 2000
    assert snapshot(held.pk, done.pk) == others
    assert chargers_give_up(ids=[waiting.pk], code="again", message="") == [], "once is enough"


def test_hosts_are_nudged_after_commit_only(organization, monkeypatch, django_capture_on_commit_callbacks):
    looks = []
    monkeypatch.setattr("chargers.simulator.wire.look", lambda: looks.append(1))
    with django_capture_on_commit_callbacks(execute=True):
        charger_create(new=new(organization))
        assert not looks
    assert looks
    with django_capture_on_commit_callbacks(execute=True) as callbacks:
        charger_create(new=new(organization, identity="B"), wanted=False, status=ProvisioningStatus.PENDING)
    assert not callbacks


def test_models_are_looked_up_for_many_groups_in_one_query(organization, django_assert_num_queries):
    a, b = make_model("a", "one"), make_model("b", "two")
    make_model("b", "one")
    pairs = [("one", "a"), ("two", "b"), ("one", "nope"), ("two", "a"), ("one", "a")]
    with django_assert_num_queries(1):
        found = models_by_slug(pairs)
        assert {row.brand.name for row in found.values()} == {"One", "Two"}
    assert found == {("one", "a"): a, ("two", "b"): b}
    assert models_by_slug([]) == {}
