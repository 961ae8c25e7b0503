"""Orders to chargers in the admin: to look at."""

import json
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from chargers.admin.filters import ChargerOfRow, SearchByCharger
from chargers.admin.paging import BoundedPaginator
from chargers.admin.readonly import ReadOnly
from chargers.models import Command
from chargers.protocol import hidden
from chargers.services.commands_words import sentence
from ocpplab.accounts.scoping import ScopedAdmin


@admin.register(Command)
class CommandAdmin(ReadOnly, SearchByCharger, ScopedAdmin[Command]):
    """Commands with their outcomes, newest first."""

    organization_path = "charger__organization"
    list_display = ["created_at", "identity", "kind", "status", "said"]
    list_filter = [ChargerOfRow, "status", "kind"]
    list_per_page = 50
    list_select_related = ["charger"]
    ordering = ["-created_at", "-id"]
    paginator = BoundedPaginator
    search_fields = ["charger"]  # that there is a search at all; what it does is in the mixin
    exact_fields = ("id",)
    search_help_text = "Command id, or identity or id (dep-...) of a charger."
    show_full_result_count = False
    sortable_by = ()
    fields = ["id", "charger", "kind", "arguments", "status", "said", "result", "created_at", "taken_at", "settled_at"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Command]:
        """Read the charger in the same query."""
        return super().get_queryset(request).select_related("charger")

    @admin.display(description="charger")
    def identity(self, command: Command) -> str:
        """Name the charger."""
        return command.charger.identity

    @admin.display(description="outcome")
    def said(self, command: Command) -> str:
        """Say the outcome in a sentence when it is a bad one."""
        outcome = command.outcome or {}
        code = outcome.get("code", "")
        return code if command.status == "done" or not code else sentence(code, outcome.get("data"))

    @admin.display(description="arguments")
    def arguments(self, command: Command) -> SafeString:
        """Show what was ordered."""
        return _pretty(hidden(command.payload))

    @admin.display(description="what the charger said")
    def result(self, command: Command) -> SafeString:
        """Show the whole outcome."""
        return _pretty(hidden(command.outcome))


def _pretty(value: Any) -> SafeString:
    return format_html('<pre style="white-space:pre-wrap">{}</pre>', json.dumps(value, indent=2, ensure_ascii=False))
