"""Who calls: bearer tokens and the organization that a call acts on (contract 2.2)."""

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from ocpplab.accounts.models import ApiToken, Organization, Role
from ocpplab.accounts.selectors import token_find

if TYPE_CHECKING:
    # rest_framework.views reads the settings that name this module: a real import would go round in a circle
    from rest_framework.views import APIView

ORGANIZATION_HEADER = "X-Organization-Id"


@dataclass(frozen=True, slots=True)
class Caller:
    """The holder of a valid token. `organization` is the token's own; an admin token has none."""

    token: ApiToken
    is_authenticated: bool = True
    is_active: bool = True

    @property
    def is_admin(self) -> bool:
        """Whether the token may act on any organization."""
        return self.token.role == Role.ADMIN


class BearerAuthentication(BaseAuthentication):
    """`Authorization: Bearer <token>`."""

    def authenticate(self, request: Request) -> tuple[Caller, ApiToken] | None:
        """Return the caller; None without the header; 401 for anything that is not a valid token."""
        parts = get_authorization_header(request).split()
        if not parts:
            return None
        if len(parts) != 2 or parts[0].lower() != b"bearer":
            raise AuthenticationFailed("The Authorization header must read: Bearer <token>.")
        try:
            token = token_find(parts[1].decode())
        except UnicodeDecodeError:
            token = None
        if token is None:
            raise AuthenticationFailed(
                "This token is unknown, expired or revoked. Make one with manage.py create_token."
            )
        return Caller(token), token

    def authenticate_header(self, request: Request) -> str:
        """Make a missing token a 401 instead of a 403."""
        return "Bearer"


class IsCaller(BasePermission):
    """Any valid token; the route is the same for all organizations (the catalog)."""

    message = "A valid token is needed."

    def has_permission(self, request: Request, view: "APIView") -> bool:
        """Say whether somebody is there; refuse the header of another organization with 403."""
        if not isinstance(request.user, Caller):
            return False
        header = request.headers.get(ORGANIZATION_HEADER)
        if header is not None and not request.user.is_admin:
            tenant_of(request.user, header)
        return True


class IsAdmin(IsCaller):
    """An admin token; the route concerns all organizations, so that none need be named."""

    message = "Only an admin token may do this."

    def has_permission(self, request: Request, view: "APIView") -> bool:
        """Say whether the caller has one."""
        return super().has_permission(request, view) and isinstance(request.user, Caller) and request.user.is_admin


class HasTenant(IsCaller):
    """A valid token that names one organization; sets `request.organization`."""

    def has_permission(self, request: Request, view: "APIView") -> bool:
        """Find the organization or refuse with 403."""
        if not super().has_permission(request, view):
            return False
        request.organization = tenant_of(request.user, request.headers.get(ORGANIZATION_HEADER))  # type: ignore[attr-defined]
        return True


def tenant_of(caller: Any, header: str | None) -> Organization:
    """Return the organization that a call acts on (table 1b: 403 for every mismatch)."""
    own: Organization | None = caller.token.organization
    if own is not None:
        if header is not None and header.strip().lower() != str(own.id):
            raise PermissionDenied(f"A user token acts on its own organization only: leave {ORGANIZATION_HEADER} out.")
        return own
    if header is None:
        raise PermissionDenied(f"An admin token must name an organization in the header {ORGANIZATION_HEADER}.")
    try:
        found = Organization.objects.filter(pk=uuid.UUID(header.strip())).first()
    except ValueError:
        found = None
    if found is None:
        raise PermissionDenied(f"There is no organization with the id given in {ORGANIZATION_HEADER}.")
    return found
