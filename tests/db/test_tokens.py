"""Tokens: who gets in and on which organization a call acts."""

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from ocpplab.accounts.models import ApiToken, Organization, Role
from ocpplab.accounts.selectors import token_find
from ocpplab.accounts.services import token_create, token_revoke

pytestmark = pytest.mark.django_db


def test_it_stores_no_token_text(organization):
    row, text = token_create(name="a", role=Role.USER, organization=organization)
    stored = " ".join(str(value) for value in ApiToken.objects.filter(pk=row.pk).values_list()[0])
    assert text not in stored
    assert token_find(text) == row


def test_the_visible_beginning_of_a_short_token_is_no_secret(organization):
    row, text = token_create(name="a", role=Role.USER, organization=organization, token="12345678")
    assert (row.prefix, text) == ("12", "12345678")


def test_it_does_not_find_a_revoked_token(organization):
    row, text = token_create(name="a", role=Role.USER, organization=organization)
    assert token_revoke(token=row)
    assert not token_revoke(token=row)
    assert token_find(text) is None


def test_it_does_not_find_an_expired_token(organization):
    past = timezone.now() - timedelta(seconds=1)
    _, text = token_create(name="a", role=Role.USER, organization=organization, expires_at=past)
    assert token_find(text) is None


def test_a_fixed_token_can_be_made_again(organization):
    first, _ = token_create(name="a", role=Role.USER, organization=organization, token="fixed-token")
    second, _ = token_create(name="b", role=Role.USER, organization=organization, token="fixed-token")
    assert first.pk == second.pk
    assert ApiToken.objects.get().name == "b"


def test_the_command_makes_a_token_of_an_organization(organization, capsys):
    call_command("create_token", "--organization", organization.name)
    found = token_find(capsys.readouterr().out.strip())
    assert found is not None
    assert found.organization == organization


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "needs --organization"),
        (["--organization", "Nobody"], "no organization 'Nobody'"),
        (["--admin", "--token", "short"], "at least 8"),
    ],
)
def test_the_command_says_what_to_do(organization, arguments, message):
    with pytest.raises(CommandError, match=message):
        call_command("create_token", *arguments)
    assert not ApiToken.objects.exists()
    assert Organization.objects.count() == 1
