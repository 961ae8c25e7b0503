"""Simulator processes in the admin: to look at."""

from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timesince import timesince

from chargers.admin.readonly import ReadOnly
from chargers.models import SimulatorHost


@admin.register(SimulatorHost)
class SimulatorHostAdmin(ReadOnly, admin.ModelAdmin[SimulatorHost]):
    """One row for each life of a process."""

    list_display = ["name", "status", "sessions", "capacity", "beat", "started_at", "machine", "pid"]
    list_filter = ["status"]
    search_fields = ["name", "=machine"]
    ordering = ["-started_at"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[SimulatorHost]:
        """Count the sessions in the same query."""
        return super().get_queryset(request).annotate(sessions_held=Count("chargers"))

    @admin.display(description="sessions", ordering="sessions_held")
    def sessions(self, host: SimulatorHost) -> SafeString:
        """Count its sessions, with a link to their chargers."""
        address = reverse("admin:chargers_charger_changelist")
        return format_html('<a href="{}?host={}">{}</a>', address, host.pk, host.sessions_held)  # type: ignore[attr-defined]

    @admin.display(description="last beat", ordering="beat_at")
    def beat(self, host: SimulatorHost) -> str:
        """Say how long ago it beat."""
        return f"{timesince(host.beat_at)} ago"
