"""The comparison of the ledger with the built-in CSMS finds each way in which they can disagree."""

import json
import uuid
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from chargers.choices import TransactionState
from chargers.csms.models import SeenTransaction
from chargers.csms.store import transactions_write
from chargers.csms.transactions import Entry
from chargers.csms.transactions import Transaction as Told
from chargers.models import Transaction, TransactionMessage
from chargers.protocol import Version, format_time
from chargers.selectors.reconciliation import transactions_reconcile
from tests.support.chargers import make_charger

pytestmark = pytest.mark.django_db

AT = datetime(2026, 5, 4, 8, 0, 0, 123_999, tzinfo=UTC)
END = AT + timedelta(hours=1)


@pytest.fixture
def charger(organization):
    return make_charger(organization, identity="CP 1", ws_url="ws://lab.test/csms/one")


def live(charger, number="7", *, at=AT, accepted=("StartTransaction", "MeterValues", "StopTransaction"), **columns):
    """A transaction in the ledger."""
    defaults = {
        "csms_id": number,
        "connector": 1,
        "id_tag": "TAG",
        "state": TransactionState.STOPPED,
        "started_at": at,
        "meter_start": 100,
        "started_offline": False,
        "meter_wh": 150,
        "stopped_at": at + timedelta(hours=1),
        "meter_stop": 200,
        "reason": "Local",
    }
    row = Transaction.objects.create(id=uuid.uuid4(), charger=charger, **defaults | columns)
    for sequence, action in enumerate(accepted, 1):
        TransactionMessage.objects.create(transaction=row, sequence=sequence, action=action, at=at, accepted_at=at)
    return row


def tell(number="7", *, station="one/CP 1", at=AT, version=Version.V16, **changes):
    """The same transaction at the CSMS."""
    told = {
        "connector": "1",
        "id_token": "TAG",
        "started_at": format_time(at.timestamp()),
        "meter_start": 100,
        "stopped_at": format_time(at.timestamp() + 3600),
        "meter_stop": 200,
        "reason": "Local",
        "messages": 3,
        "samples": 1,
        "last_wh": 150,
    }
    transactions_write([Entry(station, version, Told(number, **told | changes).as_columns())])


def test_books_that_agree_agree_to_the_watt_hour_and_the_millisecond(charger, django_assert_max_num_queries):
    for number in range(20):
        live(charger, str(number), at=AT + timedelta(minutes=number))
        tell(str(number), at=AT + timedelta(minutes=number))
    with django_assert_max_num_queries(5):
        found = transactions_reconcile()
    assert found.complaints == []
    assert (found.transactions, found.running, found.untold) == (20, 0, 0)
    assert (found.energy_wh, found.messages) == (2000, 60)


@pytest.mark.parametrize(
    "changes",
    [
        {"connector": "2"},
        {"id_token": "OTHER"},
        {"started_at": format_time(AT.timestamp() + 0.002)},
        {"meter_start": 101},
        {"stopped_at": format_time(AT.timestamp() + 3601)},
        {"stopped_at": None},
        {"stopped_at": "yesterday"},
        {"meter_stop": 199},
        {"meter_stop": 200.5},
        {"reason": "Remote"},
        {"messages": 2},
        {"disorders": 1, "last_disorder": "odd"},
    ],
    ids=repr,
)
def test_each_disagreement_is_found(charger, changes):
    live(charger)
    tell(**changes)
    assert len(transactions_reconcile().complaints) == 1


def test_what_only_one_side_knows_is_found(charger):
    live(charger)
    assert "does not know transaction 7" in transactions_reconcile().complaints[0]
    tell("8")
    tell("9", started_at=None)
    complaints = transactions_reconcile().complaints
    assert len(complaints) == 3
    assert "no charger lived transaction 8" in complaints[1]
    assert "not of its start" in complaints[2]


def test_one_transaction_under_two_numbers_is_found(charger):
    live(charger)
    tell("7")
    tell("8")
    assert transactions_reconcile().complaints == ["one/CP 1: no charger lived transaction 8"]


def test_what_runs_or_is_not_told_yet_is_no_disagreement(charger):
    live(charger, "7", state=TransactionState.RUNNING, stopped_at=None, meter_stop=None, accepted=["StartTransaction"])
    tell("7", stopped_at=None, meter_stop=None, reason="", messages=1)
    live(charger, "8", accepted=["StartTransaction"])
    tell("8", stopped_at=None, meter_stop=None, reason="", messages=1)
    live(charger, "", accepted=[])
    found = transactions_reconcile()
    assert (found.complaints, found.running, found.untold) == ([], 1, 2)


def test_chargers_of_other_csmss_and_versions_and_stations_of_others_do_not_count(organization, charger):
    live(make_charger(organization, ws_url="ws://elsewhere.test/ocpp"))
    live(make_charger(organization, ws_url="ws://elsewhere.test/ocpp/csms"))
    live(make_charger(organization, ws_url="ws://lab.test/csms", ocpp_version="OCPP2.0.1"))
    tell("1", station="somebody else")
    tell("T", version=Version.V201)
    assert transactions_reconcile().transactions == 0
    assert transactions_reconcile().complaints == []


def test_an_earlier_time_can_be_left_out(charger):
    live(charger, "1", at=AT - timedelta(days=1))
    tell("2", at=AT - timedelta(days=1))
    live(charger, "7")
    tell("7")
    found = transactions_reconcile(since=AT - timedelta(minutes=1))
    assert (found.transactions, found.complaints) == (1, [])


def test_the_command_says_so_and_ends_with_one(charger):
    live(charger)
    out = StringIO()
    with pytest.raises(SystemExit, match="1"):
        call_command("reconcile", stdout=out)
    assert "does not know transaction 7" in out.getvalue()
    assert out.getvalue().endswith("1 disagreements\n")
    tell()
    out = StringIO()
    call_command("reconcile", "--json", stdout=out)
    assert json.loads(out.getvalue())["energy_wh"] == 100
    with pytest.raises(CommandError, match="--since"):
        call_command("reconcile", "--since", "soon")


def test_it_does_not_change_anything(charger):
    live(charger)
    tell(meter_stop=1)
    before = list(SeenTransaction.objects.values()), list(Transaction.objects.values())
    transactions_reconcile()
    assert (list(SeenTransaction.objects.values()), list(Transaction.objects.values())) == before
