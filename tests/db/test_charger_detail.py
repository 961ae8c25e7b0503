"""One charger: get, update, delete."""

import pytest

from chargers.models import Charger
from tests.support.chargers import WS_URL, make_charger, make_host, make_location, make_messages, make_model, snapshot

pytestmark = pytest.mark.django_db


@pytest.fixture
def charger(organization):
    location = make_location(organization)
    return make_charger(organization, identity="LIN-01", name="Bay 1", location=location)


def path(charger, tail=""):
    return f"/ocpp/chargers/{charger.public_id}{tail}"


def test_it_shows_a_charger_in_the_contract_s_words(api, organization):
    model = make_model("two", connector_count=2, max_power_w=44_000, image_url="https://x.test/i.png")
    charger = make_charger(organization, model=model, identity="A", host=make_host("sim-1"))
    answer = api.get(path(charger))
    assert answer.status_code == 200
    body = answer.json()
    assert body.pop("created_at").endswith("Z")
    assert body.pop("updated_at").endswith("Z")
    assert body == {
        "id": charger.public_id,
        "identity": "A",
        "name": None,
        "vendor_name": "Acme",
        "model": "Two",
        "image_url": "https://x.test/i.png",
        "ocpp_version": "OCPP1.6",
        "number_of_connectors": 2,
        "max_charging_power": 44_000,
        "connector_type": "Type2",
        "location_id": None,
        "connection_state": "offline",
        "connection_error": "",
        "provisioning_status": "PROVISIONING",
        "ws_url": WS_URL,
        "host": "sim-1",
        "wanted": True,
        "message_log": "all",
    }


@pytest.mark.parametrize(
    "charger_id", ["dep-000000000000", "nonsense", "%00", "dep-%F0%9F%94%8C", "1", "%20", "x" * 300]
)
@pytest.mark.parametrize(
    ("method", "tail"),
    [
        ("get", ""),
        ("put", ""),
        ("delete", ""),
        ("get", "/logs"),
        ("post", "/start-charger"),
        ("post", "/stop-charger"),
        ("post", "/reset-charger"),
    ],
)
def test_it_does_not_find_an_unknown_charger(api, charger, method, tail, charger_id):
    before = snapshot()
    answer = getattr(api, method)(f"/ocpp/chargers/{charger_id}{tail}", **({} if method == "get" else {"data": {}}))
    assert answer.status_code == 404
    assert isinstance(answer.json()["detail"], str)
    assert snapshot() == before


@pytest.mark.parametrize(
    ("method", "tail"),
    [("get", ""), ("put", ""), ("delete", ""), ("get", "/logs"), ("post", "/stop-charger"), ("post", "/reset-charger")],
)
def test_it_does_not_find_another_organization_s_charger(other_api, charger, method, tail):
    before = snapshot()
    data = {} if method == "get" else {"data": {"name": "Mine"}}
    assert getattr(other_api, method)(path(charger, tail), **data).status_code == 404
    assert snapshot() == before


@pytest.mark.parametrize("tail", ["", "/logs"])
def test_it_wants_a_token(anonymous_api, charger, tail):
    assert anonymous_api.get(path(charger, tail)).status_code == 401


def test_an_admin_token_names_the_organization(admin_api, charger, organization, other_organization):
    assert admin_api.get(path(charger)).status_code == 403
    assert admin_api.get(path(charger), headers={"X-Organization-Id": str(organization.id)}).status_code == 200
    assert admin_api.get(path(charger), headers={"X-Organization-Id": str(other_organization.id)}).status_code == 404


# --- update ---


def test_it_changes_only_the_given_values(api, charger):
    before = snapshot()[0]
    answer = api.put(path(charger), {"charge_point_name": "Bay 1 (east)"})
    assert answer.status_code == 200
    assert answer.json()["name"] == "Bay 1 (east)"
    after = snapshot()[0]
    assert after.pop("updated_at") > before.pop("updated_at")
    assert after == {**before, "name": "Bay 1 (east)"}


def test_it_changes_what_the_log_keeps_without_a_new_session(api, charger):
    assert api.put(path(charger), {"message_log": "transactions"}).json()["message_log"] == "transactions"
    row = snapshot()[0]
    assert (row["message_log"], row["revision"]) == ("transactions", 0)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"name": "Bay 1"},
        {"connector_type": None, "ocpp_version": None, "ws_url": None},
        {"ws_url": WS_URL + "/", "ocpp_version": "ocpp1.6"},
        {"identity": "OTHER", "model": "x", "unknown": 1},
    ],
)
def test_it_writes_nothing_when_nothing_changes(api, charger, body):
    before = snapshot()
    answer = api.put(path(charger), body)
    assert answer.status_code == 200
    assert snapshot() == before


@pytest.mark.parametrize("data", [None, ""])
def test_an_absent_body_changes_nothing(api, charger, data):
    before = snapshot()
    assert api.put(path(charger), data, content_type="application/json").status_code in {200, 422}
    assert snapshot() == before


@pytest.mark.parametrize(
    ("body", "name"),
    [
        ({"name": "A"}, "A"),
        ({"charge_point_name": "B"}, "B"),
        ({"name": "A", "charge_point_name": "B"}, "B"),
        ({"name": None}, None),
        ({"charge_point_name": None}, None),
        ({"name": "A", "charge_point_name": None}, None),
        ({"name": None, "charge_point_name": "B"}, "B"),
        ({"name": "  trimmed "}, "trimmed"),
    ],
)
def test_charge_point_name_wins_over_name(api, charger, body, name):
    assert api.put(path(charger), body).json()["name"] == name


def test_null_takes_a_charger_out_of_its_location(api, charger):
    assert api.put(path(charger), {"location_id": None, "location_name": None}).json()["location_id"] is None


def test_it_moves_to_another_location_of_the_organization(api, organization, charger):
    to = make_location(organization, "Yard")
    assert api.put(path(charger), {"location_id": str(to.id)}).json()["location_id"] == str(to.id)
    assert snapshot()[0]["revision"] == 0


@pytest.mark.parametrize(
    ("body", "column", "value"),
    [
        ({"ws_url": "WSS://other.test/x//"}, "ws_url", "wss://other.test/x"),
        ({"ocpp_version": "ocpp2.0.1"}, "ocpp_version", "OCPP2.0.1"),
        ({"ocpp_version": "oCpP2.0.1"}, "ocpp_version", "OCPP2.0.1"),
        ({"connector_type": "CCS2"}, "connector_type", "CCS2"),
    ],
)
def test_a_new_address_version_or_connector_restarts_the_session(api, charger, body, column, value):
    assert api.put(path(charger), body).status_code == 200
    row = snapshot()[0]
    assert row[column] == value
    assert row["revision"] == 1
    assert api.put(path(charger), body).status_code == 200
    assert snapshot()[0]["revision"] == 1, "the same value again is no change"


def test_it_leaves_what_the_host_writes_alone(api, charger):
    host = make_host()
    Charger.objects.filter(pk=charger.pk).update(
        host=host,
        lease_epoch=7,
        connection_state="online",
        provisioning_status="READY",
        provisioned_at=charger.created_at,
    )
    api.put(path(charger), {"ws_url": "ws://new.test", "name": "N"})
    row = snapshot()[0]
    assert (row["host_id"], row["lease_epoch"], row["connection_state"], row["provisioning_status"]) == (
        host.id,
        7,
        "online",
        "READY",
    )


def test_an_identity_in_use_at_the_new_address_is_refused(api, organization, other_organization, charger):
    make_charger(organization, identity="LIN-01", ws_url="ws://b.test")
    make_charger(other_organization, identity="LIN-01", ws_url="ws://c.test")
    before = snapshot()
    answer = api.put(path(charger), {"ws_url": "ws://b.test/", "name": "x"})
    assert answer.status_code == 400
    assert answer.json()["code"] == "identity_in_use"
    assert isinstance(answer.json()["detail"], str)
    assert snapshot() == before
    assert api.put(path(charger), {"ws_url": "ws://c.test"}).status_code == 200, "another organization does not count"


@pytest.mark.parametrize(
    "location_id", ["", "nonsense", "7c1d0f52-9a3e-4d0b-8a55-0f6e2b1c9d10", "foreign", 5, {}, ["x"], "\x00"]
)
def test_an_unknown_location_is_refused(api, other_organization, charger, location_id):
    if location_id == "foreign":
        location_id = str(make_location(other_organization).id)
    before = snapshot()
    answer = api.put(path(charger), {"location_id": location_id, "name": "x"})
    assert answer.status_code in {400, 422}
    if answer.status_code == 400:
        assert answer.json()["code"] == "location_unknown"
    else:
        assert answer.json()["detail"][0]["loc"] == ["body", "location_id"]
    assert snapshot() == before


@pytest.mark.parametrize(
    ("body", "loc"),
    [
        ({"name": 5}, ["name"]),
        ({"name": ""}, ["name"]),
        ({"name": "x" * 201}, ["name"]),
        ({"name": "a\x00b"}, ["name"]),
        ({"charge_point_name": ["x"]}, ["charge_point_name"]),
        ({"connector_type": "Type9"}, ["connector_type"]),
        ({"connector_type": "type2"}, ["connector_type"]),
        ({"connector_type": ""}, ["connector_type"]),
        ({"connector_type": 2}, ["connector_type"]),
        ({"ocpp_version": "OCPP3.0"}, ["ocpp_version"]),
        ({"ocpp_version": 1.6}, ["ocpp_version"]),
        ({"message_log": "some"}, ["message_log"]),
        ({"ocpp_version": "1.6"}, ["ocpp_version"]),
        ({"ws_url": "http://h"}, ["ws_url"]),
        ({"ws_url": ""}, ["ws_url"]),
        ({"ws_url": "ws://"}, ["ws_url"]),
        ({"ws_url": "ws://u:p@h"}, ["ws_url"]),
        ({"ws_url": "ws://h/#x"}, ["ws_url"]),
        ({"ws_url": "ws://h:99999"}, ["ws_url"]),
        ({"ws_url": "ws://h/" + "x" * 600}, ["ws_url"]),
        ({"ws_url": True}, ["ws_url"]),
        ({"location_name": 1}, ["location_name"]),
        ([], []),
        ("text", []),
        (5, []),
    ],
)
def test_bad_values_are_named_and_nothing_is_written(api, charger, body, loc):
    before = snapshot()
    answer = api.put(path(charger), body)
    assert answer.status_code == 422, answer.content
    problem = answer.json()["detail"][0]
    assert problem["loc"] == ["body", *loc]
    assert problem["msg"]
    assert problem["type"]
    assert snapshot() == before


def test_it_names_every_bad_value_at_once(api, charger):
    answer = api.put(path(charger), {"name": 1, "ws_url": "x", "ocpp_version": "y"})
    assert {problem["loc"][1] for problem in answer.json()["detail"]} == {"name", "ws_url", "ocpp_version"}


@pytest.mark.parametrize("data", ["{", "not json", '{"name": "\\ud800"}', '{"name": NaN}'])
def test_a_body_that_cannot_be_read_is_a_422(api, charger, data):
    before = snapshot()
    answer = api.put(path(charger), data, content_type="application/json")
    assert answer.status_code == 422, answer.content[:200]
    assert snapshot() == before


def test_an_update_takes_few_queries(api, organization, charger, django_assert_max_num_queries):
    to = make_location(organization)
    with django_assert_max_num_queries(11):
        api.put(path(charger), {"ws_url": "ws://new.test", "location_id": str(to.id), "name": "N"})


# --- delete ---


def test_it_deletes_a_charger_once(api, organization, charger):
    other = make_charger(organization)
    make_messages(charger, 3)
    answer = api.delete(path(charger))
    assert answer.status_code == 204
    assert not answer.content
    assert [row["id"] for row in snapshot()] == [other.pk]
    assert api.delete(path(charger)).status_code == 404
    assert api.get(path(charger, "/logs")).status_code == 404


def test_a_reused_identity_does_not_see_the_old_log(api, organization, charger):
    make_messages(charger, 3)
    api.delete(path(charger))
    again = make_charger(organization, identity=charger.identity)
    assert api.get(path(again, "/logs")).json()["total"] == 0


@pytest.mark.parametrize("method", ["post", "patch"])
def test_other_methods_are_not_allowed(api, charger, method):
    assert getattr(api, method)(path(charger), {}).status_code == 405
