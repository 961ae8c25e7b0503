"""Locations and the catalog in the admin."""

import json
import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from chargers.models import Brand, Charger, ChargerModel
from locations.models import Location
from ocpplab.accounts.models import Organization, User
from tests.support.chargers import charger_of, make_location

FORM = {
    "name": "Lindenhof Depot",
    "slug": "",
    "address": "Lindenweg 8",
    "city": "Hamburg",
    "country": "de",
    "latitude": "53.55",
    "longitude": "9.99",
    "timezone": "Europe/Berlin",
    "owner_name": "",
    "status": "active",
}
LIST = "/admin/locations/location/"


@pytest.fixture
def staff(client: Client, db: None) -> Client:
    """A browser of somebody who sees everything."""
    client.force_login(User.objects.create_superuser("boss"))
    return client


@pytest.fixture
def bound_staff(client: Client, organization: Organization) -> Client:
    """A browser of somebody who belongs to one organization."""
    client.force_login(User.objects.create_superuser("own", organization=organization))
    return client


def errors_of(response: Any) -> dict[str, list[str]]:
    assert response.status_code == 200
    errors: dict[str, list[str]] = response.context["adminform"].form.errors
    return errors


def test_a_location_is_made_with_a_slug_of_its_name(staff: Client, organization: Organization) -> None:
    response = staff.post(f"{LIST}add/", FORM | {"organization": str(organization.pk)})
    assert response.status_code == 302
    row = Location.objects.get()
    assert row.slug.startswith("lindenhof-depot-")
    assert (row.country, row.owner_name) == ("DE", None)


def test_it_has_the_rules_of_the_api(staff: Client, organization: Organization) -> None:
    bad = FORM | {"organization": str(organization.pk), "country": "XX", "timezone": "Mars", "latitude": "91"}
    assert set(errors_of(staff.post(f"{LIST}add/", bad))) == {"country", "timezone", "latitude"}
    assert not Location.objects.exists()


def test_a_change_keeps_what_was_not_changed_and_a_taken_slug_is_refused(
    staff: Client, organization: Organization
) -> None:
    location = make_location(organization, "Depot", slug="mine", public=True)
    make_location(organization, "Other", slug="taken")
    address = f"{LIST}{location.pk}/change/"
    form = FORM | {"organization": str(organization.pk), "public": "on"}
    assert errors_of(staff.post(address, form | {"slug": "taken"}))
    assert staff.post(address, form).status_code == 302
    location.refresh_from_db()
    assert (location.slug, location.name, location.public) == ("mine", "Lindenhof Depot", True)


def test_an_existing_location_stays_with_its_organization(
    staff: Client, organization: Organization, other_organization: Organization
) -> None:
    location = make_location(organization, "Depot", slug="mine")
    form = FORM | {"organization": str(other_organization.pk), "name": "Renamed"}
    assert staff.post(f"{LIST}{location.pk}/change/", form).status_code == 302
    location.refresh_from_db()
    assert (location.organization, location.name) == (organization, "Renamed")


def test_the_list_of_locations_leads_to_their_chargers(staff: Client, organization: Organization) -> None:
    location = make_location(organization, "Depot")
    charger = charger_of(organization, location=location, identity="HERE")
    Charger.objects.bulk_create([charger, charger_of(organization, identity="ELSEWHERE")])
    link = re.search(r'href="(/admin/chargers/charger/\?[^"]*)"', staff.get(LIST).content.decode())
    assert link is not None
    shown = staff.get(link[1])
    assert [row.identity for row in shown.context["cl"].result_list] == ["HERE"]


def test_the_list_takes_the_same_number_of_queries_for_every_length(
    staff: Client, organization: Organization, django_assert_num_queries: Any
) -> None:
    make_location(organization)
    staff.get(LIST)
    with django_assert_num_queries(10):
        staff.get(LIST)
    for number in range(20):
        make_location(Organization.objects.create(name=f"O{number}"), f"L{number}")
    with django_assert_num_queries(10):
        page = staff.get(LIST).content.decode()
    assert "L19" in page


def test_deleting_asks_without_listing_every_charger_and_takes_them_with_it(
    staff: Client, organization: Organization
) -> None:
    location, stays = make_location(organization, "Gone"), make_location(organization, "Stays")
    Charger.objects.bulk_create(charger_of(organization, location=location, identity=f"CP{n}") for n in range(30))
    page = staff.post(LIST, {"action": "delete_selected", "_selected_action": [str(location.pk)]}).content.decode()
    assert "Gone - with its chargers" in page
    assert "CP7" not in page
    staff.post(LIST, {"action": "delete_selected", "_selected_action": [str(location.pk)], "post": "yes"})
    assert list(Location.objects.all()) == [stays]
    assert not Charger.objects.exists()
    assert staff.post(f"{LIST}{stays.pk}/delete/", {"post": "yes"}).status_code == 302
    assert not Location.objects.exists()


def test_people_of_one_organization_see_and_touch_its_locations_only(
    bound_staff: Client, organization: Organization, other_organization: Organization
) -> None:
    own, foreign = make_location(organization, "Own"), make_location(other_organization, "Foreign")
    page = bound_staff.get(LIST).content.decode()
    assert "Own" in page
    assert "Foreign" not in page
    assert bound_staff.get(f"{LIST}{own.pk}/change/").status_code == 200
    assert bound_staff.get(f"{LIST}{foreign.pk}/change/").status_code == 302
    assert "organization" in errors_of(
        bound_staff.post(f"{LIST}add/", FORM | {"organization": str(other_organization.pk)})
    )
    bound_staff.post(LIST, {"action": "delete_selected", "_selected_action": [str(foreign.pk)], "post": "yes"})
    assert Location.objects.count() == 2


def model_form(model: ChargerModel, **changes: Any) -> dict[str, Any]:
    return {
        "brand": str(model.brand_id),
        "slug": model.slug,
        "name": model.name,
        "current_type": model.current_type,
        "power_ratings_kw": ",".join(str(rating) for rating in model.power_ratings_kw),
        "max_power_w": str(model.max_power_w),
        "evses": json.dumps(model.evses),
        "firmware_version": model.firmware_version,
        "image_url": "",
    } | changes


def test_a_model_is_edited_and_what_follows_from_its_layout_follows(staff: Client) -> None:
    model = ChargerModel.objects.get(slug="terra-184")
    evses = [
        [{"type": "CCS2", "max_power_w": 180_000, "phases": 0}, {"type": "CHAdeMO", "max_power_w": 62_500, "phases": 0}]
    ]
    address = reverse("admin:chargers_chargermodel_change", args=[model.pk])
    assert staff.get(address).status_code == 200
    assert staff.post(address, model_form(model, evses=json.dumps(evses))).status_code == 302
    model.refresh_from_db()
    assert (model.connector_types, model.connector_count, model.evses) == (["CCS2", "CHAdeMO"], 2, evses)
    assert model.image_url is None


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"evses": "[]"}, "evses"),
        ({"evses": "null"}, "evses"),
        ({"evses": "nonsense"}, "evses"),
        ({"evses": '[[{"type": "Type2", "max_power_w": 1, "phases": 3}]]'}, "evses"),
        ({"current_type": "ac"}, "evses"),
        ({"max_power_w": "1000"}, "max_power_w"),
        ({"power_ratings_kw": "0"}, "power_ratings_kw"),
        ({"power_ratings_kw": ""}, "power_ratings_kw"),
    ],
)
def test_a_model_that_cannot_be_simulated_is_refused(staff: Client, changes: dict[str, Any], field: str) -> None:
    model = ChargerModel.objects.get(slug="terra-184")
    before = ChargerModel.objects.filter(pk=model.pk).values().get()
    address = reverse("admin:chargers_chargermodel_change", args=[model.pk])
    assert field in errors_of(staff.post(address, model_form(model, **changes)))
    assert ChargerModel.objects.filter(pk=model.pk).values().get() == before


def test_a_brand_in_use_cannot_be_deleted(staff: Client) -> None:
    brand = Brand.objects.get(slug="abb")
    assert staff.get(reverse("admin:chargers_brand_changelist")).status_code == 200
    page = staff.post(reverse("admin:chargers_brand_delete", args=[brand.pk]), {"post": "yes"})
    assert b"protected" in page.content
    assert Brand.objects.filter(pk=brand.pk).exists()
    assert staff.get(reverse("admin:chargers_chargermodel_changelist")).status_code == 200
