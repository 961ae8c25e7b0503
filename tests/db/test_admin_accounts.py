"""Organizations, users and tokens in the admin; and how far people of one organization get there."""

import re

import pytest
from django.contrib.auth.models import Permission

from ocpplab.accounts.models import ApiToken, Organization, Role, User
from ocpplab.accounts.selectors import token_find
from ocpplab.accounts.services import token_create
from tests.support.chargers import make_charger, make_location

pytestmark = pytest.mark.django_db

TOKENS = "/admin/accounts/apitoken/"
USERS = "/admin/accounts/user/"
ORGANIZATIONS = "/admin/accounts/organization/"
LISTS = [
    TOKENS,
    USERS,
    ORGANIZATIONS,
    "/admin/locations/location/",
    "/admin/chargers/charger/",
    "/admin/jobs/provisioningjob/",
]
TOKEN = {"name": "ci", "role": "user", "expires_at_0": "", "expires_at_1": ""}


@pytest.fixture
def page(client):
    """A browser with a superuser in it."""
    client.force_login(User.objects.create(username="root", is_staff=True, is_superuser=True))
    return client


@pytest.fixture
def member(organization):
    """A member of one organization who may do everything there."""
    user = User.objects.create(username="member", is_staff=True, organization=organization)
    user.user_permissions.set(Permission.objects.all())
    return user


@pytest.fixture
def own_page(client, member):
    client.force_login(member)
    return client


def test_a_token_is_made_shown_once_and_revoked(page, organization):
    answer = page.post(f"{TOKENS}add/", TOKEN | {"organization": str(organization.pk)}, follow=True)
    text = re.search(r"The token is (\S+) ", answer.content.decode())[1]
    row = token_find(text)
    assert row is not None
    assert (row.name, row.role, row.organization) == ("ci", Role.USER, organization)
    assert text not in page.get(TOKENS).content.decode()
    page.post(TOKENS, {"action": "revoke", "_selected_action": [row.pk]})
    assert token_find(text) is None


def test_a_token_is_never_edited(page, organization):
    row, _ = token_create(name="a", role=Role.USER, organization=organization)
    assert page.post(f"{TOKENS}{row.pk}/change/", TOKEN | {"role": "admin"}).status_code == 403


def test_a_role_that_does_not_fit_the_organization_is_refused(page, organization):
    for values in ({"role": "admin", "organization": str(organization.pk)}, {"role": "user", "organization": ""}):
        assert page.post(f"{TOKENS}add/", TOKEN | values).status_code == 200
    assert not ApiToken.objects.exists()


@pytest.mark.parametrize("address", LISTS)
def test_no_list_names_anybody_of_another_organization(own_page, organization, other_organization, address):
    for owner in (organization, other_organization):
        make_charger(owner, location=make_location(owner))
        User.objects.create(username=f"person of {owner.name}", organization=owner)
        token_create(name=f"token of {owner.name}", role=Role.USER, organization=owner)
    answer = own_page.get(address)
    assert answer.status_code == 200
    assert other_organization.name not in answer.content.decode()


def test_a_member_makes_user_tokens_of_the_own_organization_only(own_page, organization, other_organization):
    for values in (
        {"role": "admin", "organization": ""},
        {"role": "admin", "organization": str(organization.pk)},
        {"organization": ""},
        {"organization": str(other_organization.pk)},
    ):
        assert own_page.post(f"{TOKENS}add/", TOKEN | values).status_code == 200, values
    assert not ApiToken.objects.exists()
    assert own_page.post(f"{TOKENS}add/", TOKEN | {"organization": str(organization.pk)}).status_code == 302
    assert ApiToken.objects.get().organization == organization


def test_a_member_revokes_no_token_of_others(own_page, other_organization):
    row, text = token_create(name="a", role=Role.USER, organization=other_organization)
    own_page.post(TOKENS, {"action": "revoke", "_selected_action": [row.pk]})
    assert token_find(text) is not None


def test_a_member_cannot_get_out_of_the_own_bounds(own_page, member, other_organization):
    form = {"username": "member", "is_active": "on", "is_staff": "on", "is_superuser": "on", "organization": ""}
    dates = {"date_joined_0": "2026-01-01", "date_joined_1": "00:00:00", "last_login_0": "", "last_login_1": ""}
    assert own_page.post(f"{USERS}{member.pk}/change/", form | dates).status_code == 302
    before = member.organization
    member.refresh_from_db()
    assert (member.is_superuser, member.organization) == (False, before)


def test_a_member_makes_people_of_the_own_organization_only(own_page, organization, other_organization):
    new = {"username": "new", "usable_password": "false", "password1": "", "password2": ""}
    for owner in ("", str(other_organization.pk)):
        assert own_page.post(f"{USERS}add/", new | {"organization": owner}).status_code == 200
    assert not User.objects.filter(username="new").exists()
    assert own_page.post(f"{USERS}add/", new | {"organization": str(organization.pk)}).status_code == 302
    assert User.objects.get(username="new").organization == organization


def test_a_member_makes_and_sees_no_other_organization(own_page, other_organization):
    assert own_page.get(f"{ORGANIZATIONS}add/").status_code == 403
    assert own_page.get(f"{ORGANIZATIONS}{other_organization.pk}/change/").status_code == 302
    found = own_page.get(
        "/admin/autocomplete/?app_label=chargers&model_name=charger&field_name=organization&term=Org"
    ).json()
    assert [row["text"] for row in found["results"]] == ["Test Org"]
    assert Organization.objects.count() == 2
