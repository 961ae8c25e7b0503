"""The ledger in the admin: to look at."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from chargers.admin.filters import ChargerOfRow, SearchByCharger
from chargers.admin.paging import BoundedPaginator
from chargers.admin.readonly import ReadOnly
from chargers.models import Transaction
from chargers.selectors.ledger import transaction_messages
from ocpplab.accounts.scoping import ScopedAdmin

#: messages shown of one transaction; a day of charging has thousands
SHOWN = 200


@admin.register(Transaction)
class TransactionAdmin(ReadOnly, SearchByCharger, ScopedAdmin[Transaction]):
    """Transactions as the chargers know them, newest first."""

    organization_path = "charger__organization"
    list_display = ["started_at", "identity", "connector", "id_tag", "csms_id", "state", "energy", "reason"]
    list_filter = [ChargerOfRow, "state"]
    list_per_page = 50
    list_select_related = ["charger"]
    ordering = ["-started_at", "-id"]
    paginator = BoundedPaginator
    search_fields = ["charger"]  # that there is a search at all; what it does is in the mixin
    exact_fields = ("csms_id", "id_tag")
    search_help_text = "The CSMS's transaction id, an id tag, or identity or id (dep-...) of a charger."
    show_full_result_count = False
    sortable_by = ()
    fields = [
        "id",
        "charger",
        "connector",
        "id_tag",
        "csms_id",
        "reservation_id",
        "state",
        "started_at",
        "meter_start",
        "started_offline",
        "sampled_at",
        "meter_wh",
        "stopped_at",
        "meter_stop",
        "stopped_offline",
        "reason",
        "energy",
        "messages",
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Transaction]:
        """Read the charger in the same query."""
        return super().get_queryset(request).select_related("charger")

    @admin.display(description="charger")
    def identity(self, transaction: Transaction) -> str:
        """Name the charger."""
        return transaction.charger.identity

    @admin.display(description="energy")
    def energy(self, transaction: Transaction) -> str:
        """Say how much was charged, so far or in all."""
        end = transaction.meter_wh if transaction.meter_stop is None else transaction.meter_stop
        return f"{(end - transaction.meter_start) / 1000:.3f} kWh"

    @admin.display(description="what the CSMS accepted")
    def messages(self, transaction: Transaction) -> SafeString:
        """List its messages with their ends; of very many the first and the last."""
        rows = transaction_messages([transaction.pk])[transaction.pk]
        if len(rows) > SHOWN:
            rows = [*rows[: SHOWN // 2], *rows[-SHOWN // 2 :]]
        lines = ((row["sequence"], row["action"], f"{row['at']:%Y-%m-%d %H:%M:%S}", _end(row)) for row in rows)
        return format_html_join("", "{} {} of {}: {}<br>", lines)


def _end(row: dict[str, object]) -> str:
    return f"accepted {row['accepted_at']:%Y-%m-%d %H:%M:%S}" if row["accepted_at"] else f"dropped ({row['dropped']})"
