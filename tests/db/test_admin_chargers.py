"""Chargers, hosts and the message log in the admin."""

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse

from chargers.admin import message as message_admin
from chargers.admin import paging
from chargers.models import Charger, Message
from ocpplab.accounts.models import User
from tests.support.chargers import (
    WS_URL,
    make_charger,
    make_chargers,
    make_host,
    make_location,
    make_messages,
    make_model,
    snapshot,
)

pytestmark = pytest.mark.django_db

LIST = "/admin/chargers/charger/"
LOG = "/admin/chargers/message/"
HOSTS = "/admin/chargers/simulatorhost/"


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


def identities(answer):
    assert answer.status_code == 200
    return {row.identity for row in answer.context["cl"].result_list}


def form_of(charger, **values):
    names = ["connector_type", "name", "location", "location_name", "ws_url", "ocpp_version", "message_log"]
    data = {name: getattr(charger, f"{name}_id" if name == "location" else name) or "" for name in names}
    return data | values


# --- list ---


def test_the_list_takes_the_same_few_queries_for_any_number(page, organization, django_assert_max_num_queries):
    page.get(LIST)
    make_chargers(organization, 50, host=make_host(), location=make_location(organization))
    with django_assert_max_num_queries(11):
        assert len(identities(page.get(LIST))) == 50


@pytest.mark.parametrize(
    "query",
    [
        "connection_state__exact=online",
        "provisioning_status__exact=READY",
        "wanted__exact=0",
        "ocpp_version__exact=OCPP2.0.1",
        "host={host}",
        "location={place}",
        "location__id__exact={place}",
        "organization__id__exact={organization}",
        "q=NEEDLE",
        "q=needle",
        "q={public_id}",
        "q=Somewhere",
    ],
)
def test_it_is_found_by_filter_and_search(page, organization, other_organization, query):
    place, host = make_location(other_organization, "Somewhere"), make_host()
    make_chargers(organization, 2)
    charger = make_charger(
        other_organization,
        identity="THE-NEEDLE",
        location=place,
        host=host,
        connection_state="online",
        provisioning_status="READY",
        provisioned_at="2026-01-01T00:00Z",
        wanted=False,
        ocpp_version="OCPP2.0.1",
    )
    query = query.format(host=host.pk, place=place.pk, organization=other_organization.pk, public_id=charger.public_id)
    assert identities(page.get(f"{LIST}?{query}")) == {"THE-NEEDLE"}


@pytest.mark.parametrize(
    ("query", "count"), [("host=none", 2), ("location=none", 2), ("host=nonsense", 0), ("location=x", 0)]
)
def test_filters_take_none_and_nonsense(page, organization, query, count):
    make_chargers(organization, 2)
    assert len(identities(page.get(f"{LIST}?{query}"))) == count


def test_a_member_sees_the_own_organization_only(own_page, organization, other_organization):
    mine, foreign = make_charger(organization), make_charger(other_organization)
    make_messages(mine, 1, message="mine")
    make_messages(foreign, 1, message="foreign")
    assert identities(own_page.get(LIST)) == {mine.identity}
    assert own_page.get(f"{LIST}{foreign.pk}/change/").status_code == 302
    assert own_page.get(f"{LIST}{foreign.pk}/call/").status_code == 404
    assert [row.message for row in own_page.get(LOG).context["cl"].result_list] == ["mine"]
    own_page.post(LIST, {"action": "stop", "_selected_action": [foreign.pk]})
    foreign.refresh_from_db()
    assert foreign.wanted


# --- actions ---


@pytest.mark.parametrize(("action", "wanted", "revision"), [("start", True, 0), ("stop", False, 0), ("reset", True, 1)])
def test_actions_go_through_the_services(page, organization, action, wanted, revision):
    chosen = make_chargers(organization, 3)
    Charger.objects.filter(pk=chosen[0].pk).update(wanted=False)
    other = make_charger(organization)
    before = snapshot(other.pk)
    answer = page.post(LIST, {"action": action, "_selected_action": [row.pk for row in chosen]}, follow=True)
    assert answer.status_code == 200
    rows = snapshot(*[row.pk for row in chosen])
    assert [(row["wanted"], row["revision"]) for row in rows] == [(wanted, revision)] * 3
    assert snapshot(other.pk) == before


def test_actions_reach_all_pages_of_a_filtered_list(page, organization):
    make_chargers(organization, 60)
    page.post(
        f"{LIST}?wanted__exact=1",
        {"action": "stop", "select_across": "1", "_selected_action": [Charger.objects.first().pk]},
    )
    assert not Charger.objects.filter(wanted=True).exists()


def test_deleting_many_asks_first_and_names_only_some(page, organization, django_assert_max_num_queries):
    rows = make_chargers(organization, 60)
    make_messages(rows[0], 2)
    data = {"action": "delete_selected", "select_across": "1", "_selected_action": [rows[0].pk]}
    with django_assert_max_num_queries(14):
        answer = page.post(LIST, data)
    assert "and 40 more" in answer.content.decode()
    assert Charger.objects.count() == 60
    page.post(LIST, data | {"post": "yes"})
    assert not Charger.objects.exists()


def test_one_is_deleted_from_its_page(page, organization):
    charger, other = make_chargers(organization, 2)
    page.post(f"{LIST}{charger.pk}/delete/", {"post": "yes"})
    assert [row["id"] for row in snapshot()] == [other.pk]


# --- one charger ---


def test_a_charger_is_made_and_wanted(page, organization):
    place, model = make_location(organization), make_model()
    answer = page.post(
        f"{LIST}add/",
        {
            "organization": organization.pk,
            "identity": "NEW",
            "model": model.pk,
            "connector_type": "CCS2",
            "name": "",
            "location": place.pk,
            "location_name": "",
            "ws_url": "WS://csms.test/",
            "ocpp_version": "OCPP1.6",
            "message_log": "all",
        },
    )
    assert answer.status_code == 302, answer.context["errors"]
    row = snapshot()[0]
    assert (row["identity"], row["ws_url"], row["name"]) == ("NEW", "ws://csms.test", None)
    assert (row["wanted"], row["provisioning_status"]) == (True, "PROVISIONING")


def test_a_change_writes_only_what_was_changed(page, organization):
    charger = make_charger(organization, identity="A", host=make_host(), lease_epoch=4, connection_state="online")
    place = make_location(organization)
    before = snapshot()[0]
    answer = page.post(f"{LIST}{charger.pk}/change/", form_of(charger, name="N", location=place.pk))
    assert answer.status_code == 302
    after = snapshot()[0]
    assert after.pop("updated_at") > before.pop("updated_at")
    assert after == before | {"name": "N", "location_id": place.pk}
    page.post(f"{LIST}{charger.pk}/change/", form_of(charger, ws_url="ws://new.test", name="", location=""))
    row = snapshot()[0]
    assert (row["ws_url"], row["revision"], row["name"], row["location_id"]) == ("ws://new.test", 1, None, None)


@pytest.mark.parametrize("forged", [{"identity": "X"}, {"host": ""}, {"connection_state": "offline"}, {"wanted": ""}])
def test_what_machines_write_cannot_be_posted(page, organization, forged):
    charger = make_charger(organization, host=make_host(), connection_state="online")
    before = snapshot()
    page.post(f"{LIST}{charger.pk}/change/", form_of(charger, **forged))
    assert snapshot() == before


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"ws_url": "http://h"}, "ws_url"),
        ({"ws_url": "ws://taken.test/"}, "ws_url"),
        ({"connector_type": "Type9"}, "connector_type"),
        ({"ocpp_version": "1.6"}, "ocpp_version"),
        ({"location": "foreign"}, "location"),
        ({"name": "x" * 201}, "name"),
    ],
)
def test_the_form_says_what_is_wrong_and_writes_nothing(page, organization, other_organization, values, field):
    charger = make_charger(organization, identity="A")
    make_charger(organization, identity="A", ws_url="ws://taken.test")
    if "location" in values:
        values = {"location": make_location(other_organization).pk}
    before = snapshot()
    answer = page.post(f"{LIST}{charger.pk}/change/", form_of(charger, **values))
    assert answer.status_code == 200
    assert list(answer.context["adminform"].form.errors) == [field]
    assert snapshot() == before


def test_a_clash_that_the_form_could_not_see_is_said_and_nothing_is_written(page, organization, monkeypatch):
    charger = make_charger(organization, identity="A")
    make_charger(organization, identity="A", ws_url="ws://taken.test")
    monkeypatch.setattr("chargers.admin.forms.ChargerForm._is_taken", lambda *_: False)  # it was free a moment ago
    before = snapshot()
    answer = page.post(f"{LIST}{charger.pk}/change/", form_of(charger, ws_url="ws://taken.test"), follow=True)
    said = [str(message) for message in answer.context["messages"]]
    assert len(said) == 1
    assert "identity already in use" in said[0]
    assert snapshot() == before


def test_the_page_of_a_charger_links_to_its_log_and_to_calls(page, organization):
    charger = make_charger(organization)
    text = page.get(f"{LIST}{charger.pk}/change/").content.decode()
    assert f"{LOG}?charger={charger.public_id}" in text
    assert reverse("admin:chargers_charger_call", args=[charger.pk]) in text


# --- calls ---


def test_times_are_shown_to_the_second_in_utc(page, organization):
    charger = make_charger(organization)
    shown = page.get(reverse("admin:chargers_charger_change", args=[charger.pk])).content.decode()
    assert f"{charger.created_at:%Y-%m-%d %H:%M:%S}" in shown


def test_a_call_to_a_charger_that_is_not_at_the_built_in_csms_is_said(page, organization):
    charger = make_charger(organization)
    address = f"{LIST}{charger.pk}/call/"
    assert "RemoteStartTransaction" in page.get(address).content.decode()
    answer = page.post(address, {"action": "Reset", "payload": '{"type": "Soft"}'})
    assert answer.status_code == 200
    assert "not_connected" in answer.content.decode()


def test_a_call_never_reaches_the_station_of_another_charger_with_that_identity(page, organization, monkeypatch):
    called = []
    monkeypatch.setattr("chargers.admin.call.station_call", lambda *, identity, **_: called.append(identity) or {})
    for ws_url in (WS_URL, "ws://lab.test/csms/one"):
        charger = make_charger(organization, identity="SAME", ws_url=ws_url)
        page.post(f"{LIST}{charger.pk}/call/", {"action": "ClearCache", "payload": "{}"})
    assert called == ["one/SAME"]


@pytest.mark.parametrize(
    "values", [{"action": ""}, {"action": "Reset", "payload": "[1]"}, {"action": "Reset", "payload": "{"}]
)
def test_a_call_that_is_no_call_is_refused(page, organization, values):
    answer = page.post(f"{LIST}{make_charger(organization).pk}/call/", values)
    assert answer.status_code == 200
    assert answer.context["form"].errors


def test_an_unknown_charger_cannot_be_called(page):
    assert page.get(f"{LIST}99/call/").status_code == 404


def test_who_may_only_look_may_not_call(client, organization):
    user = User.objects.create(username="looker", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename="view_charger"))
    client.force_login(user)
    charger = make_charger(organization)
    assert client.get(f"{LIST}{charger.pk}/change/").status_code == 200
    assert client.get(f"{LIST}{charger.pk}/call/").status_code == 403
    client.post(LIST, {"action": "stop", "_selected_action": [charger.pk]})
    charger.refresh_from_db()
    assert charger.wanted


# --- hosts ---


def test_hosts_show_their_sessions_and_cannot_be_changed(page, organization, django_assert_max_num_queries):
    hosts = [make_host(f"sim-{number}") for number in range(20)]
    make_chargers(organization, 3, host=hosts[0])
    with django_assert_max_num_queries(6):
        text = page.get(HOSTS).content.decode()
    assert f"?host={hosts[0].pk}" in text
    assert page.get(f"{HOSTS}{hosts[0].pk}/change/").status_code == 200
    assert page.get(f"{HOSTS}add/").status_code == 403
    assert page.post(f"{HOSTS}{hosts[0].pk}/delete/", {"post": "yes"}).status_code == 403
    assert page.post(f"{HOSTS}{hosts[0].pk}/change/", {"name": "x"}).status_code == 403


# --- log ---


def frames(answer):
    assert answer.status_code == 200
    return [row.message for row in answer.context["cl"].result_list]


def test_the_log_shows_the_newest_first_and_cannot_be_changed(page, organization):
    charger = make_charger(organization)
    rows = make_messages(charger, 3)
    assert frames(page.get(LOG)) == [row.message for row in reversed(rows)]
    assert f"{rows[0].at:%Y-%m-%d %H:%M:%S.%f}"[:-3] in page.get(f"{LOG}{rows[0].pk}/change/").content.decode()
    assert page.get(f"{LOG}add/").status_code == 403
    assert page.post(f"{LOG}{rows[0].pk}/delete/", {"post": "yes"}).status_code == 403
    assert Message.objects.count() == 3


@pytest.mark.parametrize(
    "query", ["charger={id}", "charger={identity}", "q={id}", "q={identity}", "q=StatusNotification"]
)
def test_the_log_is_searched_by_charger_and_action(page, organization, query):
    charger, other = make_chargers(organization, 2)
    make_messages(other, 2, message="other")
    make_messages(charger, 2, message="mine", action="StatusNotification")
    query = query.format(id=charger.public_id, identity=charger.identity)
    assert frames(page.get(f"{LOG}?{query}")) == ["mine", "mine"]


def test_an_unknown_charger_has_no_log(page, organization):
    make_messages(make_charger(organization), 1)
    assert frames(page.get(f"{LOG}?charger=dep-none")) == []
    assert frames(page.get(f"{LOG}?q=%00")) != []


def test_without_a_charger_only_the_newest_rows_are_looked_at(page, organization, monkeypatch):
    monkeypatch.setattr(message_admin, "WINDOW", 3)
    monkeypatch.setattr(paging, "COUNTED", 4)
    charger = make_charger(organization)
    make_messages(charger, 6)
    assert len(frames(page.get(LOG))) == 3
    answer = page.get(f"{LOG}?charger={charger.public_id}")
    assert answer.context["cl"].result_count == 4, "counts no further than it pages"


def test_messages_of_a_deleted_charger_break_nothing(page, organization):
    charger = make_charger(organization)
    make_messages(charger, 1)
    charger.delete()
    assert frames(page.get(LOG)) == []


def test_the_log_takes_the_same_few_queries_for_any_number(page, organization, django_assert_max_num_queries):
    for charger in make_chargers(organization, 10):
        make_messages(charger, 10)
    with django_assert_max_num_queries(7):
        assert len(frames(page.get(LOG))) == 50


@pytest.mark.parametrize("message", ["garbage", '[2,"1","Heartbeat",{}]', "<script>alert(1)</script>", "[" * 5000])
def test_any_frame_can_be_looked_at(page, organization, message):
    [row] = make_messages(make_charger(organization), 1, message=message)
    text = page.get(f"{LOG}{row.pk}/change/").content.decode()
    assert "<script>alert(1)" not in text
    assert "<script>alert(1)" not in page.get(LOG).content.decode()


def test_the_address_of_the_csms_is_shown(page, organization):
    assert WS_URL in page.get(f"{LIST}{make_charger(organization).pk}/change/").content.decode()
