"""The message log in the admin: to look at, also when it holds many million rows."""

import json
from datetime import UTC

from django.contrib import admin
from django.db.models import Max, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from chargers.admin.filters import ChargerOfRow, chargers_meant
from chargers.admin.paging import BoundedPaginator
from chargers.admin.readonly import ReadOnly
from chargers.models import Message
from ocpplab.accounts.scoping import ScopedAdmin

#: newest rows of the whole log that the list looks at when no charger is chosen
WINDOW = 100_000


@admin.register(Message)
class MessageAdmin(ReadOnly, ScopedAdmin[Message]):
    """OCPP frames, newest first."""

    organization_path = "charger__organization"
    list_display = ["moment", "identity", "direction", "action", "frame"]
    list_display_links = ["moment"]
    list_filter = [ChargerOfRow, "direction"]
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
        chargers = chargers_meant(term) if term else []
        if chargers:
            queryset = queryset.filter(charger__in=chargers)
        elif term:
            queryset = queryset.filter(action=term)
        if chargers or ChargerOfRow.parameter_name in request.GET:
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
