"""rotate_secrets: everything sealed with the newest key, nothing lost, whoever writes meanwhile."""

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from chargers.models import ChargerMemory, Command
from chargers.services import sealing
from ocpplab.common.sealing import Vault, vault
from tests.support.chargers import make_charger, make_host

pytestmark = pytest.mark.django_db
KEY = "SecurityCtrlr/BasicAuthPassword/"


@pytest.fixture(autouse=True)
def keys(settings):
    """Set ENCRYPTION_KEYS."""

    def change(*new):
        settings.ENCRYPTION_KEYS = list(new)
        vault.cache_clear()

    change("old")
    yield change
    vault.cache_clear()


def memory_of(organization, state):
    charger = make_charger(organization)
    return ChargerMemory.objects.create(charger=charger, lease_epoch=1, state=state, at=timezone.now())


def order_of(charger, payload):
    return Command.objects.create(
        charger=charger, kind="set_configuration", payload=payload, host_id=make_host().pk, lease_epoch=1
    )


def rotate(capsys):
    call_command("rotate_secrets")
    return capsys.readouterr().out.strip()


def test_all_that_holds_secrets_is_sealed_with_the_newest_key(organization, keys, capsys):
    sealed = vault().seal("password")
    row = memory_of(
        organization, {"settings": {KEY: sealed}, "upkeep": {"key": "k"}, "set_aside": [{"settings": {KEY: "p"}}]}
    )
    plain = memory_of(organization, {"settings": {"HeartbeatInterval": "7"}})
    order = order_of(row.charger, {"configuration": {"AuthorizationKey": "open", "HeartbeatInterval": "7"}})
    keys("new", "old")
    assert rotate(capsys) == "2 rows sealed anew, 0 were before"
    only = Vault(["new"])
    row.refresh_from_db()
    assert only.open(row.state["settings"][KEY]) == "password"
    assert only.open(row.state["upkeep"]["key"]) == "k"
    assert only.open(row.state["set_aside"][0]["settings"][KEY]) == "p"
    order.refresh_from_db()
    assert only.open(order.payload["configuration"]["AuthorizationKey"]) == "open"
    assert order.payload["configuration"]["HeartbeatInterval"] == "7"
    plain.refresh_from_db()
    assert plain.state == {"settings": {"HeartbeatInterval": "7"}}
    assert rotate(capsys) == "0 rows sealed anew, 2 were before"


def test_what_cannot_be_opened_is_left_as_it_is_and_told(organization, keys):
    row = memory_of(organization, {"settings": {KEY: Vault(["lost"]).seal("password")}})
    before = row.state
    with pytest.raises(CommandError, match="1 rows are sealed with a key that is not in ENCRYPTION_KEYS"):
        call_command("rotate_secrets")
    row.refresh_from_db()
    assert row.state == before


def test_a_memory_that_its_host_writes_meanwhile_is_not_overwritten(organization, keys, capsys, monkeypatch):
    row = memory_of(organization, {"settings": {KEY: "first"}})
    written = []

    def and_the_host_writes(stored):
        if not written:
            written.append(stored)
            ChargerMemory.objects.filter(pk=row.pk).update(state={"settings": {KEY: "second"}, "at": 7})
        return Vault(["old"]).resealed(stored)

    monkeypatch.setattr(vault(), "resealed", and_the_host_writes, raising=False)
    assert rotate(capsys) == "1 rows sealed anew, 0 were before"
    row.refresh_from_db()
    assert vault().open(row.state["settings"][KEY]) == "second"
    assert row.state["at"] == 7


def test_a_row_that_is_written_whenever_we_look_is_told(organization, keys, monkeypatch):
    memory_of(organization, {"settings": {KEY: "first"}})
    monkeypatch.setattr(sealing, "_MEMORY", sealing._Kind(lambda _: {}, lambda _: {"x": 1}, lambda *_: False))
    with pytest.raises(CommandError, match="1 were being written"):
        call_command("rotate_secrets")
