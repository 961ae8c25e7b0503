"""Brands and models in the admin. What is edited here survives upgrades (see `loader.py`)."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db import models
from django.db.models import Count, QuerySet
from django.http import HttpRequest

from chargers.catalog.layout import connector_count, connector_types, layout_problems
from chargers.catalog.models import Brand, ChargerModel


@admin.register(Brand)
class BrandAdmin(admin.ModelAdmin[Brand]):
    """Makers of chargers."""

    list_display = ["name", "slug", "models_"]
    search_fields = ["name", "slug"]
    readonly_fields = ["id", "created_at"]
    formfield_overrides = {models.URLField: {"assume_scheme": "https"}}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Brand]:
        return super().get_queryset(request).annotate(models_number=Count("models"))

    @admin.display(description="models", ordering="models_number")
    def models_(self, brand: Brand) -> int:
        number: int = brand.models_number  # type: ignore[attr-defined]
        return number


class ChargerModelForm(forms.ModelForm[ChargerModel]):
    """Checks the layout, so that no charger is made that cannot be simulated."""

    image_url = forms.URLField(required=False, assume_scheme="https", empty_value=None)

    class Meta:
        model = ChargerModel
        fields = [
            "brand",
            "slug",
            "name",
            "current_type",
            "power_ratings_kw",
            "max_power_w",
            "evses",
            "firmware_version",
            "image_url",
        ]

    def clean(self) -> dict[str, Any]:
        """Check layout and powers, and derive the columns that follow from the layout."""
        cleaned = super().clean() or self.cleaned_data
        if "evses" not in cleaned or "current_type" not in cleaned:
            return cleaned
        problems = layout_problems(cleaned["evses"], cleaned["current_type"])
        for problem in problems:
            self.add_error("evses", problem)
        if problems:
            return cleaned
        strongest = max(connector["max_power_w"] for evse in cleaned["evses"] for connector in evse)
        if cleaned.get("max_power_w", strongest) < strongest:
            self.add_error("max_power_w", f"The strongest connector gives {strongest} W: the charger cannot give less.")
        if any(rating <= 0 for rating in cleaned.get("power_ratings_kw", [])):
            self.add_error("power_ratings_kw", "Power ratings are above zero.")
        self.instance.connector_types = connector_types(cleaned["evses"])
        self.instance.connector_count = connector_count(cleaned["evses"])
        return cleaned


@admin.register(ChargerModel)
class ChargerModelAdmin(admin.ModelAdmin[ChargerModel]):
    """Products that the simulator can imitate. A change reaches a charger when its session starts anew."""

    form = ChargerModelForm
    list_display = ["name", "brand", "slug", "current_type", "max_power_w", "connector_count", "connector_types"]
    list_filter = ["brand", "current_type"]
    list_select_related = ["brand"]
    search_fields = ["name", "slug", "brand__name"]
    readonly_fields = ["id", "connector_count", "connector_types", "created_at"]
