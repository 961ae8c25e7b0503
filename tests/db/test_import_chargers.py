"""import_chargers FILE."""

import json
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction

from chargers.models import Charger
from chargers.services.importing import chargers_import
from tests.support.chargers import make_charger, make_location, make_model, snapshot
from tests.support.races import Elsewhere

pytestmark = pytest.mark.django_db

HEADER = "identity,brand_slug,model_slug,connector_type,ws_url,ocpp_version,name,location\n"
GOOD = {
    "identity": "A",
    "brand_slug": "acme",
    "model_slug": "pulse-22",
    "connector_type": "Type2",
    "ws_url": "ws://csms.test",
}


@pytest.fixture(autouse=True)
def _catalog(organization):
    make_model()
    make_model("other")


@pytest.fixture
def load(organization, tmp_path, capsys):
    """Import a text or a list of objects; return what the command printed."""

    def run(content, name=None, **options):
        path: Path = tmp_path / (name or ("chargers.csv" if isinstance(content, str) else "chargers.json"))
        path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
        call_command("import_chargers", path, organization="Test Org", **options)
        return capsys.readouterr().out.strip()

    return run


def test_it_makes_chargers_from_csv(load, organization):
    place = make_location(organization, slug="depot")
    out = load(
        HEADER
        + "A,acme,pulse-22,Type2,WS://csms.test/,ocpp2.0.1,Bay 1,depot\n"
        + f'"B, left",acme,other,CCS2,ws://csms.test,,,{place.id}\n'
    )
    assert out == "chargers: 2 created, 0 changed, 0 unchanged"
    a, b = snapshot()
    assert (a["identity"], a["ws_url"], a["ocpp_version"], a["name"]) == ("A", "ws://csms.test", "OCPP2.0.1", "Bay 1")
    assert (b["identity"], b["ocpp_version"], b["name"]) == ("B, left", "OCPP1.6", None)
    assert {a["location_id"], b["location_id"]} == {place.id}
    assert {row["wanted"] for row in (a, b)} == {True}
    assert {row["provisioning_status"] for row in (a, b)} == {"PROVISIONING"}
    assert {row["organization_id"] for row in (a, b)} == {organization.id}


def test_it_makes_chargers_from_json(load):
    assert load([GOOD, GOOD | {"identity": "B", "name": None}]) == "chargers: 2 created, 0 changed, 0 unchanged"


def test_a_second_run_changes_nothing(load, organization):
    make_location(organization, slug="depot")
    rows = [GOOD | {"location": "depot", "name": "N", "ocpp_version": "ocpp1.6"}, GOOD | {"identity": "B"}]
    load(rows)
    before = snapshot()
    assert load(rows) == "chargers: 0 created, 0 changed, 2 unchanged"
    assert snapshot() == before


def test_it_changes_what_differs_and_leaves_what_the_file_does_not_say(load):
    load([GOOD | {"name": "N", "location_name": "L"}, GOOD | {"identity": "B"}])
    before = snapshot()
    assert (
        load([GOOD | {"connector_type": "CCS2"}, GOOD | {"identity": "B"}])
        == "chargers: 0 created, 1 changed, 1 unchanged"
    )
    a, b = snapshot()
    assert (a["connector_type"], a["name"], a["location_name"]) == ("CCS2", "N", "L")
    assert a["revision"] == 1, "its session starts anew"
    assert b == before[1]


def test_a_dry_run_says_what_would_be_done_and_writes_nothing(load):
    load([GOOD])
    before = snapshot()
    out = load([GOOD | {"name": "new"}, GOOD | {"identity": "B"}], dry_run=True)
    assert out == "chargers: 1 would be created, 1 would be changed, 0 unchanged"
    assert snapshot() == before


def test_every_error_is_reported_with_its_line_and_nothing_is_written(load, organization, other_organization):
    make_location(other_organization, slug="foreign")
    make_charger(organization, identity="M", ws_url="ws://h")
    before = snapshot()
    with pytest.raises(CommandError) as caught:
        load(
            HEADER
            + "A,acme,pulse-22,Type2,ws://csms.test,,,\n"
            + "B,acme,nope,Type2,ws://csms.test,,,\n"
            + "C,acme,pulse-22,Type9,http://h,OCPP9,,\n"
            + "A,acme,pulse-22,Type2,ws://csms.test/,,,\n"
            + "D,acme,pulse-22,Type2,ws://csms.test,,,foreign\n"
            + "E,acme,pulse-22,Type2,,,,\n"
            + "M,acme,other,Type2,ws://h,,,\n"
            + f"{'x' * 49},acme,pulse-22,Type2,ws://h,,,\n"
        )
    report = str(caught.value).splitlines()
    assert report[-1] == "9 errors, nothing was imported."
    starts = [
        "line 3: model_slug: the catalog has no model 'nope' of brand 'acme'",
        "line 4: connector_type: 'Type9' is not a known connector type",
        "line 4: ocpp_version: 'OCPP9' is not a known OCPP version",
        "line 4: ws_url: The address must start with ws:// or wss://",
        "line 5: line 2 means the same charger",
        "line 6: location: the organization has no location with slug or id 'foreign'",
        "line 7: ws_url",
        "line 8: model_slug: this charger is there with another model",
        "line 9: identity: The identity 'xxx",
    ]
    for line, start in zip(report, starts, strict=False):
        assert line.startswith(start), (line, start)
    assert snapshot() == before


@pytest.mark.parametrize(
    "row",
    [
        GOOD | {"identity": 5},
        GOOD | {"identity": ["A"]},
        GOOD | {"identity": "a\x00b"},
        GOOD | {"identity": "\ud800"},
        GOOD | {"ws_url": {"a": 1}},
        GOOD | {"name": True},
        GOOD | {"location": 7},
        GOOD | {"brand_slug": ""},
        GOOD | {"surprise": 1},
        {"identity": "A"},
        {},
    ],
)
def test_json_values_of_the_wrong_kind_are_errors(load, row):
    with pytest.raises(CommandError, match="line 1: "):
        load([GOOD | {"identity": "Z"}, row])
    assert not Charger.objects.exists()


def test_the_identity_of_another_organization_does_not_matter(load, other_organization):
    make_charger(other_organization, identity="A", ws_url="ws://csms.test")
    assert load([GOOD]) == "chargers: 1 created, 0 changed, 0 unchanged"


def test_many_rows_take_a_few_queries_a_batch(organization, tmp_path, django_assert_max_num_queries):
    path = tmp_path / "many.json"
    path.write_text(json.dumps([GOOD | {"identity": f"CP-{number}"} for number in range(2500)]))
    with django_assert_max_num_queries(33):
        assert chargers_import(organization=organization, path=path).created == 2500
    path.write_text(json.dumps([GOOD | {"identity": f"CP-{number}", "name": "N"} for number in range(2500)]))
    with django_assert_max_num_queries(30):
        assert chargers_import(organization=organization, path=path).changed == 2500
    assert Charger.objects.filter(name="N").count() == 2500


def test_an_organization_that_is_not_there_is_said(tmp_path):
    with pytest.raises(CommandError, match="Known: Test Org"):
        call_command("import_chargers", tmp_path / "x.csv", organization="Nobody")


def test_a_missing_file_is_said(organization, tmp_path):
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("import_chargers", tmp_path / "x.csv", organization="Test Org")


@pytest.mark.django_db(transaction=True)
def test_an_identity_taken_in_this_very_moment_fails_the_import(organization, tmp_path):
    path = tmp_path / "a.json"
    path.write_text(json.dumps([GOOD, GOOD | {"identity": "B"}]))
    with transaction.atomic():
        make_charger(organization, identity="A", ws_url="ws://csms.test")
        loading = Elsewhere(lambda: chargers_import(organization=organization, path=path)).until_blocked()
    with pytest.raises(Exception, match="another charger has just taken it") as caught:
        loading.result()
    assert caught.value.code == "import_failed"
    assert [row["identity"] for row in snapshot()] == ["A"]
