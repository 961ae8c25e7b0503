"""Locations in the admin. Writes go through the services."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html

from locations.errors import SlugInUse
from locations.models import Location
from locations.rules import country_code, country_problem, time_zone_problem
from locations.services import location_create, location_delete, location_update
from locations.services.writing import slug_draw
from ocpplab.accounts.scoping import ScopedAdmin


class LocationForm(forms.ModelForm[Location]):
    """The rules of the API. An empty slug is drawn from the name."""

    slug = forms.SlugField(max_length=120, required=False, help_text="Empty: made from the name.")
    latitude = forms.FloatField(min_value=-90, max_value=90)
    longitude = forms.FloatField(min_value=-180, max_value=180)

    class Meta:
        model = Location
        fields = [
            "organization",
            "name",
            "slug",
            "address",
            "city",
            "country",
            "latitude",
            "longitude",
            "timezone",
            "owner_name",
            "public",
            "status",
        ]

    def clean_country(self) -> str:
        """Take any letter case."""
        code = country_code(self.cleaned_data["country"])
        if problem := country_problem(code):
            raise forms.ValidationError(problem)
        return code

    def clean_timezone(self) -> str:
        """Take IANA names."""
        name = str(self.cleaned_data["timezone"])
        if problem := time_zone_problem(name):
            raise forms.ValidationError(problem)
        return name

    def clean_slug(self) -> str:
        """Draw one when it is empty."""
        slug = str(self.cleaned_data["slug"] or self.instance.slug or slug_draw(self.cleaned_data.get("name", "")))
        if not self.instance._state.adding:  # its organization is no field then, so Django leaves the constraint out
            rows = Location.objects.filter(organization=self.instance.organization, slug=slug)
            if rows.exclude(pk=self.instance.pk).exists():
                raise forms.ValidationError(SlugInUse(slug).detail)
        return slug


@admin.register(Location)
class LocationAdmin(ScopedAdmin[Location]):
    """Sites. Deleting one deletes its chargers and ends their sessions."""

    form = LocationForm
    list_display = ["name", "city", "country", "organization", "status", "public", "created_at", "chargers_"]
    list_filter = ["status", "public", "country", "organization"]
    list_select_related = ["organization"]
    search_fields = ["name", "slug", "city", "address", "id"]
    date_hierarchy = "created_at"
    ordering = ["-created_at", "-id"]

    def get_readonly_fields(self, request: HttpRequest, obj: Location | None = None) -> list[str]:
        """An existing location stays with its organization: its chargers and jobs are that one's."""
        return ["id", "created_at", "updated_at", *(["organization"] if obj is not None else [])]

    def save_model(self, request: HttpRequest, obj: Location, form: forms.ModelForm[Location], change: bool) -> None:
        """Write what was changed and nothing else, as the API does."""
        if change:
            location_update(
                organization=obj.organization,
                location_id=obj.pk,
                changes={name: getattr(obj, name) for name in form.changed_data},
            )
        else:
            obj.pk = location_create(**form.cleaned_data).pk

    @admin.display(description="chargers")
    def chargers_(self, location: Location) -> str:
        try:
            address = reverse("admin:chargers_charger_changelist")
        except NoReverseMatch:
            return ""
        return format_html('<a href="{}?location__id__exact={}">show</a>', address, location.pk)

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[Any], dict[Any, Any], set[Any], list[Any]]:
        """List the locations only: with ten thousand chargers below them the page would not load."""
        names = [f"Location: {location} - with its chargers and jobs" for location in objs]
        perms_needed = set() if self.has_delete_permission(request) else {"location"}
        return names, {"locations": len(names)}, perms_needed, []

    def delete_model(self, request: HttpRequest, obj: Location) -> None:
        location_delete(organization=obj.organization, location_id=obj.pk)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Location]) -> None:
        for location in queryset.select_related("organization"):
            self.delete_model(request, location)
