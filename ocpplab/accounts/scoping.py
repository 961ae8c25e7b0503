"""The admin for people of one organization: they see and touch their own only."""

from typing import Any, TypeVar

from django.contrib import admin
from django.db.models import ForeignKey, Model, QuerySet
from django.http import HttpRequest

from ocpplab.accounts.models import Organization

_M = TypeVar("_M", bound=Model)


def organization_of(request: HttpRequest) -> Organization | None:
    """Return the organization that the user is bound to; None for those who may see all."""
    found: Organization | None = getattr(request.user, "organization", None)
    return found


class ScopedAdmin(admin.ModelAdmin[_M]):
    """An admin whose rows belong to an organization, by the path `organization_path`."""

    organization_path = "organization"

    def get_queryset(self, request: HttpRequest) -> QuerySet[_M]:
        """Leave out what belongs to others."""
        rows = super().get_queryset(request)
        own = organization_of(request)
        return rows if own is None else rows.filter(**{self.organization_path: own.pk})

    def get_list_filter(self, request: HttpRequest) -> Any:
        """Offer no choice of organizations to people of one: it would name the others."""
        offered = super().get_list_filter(request)
        return offered if organization_of(request) is None else [one for one in offered if one != "organization"]

    def formfield_for_foreignkey(self, db_field: ForeignKey[Any], request: HttpRequest, **kwargs: Any) -> Any:
        """Offer only the own organization, and only rows of it; without an organization a row would be out of reach."""
        own = organization_of(request)
        related = db_field.remote_field.model
        if own is not None and isinstance(related, type) and issubclass(related, Model):
            if related is Organization:
                kwargs["queryset"] = Organization.objects.filter(pk=own.pk)
            elif any(field.name == "organization" for field in related._meta.fields):
                kwargs["queryset"] = related._default_manager.filter(organization=own)
        field = super().formfield_for_foreignkey(db_field, request, **kwargs)
        if own is not None and related is Organization and field is not None:
            field.required = True
        return field
