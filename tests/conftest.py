"""Fixtures that all tests share. The servers come from tests/support/servers.py."""

import pytest
from rest_framework.test import APIClient

from ocpplab.accounts.models import Organization, Role
from ocpplab.accounts.services import token_create
from tests.support import servers

pytest_plugins = ["tests.support.processes"]


@pytest.fixture(scope="session")
def django_db_modify_db_settings() -> None:
    """pytest-django asks for this before it makes the test database."""
    servers.ensure_started()


@pytest.fixture
def organization(db: None) -> Organization:
    return Organization.objects.create(name="Test Org")


@pytest.fixture
def other_organization(db: None) -> Organization:
    return Organization.objects.create(name="Other Org")


@pytest.fixture
def user_token(organization: Organization) -> str:
    return token_create(name="test", role=Role.USER, organization=organization)[1]


@pytest.fixture
def admin_token(db: None) -> str:
    return token_create(name="test admin", role=Role.ADMIN, organization=None)[1]


def client_of(token: str | None) -> APIClient:
    client = APIClient(raise_request_exception=False)
    if token:
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    return client


@pytest.fixture
def api(user_token: str) -> APIClient:
    """A client of the organization's user."""
    return client_of(user_token)


@pytest.fixture
def admin_api(admin_token: str) -> APIClient:
    """A client with an admin token; it names no organization by itself."""
    return client_of(admin_token)


@pytest.fixture
def anonymous_api(db: None) -> APIClient:
    return client_of(None)


@pytest.fixture
def other_api(other_organization: Organization) -> APIClient:
    """A client of another organization, to which ours must look like nothing."""
    return client_of(token_create(name="other", role=Role.USER, organization=other_organization)[1])
