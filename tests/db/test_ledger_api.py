"""The ledger: transactions with what the CSMS accepted of them, by charger and for all."""

from datetime import timedelta
from itertools import count
from uuid import uuid4

import pytest

from chargers.models import Transaction, TransactionMessage
from tests.support.chargers import DAWN, make_charger, make_location

pytestmark = pytest.mark.django_db
_hours = count()


def make_transaction(charger, *, messages=0, **columns):
    started = columns.pop("started_at", DAWN + timedelta(hours=next(_hours)))
    defaults = {
        "id": uuid4(),
        "connector": 1,
        "id_tag": "TAG-A",
        "started_at": started,
        "meter_start": 1000,
        "meter_wh": 4500,
        "started_offline": False,
    }
    row = Transaction.objects.create(charger=charger, **defaults | columns)
    actions = ["StartTransaction", *["MeterValues"] * (messages - 1)][:messages]
    TransactionMessage.objects.bulk_create(
        TransactionMessage(transaction=row, sequence=number, action=action, at=started, accepted_at=started)
        for number, action in reversed(list(enumerate(actions, 1)))
    )
    return row


def stopped(charger, **columns):
    end = {"state": "stopped", "stopped_at": DAWN + timedelta(days=9), "meter_stop": 5000, "reason": "Local"}
    return make_transaction(charger, **end | {"stopped_offline": False} | columns)


def listed(api, path="/ocpp/transactions", **params):
    answer = api.get(path, params)
    assert answer.status_code == 200, answer.json()
    return answer.json()


def ids(answer):
    return [row["id"] for row in answer["data"]]


def test_it_shows_what_the_charger_knows_and_what_the_csms_accepted(api, organization):
    charger = make_charger(organization, location=make_location(organization))
    row = stopped(charger, messages=2, csms_id="41", reservation_id=7)
    TransactionMessage.objects.create(
        transaction=row, sequence=3, action="StopTransaction", at=row.stopped_at, dropped="attempts"
    )
    (found,) = listed(api)["data"]
    assert found == found | {
        "id": str(row.pk),
        "transaction_id": "41",
        "charger_id": charger.public_id,
        "identity": charger.identity,
        "location_id": str(charger.location_id),
        "connector_id": 1,
        "id_tag": "TAG-A",
        "reservation_id": 7,
        "state": "stopped",
        "meter_start": 1000,
        "meter_stop": 5000,
        "energy_wh": 4000,
        "reason": "Local",
        "stopped_offline": False,
    }
    assert [(one["sequence"], one["action"], one["dropped"]) for one in found["messages"]] == [
        (1, "StartTransaction", ""),
        (2, "MeterValues", ""),
        (3, "StopTransaction", "attempts"),
    ]
    assert [one["accepted_at"] is None for one in found["messages"]] == [False, False, True]


def test_a_running_one_has_the_energy_so_far_and_no_id_before_the_csms_gave_one(api, organization):
    make_transaction(make_charger(organization))
    (found,) = listed(api)["data"]
    assert (found["energy_wh"], found["transaction_id"], found["reason"], found["stopped_at"]) == (
        3500,
        None,
        None,
        None,
    )
    assert found["messages"] == []


def test_it_lists_the_newest_first_in_pages(api, organization):
    charger = make_charger(organization)
    rows = [make_transaction(charger) for _ in range(5)]
    whole = [str(row.pk) for row in reversed(rows)]
    assert ids(listed(api)) == whole
    page = listed(api, page=2, limit=2)
    assert (ids(page), page["total"], page["page"], page["limit"]) == (whole[2:4], 5, 2, 2)
    assert listed(api, page=9) == {"data": [], "total": 5, "page": 9, "limit": 50}


def test_it_filters(api, organization):
    place = make_location(organization)
    here, there = make_charger(organization, location=place), make_charger(organization)
    first = stopped(here, csms_id="41", id_tag="Alice")
    second = make_transaction(here, csms_id="42")
    third = make_transaction(there, csms_id="41")

    def found(path="/ocpp/transactions", **params):
        return {row["id"] for row in listed(api, path, **params)["data"]}

    def these(*rows):
        return {str(row.pk) for row in rows}

    assert found(charger_id=here.public_id) == these(first, second)
    assert found(location_id=str(place.id)) == these(first, second)
    assert found(location_id="nowhere") == found(charger_id="dep-none") == set()
    assert found(state="running") == these(second, third)
    assert found(id_tag="ALICE") == these(first)
    assert found(transaction_id="41") == these(first, third)
    assert found(transaction_id=str(first.pk)) == these(first)
    assert found(started_from=second.started_at.isoformat()) == these(second, third)
    assert found(started_to=second.started_at.isoformat()) == these(first, second)
    of_charger = f"/ocpp/chargers/{here.public_id}/transactions"
    assert found(of_charger) == these(first, second)
    assert found(of_charger, state="stopped", transaction_id="41") == these(first)
    assert found(of_charger, charger_id=there.public_id) == these(first, second), "the path says which charger"


def test_one_can_be_read_by_the_charger_s_own_id(api, organization, other_organization):
    row = make_transaction(make_charger(organization), messages=3)
    found = api.get(f"/ocpp/transactions/{row.pk}").json()
    assert (found["id"], len(found["messages"])) == (str(row.pk), 3)
    foreign = make_transaction(make_charger(other_organization))
    for transaction_id in (foreign.pk, uuid4(), "41", "x" * 300):
        answer = api.get(f"/ocpp/transactions/{transaction_id}")
        assert (answer.status_code, answer.json()["code"]) == (404, "transaction_not_found")


def test_nobody_sees_the_transactions_of_another_organization(api, other_organization, organization):
    foreign = make_charger(other_organization)
    row = make_transaction(foreign, csms_id="41")
    assert listed(api)["total"] == 0
    assert listed(api, charger_id=foreign.public_id)["total"] == listed(api, transaction_id=str(row.pk))["total"] == 0
    assert api.get(f"/ocpp/chargers/{foreign.public_id}/transactions").status_code == 404


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"limit": 101}, "limit"),
        ({"page": 0}, "page"),
        ({"state": "odd"}, "state"),
        ({"started_from": "yesterday"}, "started_from"),
        ({"started_to": "9999-12-31T23:59:59-14:00"}, "started_to"),
        ({"messages": "maybe"}, "messages"),
        ({"id_tag": "a\x00"}, "id_tag"),
        ({"transaction_id": ""}, "transaction_id"),
    ],
)
def test_a_bad_query_is_named(api, organization, params, field):
    answer = api.get("/ocpp/transactions", params)
    assert answer.status_code == 422
    assert [problem["loc"] for problem in answer.json()["detail"]] == [["query", field]]


def test_queries_do_not_grow_with_the_rows_and_messages_may_be_left_out(api, organization, django_assert_num_queries):
    charger = make_charger(organization)
    for _ in range(20):
        make_transaction(charger, messages=4)
    listed(api)
    with django_assert_num_queries(3):  # token, rows, messages; a page that is not full needs no count
        assert all(len(row["messages"]) == 4 for row in listed(api)["data"])
    with django_assert_num_queries(2):
        assert not any("messages" in row for row in listed(api, messages="false")["data"])
