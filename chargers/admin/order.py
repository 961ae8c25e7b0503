"""The admin's page that orders a charger to do something, such as to plug a car in, and shows what came of it."""

import json
from typing import Any, Final

import orjson
from django import forms
from django.contrib.admin import ModelAdmin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from chargers.models import Charger
from chargers.services.commands_orders import Order, order_settle
from chargers.simulator.dialects.registry import dialect_of
from ocpplab.common.errors import DomainError

#: a life for those who do not want to describe one
SOME_LIFE: Final = Order(
    kind="behaviour",
    data={"arrivals_per_hour": 2.0, "tags": [{"id": f"DRIVER-{number}", "weight": 1.0} for number in range(1, 6)]},
)
QUIET: Final = Order(kind="behaviour", data={"off": True})

#: arguments to begin with, by kind; the connector has a field of its own
EXAMPLES: Final[dict[str, dict[str, Any]]] = {
    "authorize": {"id_tag": "DRIVER-1"},
    "behaviour": SOME_LIFE.data,
    "inject_fault": {"fault_type": "OverCurrent"},
    "power_update": {"power_w": 5000},
    "present": {"id_tag": "DRIVER-1"},
    "proxy": {"action": "Heartbeat", "payload": {}},
    "send_local_list": {"list_version": 1, "entries": [{"id_tag": "DRIVER-1"}]},
    "set_configuration": {"configuration": {"HeartbeatInterval": "60"}},
    "start_session": {"id_tag": "DRIVER-1", "duration_seconds": 600, "target_energy_kwh": 5},
    "start_transaction": {"id_tag": "DRIVER-1"},
}


class OrderForm(forms.Form):
    """What to do, where, and how."""

    kind = forms.CharField(max_length=50)
    connector = forms.IntegerField(required=False, min_value=1, max_value=32_767)
    arguments = forms.CharField(
        required=False, initial="{}", widget=forms.Textarea(attrs={"rows": 8, "cols": 80, "spellcheck": "false"})
    )

    def clean_arguments(self) -> dict[str, Any]:
        """Want a JSON object that PostgreSQL can keep; nothing typed is an empty one."""
        text = self.cleaned_data["arguments"] or "{}"
        try:
            arguments = orjson.loads(text)  # refuses NaN and half characters, unlike the standard library
        except orjson.JSONDecodeError as error:
            raise forms.ValidationError(f"This is not JSON: {error}") from None
        if not isinstance(arguments, dict):
            raise forms.ValidationError("Arguments are a JSON object.")
        if "\\u0000" in text:
            raise forms.ValidationError("Null characters are not allowed.")
        return arguments


def order_charger(site: ModelAdmin[Charger], request: HttpRequest, pk: int) -> HttpResponse:
    """Show the form; on POST give the order, wait for its outcome and show it."""
    charger = site.get_object(request, str(pk))
    if charger is None:
        raise Http404
    if not site.has_change_permission(request, charger):
        raise PermissionDenied
    form = OrderForm(request.POST if request.method == "POST" else None)
    context: dict[str, Any] = {}
    if request.method == "POST" and form.is_valid():
        context = _settled(charger, **form.cleaned_data)
    context |= {
        **site.admin_site.each_context(request),
        "title": f"Order {charger.identity}",
        "charger": charger,
        "form": form,
        "opts": site.opts,
        "kinds": sorted(dialect_of(charger.ocpp_version).intents),
        "examples": EXAMPLES,
    }
    return render(request, "admin/chargers/charger/order.html", context)


def _settled(charger: Charger, kind: str, connector: int | None, arguments: dict[str, Any]) -> dict[str, Any]:
    order = Order(kind=kind, data=arguments, placed=connector is not None, connector_id=connector)
    try:
        outcome = order_settle(charger=charger, order=order)
    except DomainError as error:
        return {"failure": f"{error.code}: {error.detail}"}
    return {"answer": json.dumps({"code": outcome.code, **outcome.data}, indent=2, ensure_ascii=False)}
