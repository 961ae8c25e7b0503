"""The message log in the admin: to look at, also when it holds many million rows."""

import json
from datetime import UTC
from typing import Any

from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import Max, QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.safestring import SafeString

from chargers.admin.readonly import ReadOnly
from chargers.models import Charger, Message
from ocpplab.accounts.scoping import ScopedAdmin

#: rows that the list pages through, and newest rows of the whole log that it looks at when no charger is chosen
COUNTED = 5_000
WINDOW = 100_000


class BoundedPaginator(Paginator[Message]):
    """Counts no further than it pages."""

    @cached_property
    def count(self) -> int:
        """Return the number of rows, `COUNTED` at most."""
        rows: Any = self.object_list
        return int(rows.order_by().values("pk")[:COUNTED].count())


class ChargerOfLog(admin.SimpleListFilter):
    """The charger whose log is shown: set by the link on the charger, or typed into the search."""

    title = "charger"
    parameter_name = "charger"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[Any, str]]:
        """Offer the one that is chosen, so that it can be left again."""
        return [(value, value)] if (value := request.GET.get("charger")) else []

    def has_output(self) -> bool:
        """Always listen to the address, even when nothing is offered."""
        return True

    def queryset(self, request: HttpRequest, queryset: QuerySet[Message]) -> QuerySet[Message]:
        """Keep to the chosen charger."""
        value = self.value()
        return queryset if value is None else queryset.filter(charger__in=_chargers(value))


def _chargers(text: str) -> list[int]:
    """Return the chargers that a text means: a deployment id, or an identity, which several organizations may have."""
    rows = Charger.objects.filter(public_id=text) | Charger.objects.filter(identity=text)
    return list(rows.values_list("pk", flat=True)[:20])


@admin.register(Message)
class MessageAdmin(ReadOnly, ScopedAdmin[Message]):
    """OCPP frames, newest first."""

    organization_path = "charger__organization"
    list_display = ["moment", "identity", "direction", "action", "frame"]
    list_display_links = ["moment"]
    list_filter = [ChargerOfLog, "direction"]
    list_per_page = 50
    list_select_related = ["charger"]
    ordering = ["-id"]
    paginator = BoundedPaginator
    search_fields = ["action"]  # that there is a search at all; what it does is below
    search_help_text = "Identity or id (dep-...) of a charger, or an OCPP action."
    show_full_result_count = False
    sortable_by = ()
    fields = ["moment", "charger", "direction", "action", "pretty"]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Message], search_term: str
    ) -> tuple[QuerySet[Message], bool]:
        """Find a charger's messages by its name, or those of an action among the newest rows.

        Called last, so the order is set here: by the index of the charger's log where a charger is chosen. The log has
        no index over all chargers but the order of writing, so without one only its newest rows are looked at.
        """
        term = search_term.strip().replace("\x00", "")
        chargers = _chargers(term) if term else []
        if chargers:
            queryset = queryset.filter(charger__in=chargers)
        elif term:
            queryset = queryset.filter(action=term)
        if chargers or ChargerOfLog.parameter_name in request.GET:
            return queryset.order_by("-at", "-id"), False
        newest = Message.objects.aggregate(newest=Max("id"))["newest"] or 0
        return queryset.filter(id__gt=newest - WINDOW), False

    @admin.display(description="at (UTC)")
    def moment(self, message: Message) -> str:
        """Show the time to the millisecond: an exchange takes a few."""
        return f"{message.at.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}"[:-3]

    @admin.display(description="charger")
    def identity(self, message: Message) -> str:
        """Name the charger."""
        return message.charger.identity

    @admin.display(description="message")
    def frame(self, message: Message) -> SafeString:
        """Show the beginning of the frame."""
        text = message.message if len(message.message) <= 160 else f"{message.message[:160]}…"
        return format_html('<code style="white-space:normal;word-break:break-all">{}</code>', text)

    @admin.display(description="message")
    def pretty(self, message: Message) -> SafeString:
        """Show the whole frame, laid out."""
        try:
            text = json.dumps(json.loads(message.message), indent=2, ensure_ascii=False)
        except (ValueError, RecursionError):
            text = message.message  # a broken frame is shown as it is
        return format_html('<pre style="white-space:pre-wrap">{}</pre>', text)
