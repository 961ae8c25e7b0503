"""CSMS_TARGETS where addresses are given: API, admin, import. Nothing is written on a refusal."""

import json

import pytest
from django.core.management import CommandError, call_command

from chargers.models import Charger
from jobs.models import ProvisioningJob
from ocpplab.accounts.models import User
from ocpplab.common.targets import Targets
from tests.support.chargers import WS_URL, make_charger, make_location, make_model, snapshot

pytestmark = pytest.mark.django_db

TEMPLATE = {"brand_slug": "acme", "model_slug": "pulse-22", "connector_type": "Type2"}
REFUSED = ["ws://10.1.2.3/ocpp", "wss://169.254.169.254/x", "ws://2130706433:8000/csms", "ws://[::ffff:10.0.0.1]/"]


@pytest.fixture(autouse=True)
def _rules(settings):
    make_model()
    settings.CSMS_TARGETS = Targets("CSMS_TARGETS", ["public", "csms.test"])


def problem(answer):
    assert answer.status_code == 422, answer.content
    [entry] = answer.json()["detail"]
    assert entry["type"] == "target_not_allowed"
    assert "CSMS_TARGETS" in entry["msg"]
    return entry["loc"]


@pytest.mark.parametrize("ws_url", REFUSED)
def test_a_bulk_request_to_a_refused_target_writes_nothing(api, organization, ws_url):
    place = make_location(organization)
    groups = [
        {"template": TEMPLATE | {"ws_url": WS_URL}, "chargers_number": 1},
        {"template": TEMPLATE | {"ws_url": ws_url}, "chargers_number": 1},
    ]
    answer = api.post(f"/ocpp/locations/{place.id}/chargers", groups)
    assert problem(answer) == ["body", 1, "template", "ws_url"]
    assert not ProvisioningJob.objects.exists()


def test_a_single_create_to_a_refused_target_writes_nothing(api):
    answer = api.post("/ocpp/chargers", TEMPLATE | {"identity": "A", "ws_url": "ws://192.168.0.9"})
    assert problem(answer) == ["body", "ws_url"]
    assert not Charger.objects.exists()


@pytest.mark.parametrize(("port", "status"), [(9000, 202), (9002, 422), ("", 422)])
def test_ports_count_and_the_schemes_port_when_there_is_none(api, settings, port, status):
    host = f"other.test:{port}" if port else "other.test"
    settings.CSMS_TARGETS = Targets("CSMS_TARGETS", ["other.test:9000-9001"])
    answer = api.post("/ocpp/chargers", TEMPLATE | {"identity": "A", "ws_url": f"ws://{host}/x"})
    assert answer.status_code == status


def test_a_charger_does_not_move_to_a_refused_target(api, organization):
    charger = make_charger(organization)
    before = snapshot()
    answer = api.put(f"/ocpp/chargers/{charger.public_id}", {"ws_url": "ws://10.0.0.1"})
    assert problem(answer) == ["body", "ws_url"]
    assert snapshot() == before


def test_the_admin_refuses_a_new_address_and_leaves_an_old_one_alone(client, organization):
    client.force_login(User.objects.create(username="root", is_staff=True, is_superuser=True))
    charger = make_charger(organization, ws_url="ws://10.0.0.1:9000")
    page = f"/admin/chargers/charger/{charger.pk}/change/"
    form = {"connector_type": "Type2", "ocpp_version": "OCPP1.6", "ws_url": "ws://10.0.0.2", "name": "N"}
    form |= {"location": "", "location_name": "", "message_log": "all"}
    refused = client.post(page, form)
    assert "CSMS_TARGETS" in str(refused.context["errors"])
    assert client.post(page, form | {"ws_url": "ws://10.0.0.1:9000"}).status_code == 302
    [row] = snapshot()
    assert (row["ws_url"], row["name"]) == ("ws://10.0.0.1:9000", "N")


def test_an_import_names_the_line_and_imports_nothing(organization, tmp_path):
    rows = [TEMPLATE | {"identity": name, "ws_url": url} for name, url in (("A", WS_URL), ("B", "ws://10.0.0.1"))]
    file = tmp_path / "chargers.json"
    file.write_text("\n".join(["[", json.dumps(rows[0]) + ",", json.dumps(rows[1]), "]"]))
    with pytest.raises(CommandError, match=r"line 3: ws_url: 10\.0\.0\.1:80 is an address of a private network"):
        call_command("import_chargers", file, organization=organization.name)
    assert not Charger.objects.exists()
