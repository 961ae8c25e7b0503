"""Commands and the ledger in the admin, and orders that are given there."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.contrib.auth.models import Permission
from django.utils import timezone

from chargers.models import Command, Transaction, TransactionMessage
from ocpplab.accounts.models import User
from tests.support.chargers import DAWN, make_charger, make_chargers, make_host, snapshot

pytestmark = pytest.mark.django_db

CHARGERS = "/admin/chargers/charger/"
COMMANDS = "/admin/chargers/command/"
LEDGER = "/admin/chargers/transaction/"


@pytest.fixture
def page(client):
    """A browser with a superuser in it."""
    client.force_login(User.objects.create(username="root", is_staff=True, is_superuser=True))
    return client


@pytest.fixture
def own_page(client, organization):
    """A browser with a member of one organization in it."""
    user = User.objects.create(username="member", is_staff=True, organization=organization)
    user.user_permissions.set(Permission.objects.filter(content_type__app_label="chargers"))
    client.force_login(user)
    return client


def make_command(charger, **columns):
    defaults = {"kind": "plug", "payload": {"connector": 1}, "host_id": uuid4(), "lease_epoch": 1}
    return Command.objects.create(charger=charger, **defaults | columns)


def make_transaction(charger, messages=0, **columns):
    defaults = {"connector": 1, "id_tag": "TAG-A", "started_at": DAWN, "meter_start": 0, "meter_wh": 1500}
    row = Transaction.objects.create(id=uuid4(), charger=charger, started_offline=False, **defaults | columns)
    TransactionMessage.objects.bulk_create(
        TransactionMessage(
            transaction=row,
            sequence=number,
            action="MeterValues",
            at=DAWN + timedelta(minutes=number),
            accepted_at=DAWN,
        )
        for number in range(1, messages + 1)
    )
    return row


def rows(answer):
    assert answer.status_code == 200
    return [row.pk for row in answer.context["cl"].result_list]


def test_commands_show_their_outcomes_in_words(page, organization):
    charger = make_charger(organization)
    failed = {"status": "failed", "outcome": {"code": "not_plugged", "data": {}}, "settled_at": timezone.now()}
    command = make_command(charger, **failed)
    assert "No car is plugged in" in page.get(COMMANDS).content.decode()
    shown = page.get(f"{COMMANDS}{command.pk}/change/").content.decode()
    assert "No car is plugged in" in shown
    assert "not_plugged" in shown


@pytest.mark.parametrize(("address", "make"), [(COMMANDS, make_command), (LEDGER, make_transaction)])
def test_rows_are_found_by_their_charger(page, organization, address, make):
    first, second = make_chargers(organization, 2)
    row, other = make(first), make(second)
    assert set(rows(page.get(address))) == {row.pk, other.pk}
    for asked in ({"charger": first.public_id}, {"q": first.identity}, {"q": f" {first.public_id} "}):
        assert rows(page.get(address, asked)) == [row.pk], asked
    for asked in ({"q": "nobody"}, {"charger": "nobody"}):
        assert rows(page.get(address, asked)) == []
    assert page.get(address, {"q": "a\x00b"}).status_code == 200


def test_commands_and_transactions_are_found_by_their_own_names(page, organization):
    charger = make_charger(organization)
    command, transaction = make_command(charger), make_transaction(charger, csms_id="41")
    make_command(charger)
    make_transaction(charger, id_tag="OTHER")
    assert rows(page.get(COMMANDS, {"q": command.pk})) == [command.pk]
    assert rows(page.get(LEDGER, {"q": "41"})) == rows(page.get(LEDGER, {"q": "TAG-A"})) == [transaction.pk]


@pytest.mark.parametrize(("address", "make"), [(COMMANDS, make_command), (LEDGER, make_transaction)])
def test_the_lists_take_the_same_few_queries_for_any_number(
    page, organization, django_assert_max_num_queries, address, make
):
    page.get(address)
    for charger in make_chargers(organization, 30):
        make(charger)
    with django_assert_max_num_queries(8):
        assert len(rows(page.get(address))) == 30


@pytest.mark.parametrize(("address", "make"), [(COMMANDS, make_command), (LEDGER, make_transaction)])
def test_nobody_changes_them_or_sees_those_of_others(own_page, organization, other_organization, address, make):
    row, foreign = make(make_charger(organization)), make(make_charger(other_organization))
    assert rows(own_page.get(address)) == [row.pk]
    assert own_page.get(f"{address}{row.pk}/change/").status_code == 200
    assert own_page.get(f"{address}{foreign.pk}/change/").status_code == 302
    assert own_page.post(f"{address}{row.pk}/change/", {"kind": "unplug"}).status_code == 403
    assert own_page.post(f"{address}{row.pk}/delete/", {"post": "yes"}).status_code == 403
    assert own_page.get(f"{address}add/").status_code == 403


def test_a_transaction_shows_its_messages_and_of_very_many_the_ends(page, organization):
    transaction = make_transaction(make_charger(organization), messages=500)
    shown = page.get(f"{LEDGER}{transaction.pk}/change/").content.decode()
    assert shown.count("MeterValues of") == 200
    assert "500 MeterValues" in shown
    assert "1.500 kWh" in shown


def test_the_page_of_a_charger_leads_to_its_orders_and_transactions(page, organization):
    charger = make_charger(organization)
    shown = page.get(f"{CHARGERS}{charger.pk}/change/").content.decode()
    for address in (f"{COMMANDS}?charger={charger.public_id}", f"{LEDGER}?charger={charger.public_id}", "/order/"):
        assert address in shown


@pytest.mark.parametrize(
    ("given", "failure"),
    [
        ({"kind": "plug"}, "charger_not_hosted"),
        ({"kind": "dance"}, "not_supported"),
        ({"kind": "plug", "connector": 9}, "unknown_connector"),
        ({"kind": "authorize", "arguments": '{"id_tag": "' + "T" * 30 + '"}'}, "bad_id_tag"),
    ],
)
def test_an_order_that_is_refused_says_why_and_writes_nothing(page, organization, given, failure):
    charger = make_charger(organization)
    before = snapshot()
    answer = page.post(f"{CHARGERS}{charger.pk}/order/", given)
    assert answer.context["failure"].startswith(f"{failure}: ")
    assert snapshot() == before
    assert not Command.objects.exists()


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"kind": "plug", "connector": 0},
        {"kind": "plug", "arguments": "[1]"},
        {"kind": "plug", "arguments": "nonsense"},
        {"kind": "plug", "arguments": '{"a": "\\u0000"}'},
        {"kind": "plug", "arguments": '{"a": "\\ud800"}'},
        {"kind": "plug", "arguments": '{"a": NaN}'},
    ],
)
def test_an_order_that_makes_no_sense_is_shown_again(page, organization, given):
    charger = make_charger(organization, host=make_host(), lease_epoch=1)
    answer = page.post(f"{CHARGERS}{charger.pk}/order/", given)
    assert answer.status_code == 200
    assert answer.context["form"].errors
    assert not Command.objects.exists()


def test_nobody_orders_the_chargers_of_others(own_page, other_organization):
    foreign = make_charger(other_organization, host=make_host(), lease_epoch=1)
    assert own_page.post(f"{CHARGERS}{foreign.pk}/order/", {"kind": "plug"}).status_code == 404
    own_page.post(CHARGERS, {"action": "live", "_selected_action": [foreign.pk]})
    assert not Command.objects.exists()


@pytest.mark.parametrize(("action", "wanted"), [("live", "arrivals_per_hour"), ("rest", "off")])
def test_the_list_switches_the_automatic_driver(page, organization, action, wanted):
    host = make_host()
    chargers = make_chargers(organization, 3, host=host, lease_epoch=1)
    stopped = make_charger(organization, wanted=False)
    selected = [row.pk for row in [*chargers, stopped]]
    answer = page.post(CHARGERS, {"action": action, "_selected_action": selected}, follow=True)
    assert {command.charger_id for command in Command.objects.all()} == {row.pk for row in chargers}
    assert all(command.kind == "behaviour" and wanted in command.payload for command in Command.objects.all())
    said = [str(message) for message in answer.context["messages"]]
    assert said == ["3 charger(s) were told.", f"{stopped.identity}: The charger is stopped: start it first."]
