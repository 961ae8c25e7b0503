"""Chargers in the admin: every write goes through the services."""

from typing import Any, cast

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from chargers.admin.call import send_call
from chargers.admin.filters import HostFilter, LocationFilter
from chargers.admin.forms import ChargerForm
from chargers.admin.order import QUIET, SOME_LIFE, order_charger
from chargers.models import Charger
from chargers.selectors import chargers_with_related
from chargers.services.commands_orders import Order, orders_fan_out
from chargers.services.configuration import COLUMNS, Configuration, charger_update
from chargers.services.provisioning import NewCharger, charger_create
from chargers.services.removal import chargers_delete
from chargers.services.runtime import chargers_reset, chargers_start, chargers_stop
from chargers.simulator.effects import ConnectionState
from ocpplab.accounts.scoping import ScopedAdmin
from ocpplab.common.choices import ProvisioningStatus
from ocpplab.common.errors import DomainError

COLORS = {
    ConnectionState.ONLINE: "#1a7f37",
    ConnectionState.CONNECTING: "#0969da",
    ConnectionState.PENDING: "#9a6700",
    ConnectionState.REJECTED: "#cf222e",
    ConnectionState.OFFLINE: "#6e7781",
}


@admin.register(Charger)
class ChargerAdmin(ScopedAdmin[Charger]):
    """Simulated chargers. What hosts write is shown and not edited."""

    form = ChargerForm
    list_display = ["identity", "state", "wanted", "provisioning", "model_name", "ocpp_version", "place", "host", "log"]
    list_filter = [
        "connection_state",
        "provisioning_status",
        "wanted",
        "ocpp_version",
        HostFilter,
        LocationFilter,
        "organization",
    ]
    list_per_page = 50
    ordering = ["-created_at", "-id"]
    search_fields = ["identity", "=public_id", "name", "location__name"]
    search_help_text = "Identity, id (dep-...), name or location."
    show_full_result_count = False
    autocomplete_fields = ["organization", "location", "model"]
    actions = ["start", "stop", "reset", "live", "rest"]
    change_form_template = "admin/chargers/charger/change_form.html"
    machine_fields = [
        "public_id",
        "state",
        "connection_changed_at",
        "wanted",
        "host",
        "provisioning_status",
        "provisioned_at",
        "failure",
        "revision",
        "lease_epoch",
        "log",
        "created_at",
        "updated_at",
    ]

    # --- lists and pages ---

    def get_queryset(self, request: HttpRequest) -> QuerySet[Charger]:
        """Read what a row of the list shows in the same query."""
        return chargers_with_related(super().get_queryset(request)).select_related("location", "organization")

    def get_readonly_fields(self, request: HttpRequest, obj: Charger | None = None) -> list[str]:
        """What a charger is stays; where it belongs and where it dials may change."""
        fixed = ["organization", "identity", "model"] if obj is not None else []
        return [*fixed, *self.machine_fields]

    def get_fieldsets(self, request: HttpRequest, obj: Charger | None = None) -> Any:
        """Show what machines write only when they could."""
        what = ("Charger", {"fields": ["organization", "identity", "model", "connector_type", "name"]})
        where = ("Place and CSMS", {"fields": ["location", "location_name", "ws_url", "ocpp_version", "message_log"]})
        return [what, where] if obj is None else [what, where, ("Session", {"fields": self.machine_fields})]

    @admin.display(description="connection", ordering="connection_state")
    def state(self, charger: Charger) -> SafeString:
        """Show the connection and, when it is not online, why."""
        color = COLORS[ConnectionState(charger.connection_state)]
        return format_html(
            '<span style="color:{}" title="{}">&#9679;&nbsp;{}</span> <span style="opacity:.7">{}</span>',
            color,
            charger.connection_error,
            charger.connection_state,
            charger.connection_error[:60],
        )

    @admin.display(description="provisioning", ordering="provisioning_status")
    def provisioning(self, charger: Charger) -> str:
        """Show the status quietly."""
        return charger.provisioning_status.lower()

    @admin.display(description="model", ordering="model__name")
    def model_name(self, charger: Charger) -> str:
        """Name brand and model."""
        return f"{charger.model.brand.name} {charger.model.name}"

    @admin.display(description="location", ordering="location__name")
    def place(self, charger: Charger) -> str:
        """Name the location."""
        return "" if charger.location is None else charger.location.name

    @admin.display(description="why it failed")
    def failure(self, charger: Charger) -> str:
        """Show code and message of a failed provisioning."""
        return f"{charger.error_code}: {charger.error_message}" if charger.error_code else "-"

    @admin.display(description="messages")
    def log(self, charger: Charger) -> SafeString:
        """Link to its messages."""
        return format_html(
            '<a href="{}?charger={}">log</a>', reverse("admin:chargers_message_changelist"), charger.public_id
        )

    # --- writes ---

    def save_model(self, request: HttpRequest, obj: Charger, form: ModelForm[Charger], change: bool) -> None:
        """Create or update through the services; what the form could not foresee is said and nothing is written."""
        try:
            if change:
                charger_update(charger=obj, values=_configuration(obj, form.changed_data))
            else:
                obj.pk = charger_create(new=_new(obj), status=ProvisioningStatus.PROVISIONING).pk
        except DomainError as error:
            request.refused = True  # type: ignore[attr-defined]
            messages.error(request, error.detail)

    def log_addition(self, request: HttpRequest, obj: Charger, message: Any) -> Any:
        """Keep no record of what was refused."""
        return None if _is_refused(request) else super().log_addition(request, obj, message)

    def log_change(self, request: HttpRequest, obj: Charger, message: Any) -> Any:
        """Keep no record of what was refused."""
        return None if _is_refused(request) else super().log_change(request, obj, message)

    def response_add(self, request: HttpRequest, obj: Charger, post_url_continue: str | None = None) -> HttpResponse:
        """Do not call a refusal a success."""
        if _is_refused(request):
            return HttpResponseRedirect(request.path)
        return super().response_add(request, obj, post_url_continue)

    def response_change(self, request: HttpRequest, obj: Charger) -> HttpResponse:
        """Do not call a refusal a success."""
        return HttpResponseRedirect(request.path) if _is_refused(request) else super().response_change(request, obj)

    def delete_model(self, request: HttpRequest, obj: Charger) -> None:
        """Delete one."""
        chargers_delete(rows=Charger.objects.filter(pk=obj.pk), charger_ids=[obj.public_id])

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Charger]) -> None:
        """Delete those that are selected."""
        charger_ids = list(queryset.values_list("public_id", flat=True))
        chargers_delete(rows=Charger.objects.all(), charger_ids=charger_ids)

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[Any], dict[Any, Any], set[Any], list[Any]]:
        """Name the first only: ten thousand with all that hangs on them would make no page."""
        names = [f"Charger: {charger.identity} at {charger.ws_url}" for charger in objs[:20]]
        count = len(objs) if isinstance(objs, list) else objs.count()
        if count > len(names):
            names.append(f"... and {count - len(names)} more")
        missing = set() if self.has_delete_permission(request) else {"charger"}
        return names, {"chargers": count}, missing, []

    @admin.action(description="Start selected chargers", permissions=["change"])
    def start(self, request: HttpRequest, queryset: QuerySet[Charger]) -> None:
        """Start those that are stopped."""
        count = chargers_start(ids=_ids(queryset))
        messages.success(request, f"{count} charger(s) started.")

    @admin.action(description="Stop selected chargers", permissions=["change"])
    def stop(self, request: HttpRequest, queryset: QuerySet[Charger]) -> None:
        """Stop those that run."""
        count = chargers_stop(ids=_ids(queryset))
        messages.success(request, f"{count} charger(s) stopped.")

    @admin.action(description="Restart selected chargers", permissions=["change"])
    def reset(self, request: HttpRequest, queryset: QuerySet[Charger]) -> None:
        """Give each a fresh session."""
        count = chargers_reset(ids=_ids(queryset))
        messages.success(request, f"{count} charger(s) restarted.")

    @admin.action(description="Let people come and go at selected chargers", permissions=["change"])
    def live(self, request: HttpRequest, queryset: QuerySet[Charger]) -> None:
        """Switch the automatic driver on."""
        self._order(request, queryset, SOME_LIFE)

    @admin.action(description="Let nobody come any more to selected chargers", permissions=["change"])
    def rest(self, request: HttpRequest, queryset: QuerySet[Charger]) -> None:
        """Switch the automatic driver off."""
        self._order(request, queryset, QUIET)

    def _order(self, request: HttpRequest, queryset: QuerySet[Charger], order: Order) -> None:
        rows = Charger.objects.filter(pk__in=_ids(queryset)).prefetch_related("model").order_by("created_at", "id")
        done = orders_fan_out(chargers=list(rows), order=order)
        if done.queued:
            messages.success(request, f"{len(done.queued)} charger(s) were told.")
        for one in done.failed[:5]:
            messages.error(request, f"{one.charger.identity}: {one.detail}")
        if len(done.failed) > 5:
            messages.error(request, f"... and {len(done.failed) - 5} more that cannot be told now.")

    def get_urls(self) -> list[URLPattern]:
        """Add the pages that send a call and give an order."""
        call, order = self.admin_site.admin_view(self.call_view), self.admin_site.admin_view(self.order_view)
        return [
            path("<int:pk>/call/", call, name="chargers_charger_call"),
            path("<int:pk>/order/", order, name="chargers_charger_order"),
            *super().get_urls(),
        ]

    def order_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Order the charger to do something, and show what came of it."""
        return order_charger(self, request, pk)

    def call_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Send an OCPP call to the charger from the built-in CSMS."""
        return send_call(self, request, pk)


def _ids(rows: QuerySet[Charger]) -> list[int]:
    return list(rows.order_by().values_list("pk", flat=True))


def _is_refused(request: HttpRequest) -> bool:
    return getattr(request, "refused", False)


def _configuration(charger: Charger, changed: list[str]) -> Configuration:
    values: dict[str, Any] = {name: getattr(charger, name) for name in changed if name in COLUMNS}
    if "location" in changed:
        values["location_id"] = None if charger.location_id is None else str(charger.location_id)
    return cast("Configuration", values)


def _new(charger: Charger) -> NewCharger:
    return NewCharger(
        organization_id=charger.organization_id,
        identity=charger.identity,
        model_id=charger.model_id,
        connector_type=charger.connector_type,
        ocpp_version=charger.ocpp_version,
        ws_url=charger.ws_url,
        name=charger.name,
        location_id=charger.location_id,
        location_name=charger.location_name,
        message_log=charger.message_log,
    )
