"""Filters of the list of chargers that stay short where there are thousands of locations and hosts."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from django.contrib.admin import ModelAdmin, SimpleListFilter
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from chargers.choices import HostStatus
from chargers.models import Charger, SimulatorHost
from locations.models import Location
from ocpplab.accounts.scoping import organization_of
from ocpplab.api.fields import as_uuid

SHOWN = 30
NONE = "none"


class _RowFilter(SimpleListFilter, ABC):
    """Filters by a foreign key; any id works in the address, the newest ones are offered."""

    column: str

    @abstractmethod
    def offered(self, request: HttpRequest) -> Sequence[tuple[str, str]]:
        """Return (id, name) of the rows to offer."""

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin[Any]) -> list[tuple[Any, str]]:
        """Offer those, and none."""
        return [*self.offered(request), (NONE, "(none)")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Charger]) -> QuerySet[Charger]:
        """Apply it; what is no id at all matches nothing."""
        value = self.value()
        if value is None:
            return queryset
        if value == NONE:
            return queryset.filter(**{f"{self.column}__isnull": True})
        key = as_uuid(value)
        return queryset.none() if key is None else queryset.filter(**{self.column: key})


class LocationFilter(_RowFilter):
    """By location: the newest are offered, the others are found by the search."""

    title = "location"
    parameter_name = "location"
    column = "location_id"

    def offered(self, request: HttpRequest) -> Sequence[tuple[str, str]]:
        """Return the newest locations that the user may see."""
        own = organization_of(request)
        rows = Location.objects.all() if own is None else Location.objects.filter(organization=own)
        return [(str(row.pk), row.name) for row in rows.order_by("-created_at", "-id")[:SHOWN]]


class HostFilter(_RowFilter):
    """By simulator process that holds the session."""

    title = "host"
    parameter_name = "host"
    column = "host_id"

    def offered(self, request: HttpRequest) -> Sequence[tuple[str, str]]:
        """Return the processes that are not gone."""
        rows = SimulatorHost.objects.exclude(status=HostStatus.GONE).order_by("name")
        return [(str(row.pk), row.name) for row in rows[:SHOWN]]


class ChargerOfRow(SimpleListFilter):
    """The charger whose rows are shown, such as its log: set by the link on the charger."""

    title = "charger"
    parameter_name = "charger"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[Any, str]]:
        """Offer the one that is chosen, so that it can be left again."""
        return [(value, value)] if (value := request.GET.get("charger")) else []

    def has_output(self) -> bool:
        """Always listen to the address, even when nothing is offered."""
        return True

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep to the chosen charger."""
        value = self.value()
        return queryset if value is None else queryset.filter(charger__in=chargers_meant(value))


def chargers_meant(text: str) -> list[int]:
    """Return the chargers that a text means: a deployment id, or an identity, which several organizations may have."""
    rows = Charger.objects.filter(public_id=text) | Charger.objects.filter(identity=text)
    return list(rows.values_list("pk", flat=True)[:20])


class SearchByCharger:
    """Mixin of an admin whose rows are found by their charger, or by the exact value of one of `exact_fields`."""

    exact_fields: tuple[str, ...] = ()

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Find them by indexes: Django's own search would read every row."""
        term = search_term.strip().replace("\x00", "")
        if not term:
            return queryset, False
        where = Q(charger__in=chargers_meant(term))
        for name in self.exact_fields:
            where |= Q(**{name: term})
        return queryset.filter(where), False
