"""What the built-in CSMS keeps: transactions and id tags, in a real database."""

from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.urls import reverse
from django.utils import timezone

from chargers.csms.models import IdTag, SeenTransaction
from chargers.csms.services import id_tag_delete, id_tag_set
from chargers.csms.store import HISTORY, tags_read, transactions_prune, transactions_read, transactions_write
from chargers.csms.tags import Tag, TagStatus
from chargers.csms.transactions import Entry, Transaction
from chargers.protocol import Version

pytestmark = pytest.mark.django_db


def entry(station: str, transaction: Transaction) -> Entry:
    return Entry(station, Version.V16, transaction.as_columns())


def full(number: str = "7", **changes) -> Transaction:
    values = {
        "connector": "1",
        "id_token": "TAG",
        "started_at": "2024-01-31T12:00:00Z",
        "meter_start": 10.0,
        "stopped_at": "2024-01-31T13:00:00Z",
        "meter_stop": 20.5,
        "reason": "Local",
        "token_status": "Accepted",
        "reservation_id": 2**40,
        "last_seq_no": 3,
        "messages": 4,
        "samples": 2,
        "last_wh": 19.0,
        "last_at": "2024-01-31T12:59:00Z",
        "disorders": 1,
        "last_disorder": "odd",
        "digest": "0123456789abcdef",
    }
    return Transaction(number, **values | changes)


def test_what_is_written_is_read_again_to_the_last_column():
    bare = Transaction("8", messages=1)
    transactions_write([entry("A", full()), entry("A", bare), entry("B", full("9"))])
    assert transactions_read(["A", "B", "C"]) == {"A": [full(), bare], "B": [full("9")], "C": []}


def test_registers_may_be_whole_numbers_or_not():
    transactions_write([entry("A", full("1", meter_stop=30)), entry("A", full("2", meter_stop=30.5, meter_start=None))])
    assert [one.meter_stop for one in transactions_read(["A"])["A"]] == [30, 30.5]


def test_a_transaction_has_one_row_that_moves_on(django_assert_num_queries):
    transactions_write([entry("A", full(messages=1, samples=0))])
    with django_assert_num_queries(1):
        transactions_write([entry("A", full(messages=2, samples=1))])
    assert SeenTransaction.objects.get().samples == 1


def test_a_process_that_knows_less_undoes_nothing():
    transactions_write([entry("A", full(messages=5))])
    transactions_write([entry("A", full(messages=3, meter_stop=None))])
    assert SeenTransaction.objects.get().meter_stop == 20.5


def test_the_same_once_more_changes_nothing_but_when():
    transactions_write([entry("A", full())])
    transactions_write([entry("A", full())])
    assert SeenTransaction.objects.count() == 1


def test_only_the_latest_of_a_station_are_read_oldest_first():
    transactions_write([entry("A", full(f"{n:03}")) for n in range(HISTORY + 8)])
    read = [one.id for one in transactions_read(["A"])["A"]]
    assert read == [f"{n:03}" for n in range(8, HISTORY + 8)]


def test_old_transactions_are_pruned():
    transactions_write([entry("A", full("1")), entry("A", full("2"))])
    SeenTransaction.objects.filter(transaction_id="1").update(seen_at=timezone.now() - timedelta(days=8))
    assert transactions_prune(older_than=timedelta(days=7)) == 1
    assert SeenTransaction.objects.get().transaction_id == "2"


# --- id tags ----------------------------------------------------------------------------------------------------------


def test_an_id_tag_is_set_changed_and_forgotten_whatever_its_case():
    moment = timezone.now()
    id_tag_set(tag="Card", status=TagStatus.BLOCKED)
    id_tag_set(tag="CARD", parent_tag="FAMILY", expires_at=moment, single=True)
    assert tags_read() == {"CARD": Tag(TagStatus.ACCEPTED, "FAMILY", moment.timestamp(), single=True)}
    assert id_tag_delete(tag="card")
    assert not id_tag_delete(tag="card")
    assert tags_read() == {}


@pytest.mark.parametrize("tag", ["", "a\x00b", "ü", "x" * 37])
def test_what_can_be_no_id_tag_is_refused(tag):
    with pytest.raises(ValidationError):
        id_tag_set(tag=tag)
    assert not IdTag.objects.exists()


def test_the_admin_shows_and_changes_them(admin_client, django_capture_on_commit_callbacks):
    transactions_write([entry("A", full())])
    page = admin_client.get(reverse("admin:csms_seentransaction_changelist"), {"q": "A"})
    assert b"10.5" in page.content
    with django_capture_on_commit_callbacks() as told:
        answer = admin_client.post(
            reverse("admin:csms_idtag_add"), {"tag": "NEW", "status": "Blocked", "parent_tag": ""}, follow=True
        )
    assert answer.status_code == 200
    assert IdTag.objects.get().status == "Blocked"
    assert len(told) == 1, "the web processes hear of it"
    duplicate = admin_client.post(reverse("admin:csms_idtag_add"), {"tag": "new", "status": "Accepted"})
    assert duplicate.status_code == 200
    assert IdTag.objects.count() == 1
    with django_capture_on_commit_callbacks() as told:
        admin_client.post(
            reverse("admin:csms_idtag_changelist"),
            {"action": "delete_selected", "_selected_action": [IdTag.objects.get().pk], "post": "yes"},
        )
    assert not IdTag.objects.exists()
    assert len(told) == 1
