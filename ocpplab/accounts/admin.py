"""Organizations, users and tokens in the admin."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest

from ocpplab.accounts.models import ApiToken, Organization, Role, User
from ocpplab.accounts.scoping import ScopedAdmin, organization_of
from ocpplab.accounts.services import token_create, token_revoke


@admin.register(Organization)
class OrganizationAdmin(ScopedAdmin[Organization]):
    """Tenants. People of one see that one and make no others."""

    organization_path = "pk"
    list_display = ["name", "id", "created_at"]
    search_fields = ["name", "id"]
    readonly_fields = ["id", "created_at"]
    limits = ("max_chargers", "max_open_jobs", "max_requests_per_minute")

    def get_readonly_fields(self, request: HttpRequest, obj: Organization | None = None) -> list[Any]:
        """Let nobody raise the limits of their own organization."""
        locked = list(super().get_readonly_fields(request, obj))
        return locked if organization_of(request) is None else [*locked, *self.limits]

    def has_add_permission(self, request: HttpRequest) -> bool:
        """A new organization is the business of those who see all of them."""
        return organization_of(request) is None and super().has_add_permission(request)


@admin.register(User)
class OrganizationUserAdmin(ScopedAdmin[User], UserAdmin[User]):
    """Users, with their organization.

    Nobody gives away more than they have: people of one organization make users of that one, and only superusers say
    who is a superuser or has which permissions.
    """

    list_display = ["username", "organization", "is_staff", "is_active"]
    list_filter = ["organization", "is_staff", "is_active"]
    fieldsets = (*(UserAdmin.fieldsets or ()), ("Organization", {"fields": ["organization"]}))
    add_fieldsets = (*UserAdmin.add_fieldsets, ("Organization", {"fields": ["organization"]}))

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> list[Any]:
        """Lock what would let somebody out of their own bounds."""
        locked = list(super().get_readonly_fields(request, obj))
        if not request.user.is_superuser:
            locked += ["is_superuser", "groups", "user_permissions"]
        if obj is not None and organization_of(request) is not None:
            locked.append("organization")
        return locked


@admin.register(ApiToken)
class ApiTokenAdmin(ScopedAdmin[ApiToken]):
    """Tokens: made here and shown once, revoked by an action, never changed.

    An admin token has no organization, so people of one organization make user tokens of it and nothing else.
    """

    list_display = ["name", "prefix", "role", "organization", "created_at", "expires_at", "revoked_at"]
    list_filter = ["role", "organization"]
    search_fields = ["name", "prefix"]
    fields = ["name", "role", "organization", "expires_at"]
    actions = ["revoke"]

    def has_change_permission(self, request: HttpRequest, obj: ApiToken | None = None) -> bool:
        """A token is made or revoked, not edited; the list itself (no object) stays reachable for its actions."""
        return obj is None and super().has_change_permission(request, obj)

    def save_model(self, request: HttpRequest, obj: ApiToken, form: ModelForm[ApiToken], change: bool) -> None:
        """Make the token and show its text, this once."""
        row, text = token_create(
            name=obj.name, role=Role(obj.role), organization=obj.organization, expires_at=obj.expires_at
        )
        obj.pk = row.pk
        obj.prefix = row.prefix
        messages.warning(request, f"The token is {text} - copy it now, it is not stored and cannot be shown again.")

    @admin.action(description="Revoke selected tokens", permissions=["delete"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiToken]) -> None:
        """Revoke each selected token."""
        count = sum(token_revoke(token=token) for token in queryset)
        messages.success(request, f"{count} token(s) revoked.")
