"""prune_messages: the service, the command, the task."""

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction
from django.utils import timezone

from chargers.models import Message, SimulatorHost
from chargers.services import pruning
from chargers.services.pruning import hosts_forget, messages_prune
from chargers.tasks import prune_messages
from ocpplab.celery import app
from tests.support.chargers import make_charger, make_chargers, make_host, make_messages
from tests.support.races import Elsewhere

pytestmark = pytest.mark.django_db


@pytest.fixture
def now():
    return timezone.now()


def left():
    return set(Message.objects.values_list("message", flat=True))


def test_it_deletes_what_is_older_and_nothing_else(organization, now):
    for charger in make_chargers(organization, 3):
        make_messages(charger, 1, at=now - timedelta(days=8), message="old")
        make_messages(charger, 1, at=now - timedelta(days=6), message="new")
    assert messages_prune(before=now - timedelta(days=7)) == (3, True)
    assert left() == {"new"}


def test_it_deletes_all_messages_of_deleted_chargers(organization, now):
    gone, alive = make_chargers(organization, 2)
    make_messages(gone, 3, at=now, message="gone")
    make_messages(alive, 1, at=now, message="alive")
    gone.delete()
    assert messages_prune(before=now - timedelta(days=7)) == (3, True)
    assert left() == {"alive"}


def test_it_works_in_batches_over_many_chargers(organization, now, monkeypatch):
    monkeypatch.setattr(pruning, "BATCH", 4)
    monkeypatch.setattr(pruning, "CHARGERS", 2)
    for charger in make_chargers(organization, 5):
        make_messages(charger, 9, message="old")
    steps = []
    assert messages_prune(before=now, advance=lambda done, total: steps.append((done, total))) == (45, True)
    assert steps == [(2, 5), (4, 5), (5, 5)]


def test_it_stops_when_its_time_is_over(organization, now):
    make_messages(make_charger(organization), 3)
    assert messages_prune(before=now, seconds=-1) == (0, False)
    assert Message.objects.count() == 3


def test_an_empty_log_is_fine(now, db):
    assert messages_prune(before=now) == (0, True)


@pytest.mark.django_db(transaction=True)
def test_two_at_once_do_not_wait_for_each_other(organization, now):
    make_messages(make_charger(organization), 10)
    with transaction.atomic():
        list(Message.objects.select_for_update().order_by("id")[:4])
        assert Elsewhere(lambda: messages_prune(before=now)).result() == (6, True)


def test_the_command_deletes_by_days(organization, now, capsys):
    charger = make_charger(organization)
    make_messages(charger, 2, at=now - timedelta(days=3))
    make_messages(charger, 1, at=now - timedelta(hours=3))
    call_command("prune_messages")
    assert capsys.readouterr().out == "0 messages deleted\n"
    call_command("prune_messages", days=2)
    assert capsys.readouterr().out == "2 messages deleted\n"
    call_command("prune_messages", days=0)
    assert not Message.objects.exists()


def test_the_command_can_keep_to_one_charger(organization, capsys):
    one, other = make_chargers(organization, 2)
    make_messages(one, 2, message="one")
    make_messages(other, 2, message="other")
    call_command("prune_messages", days=0, charger=one.public_id)
    assert left() == {"other"}


@pytest.mark.parametrize("arguments", [["--days", "-1"], ["--days", "x"], ["--days", "nan"], ["--charger", "dep-none"]])
def test_the_command_refuses_nonsense(organization, arguments):
    make_messages(make_charger(organization), 1)
    with pytest.raises(CommandError):
        call_command("prune_messages", *arguments)
    assert Message.objects.exists()


def test_hosts_that_went_long_ago_are_forgotten(organization, now):
    make_host("live")
    make_host("fresh", status="gone", gone_at=now - timedelta(hours=23))
    make_host("old", status="gone", gone_at=now - timedelta(hours=25))
    assert hosts_forget() == 1
    assert set(SimulatorHost.objects.values_list("name", flat=True)) == {"live", "fresh"}


def test_the_task_bears_the_name_that_beat_calls(organization, now, settings):
    assert app.tasks["chargers.prune_messages"].name == prune_messages.name
    assert settings.CELERY_BEAT_SCHEDULE["chargers.prune_messages"]["task"] == prune_messages.name
    settings.MESSAGE_RETENTION_DAYS = 2
    charger = make_charger(organization)
    make_messages(charger, 1, at=now - timedelta(days=3), message="old")
    make_messages(charger, 1, at=now - timedelta(days=1), message="new")
    prune_messages()
    assert left() == {"new"}
