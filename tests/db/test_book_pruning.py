"""Commands, transactions and memories: what is forgotten, and what never."""

import uuid
from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from chargers.models import Charger, ChargerMemory, Command, Transaction, TransactionMessage
from chargers.services import forgetting
from chargers.services.forgetting import books_prune
from chargers.tasks import lose_orphans, prune_books
from tests.support.chargers import make_charger, make_chargers, make_host
from tests.support.races import Elsewhere

pytestmark = pytest.mark.django_db


@pytest.fixture
def now():
    return timezone.now()


def make_command(charger, *, status="done", **columns):
    settled = (
        {} if status in {"queued", "running"} else {"settled_at": timezone.now(), "outcome": {"code": "", "data": {}}}
    )
    values = {"kind": "plug", "host_id": uuid.uuid4(), "lease_epoch": 1} | settled | columns
    return Command.objects.create(charger=charger, status=status, **values)


def make_transaction(charger, started_at, stopped_at=None, messages=3):
    stop = {"state": "stopped", "stopped_at": stopped_at, "meter_stop": 5} if stopped_at else {}
    row = Transaction.objects.create(
        id=uuid.uuid4(),
        charger=charger,
        connector=1,
        started_at=started_at,
        meter_start=1,
        meter_wh=2,
        started_offline=False,
        **stop,
    )
    for sequence in range(messages):
        TransactionMessage.objects.create(transaction=row, sequence=sequence, action="MeterValues", at=started_at)
    return row


def prune(now, **changes):
    return books_prune(
        **{"commands_before": now - timedelta(days=7), "transactions_before": now - timedelta(days=9)} | changes
    )


def test_old_commands_and_transactions_are_forgotten_and_nothing_else(organization, now):
    charger = make_charger(organization)
    make_command(charger, created_at=now - timedelta(days=8))
    new = make_command(charger, created_at=now - timedelta(days=6))
    make_transaction(charger, now - timedelta(days=11), now - timedelta(days=10))
    long = make_transaction(charger, now - timedelta(days=11), now - timedelta(days=8))
    ChargerMemory.objects.create(charger=charger, lease_epoch=1, state={}, at=now - timedelta(days=99))
    assert prune(now) == 2
    assert [row.id for row in Command.objects.all()] == [new.id]
    assert [row.id for row in Transaction.objects.all()] == [long.id]
    assert set(TransactionMessage.objects.values_list("transaction_id", flat=True)) == {long.id}
    assert ChargerMemory.objects.count() == 1


def test_what_has_no_end_yet_is_kept_however_old(organization, now):
    charger = make_charger(organization)
    for status in ("queued", "running"):
        make_command(charger, status=status, created_at=now - timedelta(days=99))
    make_transaction(charger, now - timedelta(days=99))
    assert prune(now) == 0


def test_what_a_deleted_charger_left_goes_in_batches(organization, now, monkeypatch):
    monkeypatch.setattr(forgetting, "BATCH", 2)
    gone, alive = make_chargers(organization, 2)
    for charger in (gone, alive):
        for _ in range(5):
            make_command(charger, status="queued")
            make_transaction(charger, now)
        ChargerMemory.objects.create(charger=charger, lease_epoch=1, state={}, at=now)
    Charger.objects.filter(id=gone.id).delete()
    assert Transaction.objects.count() == 10
    assert prune(now) == 10
    assert (Command.objects.count(), Transaction.objects.count(), TransactionMessage.objects.count()) == (5, 5, 15)
    assert ChargerMemory.objects.count() == 1


def test_the_memory_of_a_charger_goes_with_it(organization, now):
    charger = make_charger(organization)
    ChargerMemory.objects.create(charger=charger, lease_epoch=1, state={}, at=now)
    charger.delete()
    assert not ChargerMemory.objects.exists()


def test_it_says_when_its_time_was_not_enough(organization, now):
    make_command(make_charger(organization), created_at=now - timedelta(days=8))
    assert prune(now, seconds=-1) is None
    assert Command.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_it_goes_around_rows_on_which_somebody_works(organization, now):
    command = make_command(make_charger(organization), created_at=now - timedelta(days=8))
    with transaction.atomic():
        Command.objects.select_for_update().get(id=command.id)
        assert Elsewhere(lambda: prune(now)).result() == 0
    assert prune(now) == 1


def test_the_tasks_forget_by_the_settings_and_end_orphans(organization, now, settings):
    settings.COMMAND_RETENTION_DAYS, settings.TRANSACTION_RETENTION_DAYS = 2, 3
    charger = make_charger(organization, host=make_host(), lease_epoch=1)
    make_command(charger, created_at=now - timedelta(days=3))
    make_transaction(charger, now - timedelta(days=5), now - timedelta(days=4))
    prune_books()
    assert not Command.objects.exists()
    assert not Transaction.objects.exists()
    orphan = make_command(charger, status="queued")
    held = make_command(charger, status="queued", host_id=charger.host_id)
    lose_orphans()
    orphan.refresh_from_db()
    held.refresh_from_db()
    assert (orphan.status, held.status) == ("lost", "queued")
