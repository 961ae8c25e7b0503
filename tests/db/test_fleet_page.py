"""The fleet page: who may see it, what it counts, and that it asks the database a fixed number of questions."""

import pytest
from django.test import Client

from chargers.models import Charger, ChargerModel
from chargers.simulator.effects import ConnectionState
from locations.models import Location
from ocpplab.accounts.models import User

pytestmark = pytest.mark.django_db


def location_of(organization, name):
    return Location.objects.create(
        organization=organization,
        slug=name.lower(),
        name=name,
        address="a",
        city="c",
        country="DE",
        latitude=1,
        longitude=2,
    )


def chargers_at(location, state, number):
    model = ChargerModel.objects.first()
    Charger.objects.bulk_create(
        Charger(
            organization=location.organization, location=location, model=model, connector_type="Type2",
            identity=f"{location.slug}-{state}-{index}", ws_url="ws://127.0.0.1:1", connection_state=state,
        )
        for index in range(number)
    )  # fmt: skip


def logged_in(**user) -> Client:
    client = Client()
    client.force_login(User.objects.create(username="someone", **user))
    return client


def test_a_stranger_is_sent_to_the_login():
    answer = Client().get("/fleet")
    assert answer.status_code == 302
    assert answer["Location"].startswith("/admin/login")


def test_it_counts_by_location_and_state(organization):
    chargers_at(location_of(organization, "Depot"), ConnectionState.ONLINE, 3)
    chargers_at(location_of(organization, "Yard"), ConnectionState.REJECTED, 2)
    text = logged_in(organization=organization).get("/fleet").content.decode()
    assert "Depot" in text
    assert 'title="3 online"' in text
    assert 'title="2 rejected"' in text


def test_a_person_sees_no_other_organization(organization, other_organization):
    chargers_at(location_of(other_organization, "Secret"), ConnectionState.ONLINE, 1)
    assert "Secret" not in logged_in(organization=organization).get("/fleet").content.decode()
    assert "Secret" in logged_in_staff().get("/fleet").content.decode()


def logged_in_staff() -> Client:
    client = Client()
    client.force_login(User.objects.create(username="staff", is_staff=True))
    return client


def test_a_person_without_organization_who_is_no_staff_sees_nothing(organization):
    chargers_at(location_of(organization, "Secret"), ConnectionState.ONLINE, 1)
    assert "Secret" not in logged_in().get("/fleet").content.decode()


def test_htmx_gets_the_changing_part_only(organization):
    answer = logged_in(organization=organization).get("/fleet", headers={"HX-Request": "true"})
    assert answer.content.lstrip().startswith(b'<div class="tiles">')


def test_its_queries_do_not_grow_with_the_fleet(organization, django_assert_num_queries):
    client = logged_in(organization=organization)
    for name in ("A", "B", "C"):
        chargers_at(location_of(organization, name), ConnectionState.ONLINE, 20)
    with django_assert_num_queries(7):  # session, user, organization, fleets, jobs, hosts, whether the lab is stopped
        client.get("/fleet")
