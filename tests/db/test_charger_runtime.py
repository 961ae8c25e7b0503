"""start-charger, stop-charger, reset-charger."""

import pytest

from chargers.models import Charger
from chargers.services.runtime import chargers_reset, chargers_start, chargers_stop
from tests.support.chargers import make_charger, make_chargers, make_host, snapshot

pytestmark = pytest.mark.django_db

ORDERS = ["start", "stop", "reset"]


def post(api, charger, order, data=None, **options):
    return api.post(f"/ocpp/chargers/{charger.public_id}/{order}-charger", data, **options)


@pytest.mark.parametrize(("order", "count"), [("start", 1), ("stop", 0), ("reset", 1)])
def test_it_answers_in_the_contract_s_words(api, organization, order, count):
    charger = make_charger(organization, ocpp_version="OCPP2.0.1")
    answer = post(api, charger, order, {})
    assert answer.status_code == 202
    assert answer.json() == {
        "id": charger.public_id,
        "event_type": f"{order}_charger",
        "ocpp_version": "OCPP2.0.1",
        "payload": {
            "provider": "local",
            "runtime_kind": "session",
            "service_name": charger.public_id,
            "desired_count": count,
            "status": "ACTIVE",
        },
    }


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize(
    ("data", "content_type"),
    [
        ("", ""),
        ("", "application/json"),
        ("{}", "application/json"),
        ('{"key": "value"}', "application/json"),
        ("[1]", "application/json"),
        ("not json", "application/json"),
        ("a=b", "application/x-www-form-urlencoded"),
        ("x", "text/plain"),
    ],
)
def test_it_does_not_look_at_the_body(api, organization, order, data, content_type):
    charger = make_charger(organization)
    assert post(api, charger, order, data, content_type=content_type).status_code == 202


def test_stop_and_start_switch_what_is_wanted(api, organization):
    charger = make_charger(organization, host=make_host(), lease_epoch=3, connection_state="online")
    before = snapshot()[0]
    for order, wanted in [("stop", False), ("stop", False), ("start", True), ("start", True)]:
        assert post(api, charger, order).status_code == 202
        after = snapshot()[0]
        assert after["wanted"] is wanted
        changed = {key for key in after if after[key] != before[key]}
        assert changed <= {"wanted", "updated_at", "provisioning_status"}, "the rest is the host's"


def test_an_order_that_changes_nothing_writes_nothing(api, organization):
    charger = make_charger(organization, provisioning_status="READY", provisioned_at="2026-01-01T00:00Z")
    before = snapshot()
    post(api, charger, "start")
    assert snapshot() == before
    post(api, charger, "stop")
    before = snapshot()
    post(api, charger, "stop")
    assert snapshot() == before


@pytest.mark.parametrize("wanted", [True, False])
def test_reset_asks_for_a_fresh_session(api, organization, wanted):
    charger = make_charger(organization, wanted=wanted, revision=4)
    post(api, charger, "reset")
    row = snapshot()[0]
    assert (row["wanted"], row["revision"]) == (True, 5)


@pytest.mark.parametrize("order", ["start", "reset"])
def test_a_charger_that_failed_tries_again(api, organization, order):
    charger = make_charger(
        organization, wanted=False, provisioning_status="FAILED", error_code="not_hosted", error_message="no host"
    )
    post(api, charger, order)
    row = snapshot()[0]
    assert (row["wanted"], row["provisioning_status"]) == (True, "PROVISIONING")
    assert (row["error_code"], row["error_message"]) == ("", "")


def test_get_is_not_allowed(api, organization):
    charger = make_charger(organization)
    assert api.get(f"/ocpp/chargers/{charger.public_id}/stop-charger").status_code == 405


def test_the_services_say_how_many_changed(organization):
    ids = [row.pk for row in make_chargers(organization, 3)]
    Charger.objects.filter(pk=ids[0]).update(wanted=False)
    assert chargers_stop(ids=ids) == 2
    assert chargers_start(ids=ids[:2]) == 2
    assert chargers_start(ids=ids) == 1
    assert chargers_reset(ids=[*ids, 10**12]) == 3
    assert chargers_stop(ids=[]) == 0
