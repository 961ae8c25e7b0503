"""The admin's page that sends an OCPP call to a charger at the built-in CSMS."""

import json
from typing import Any

from django import forms
from django.contrib.admin import ModelAdmin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from chargers.csms.address import station_key
from chargers.csms.calls import CallFailed, station_call
from chargers.models import Charger
from chargers.protocol import Version, actions_from_csms
from ocpplab.common.errors import DomainError

TIMEOUT = 10.0  # seconds that a person waits for an answer


class CallForm(forms.Form):
    """An action and its payload."""

    action = forms.CharField(max_length=50)
    payload = forms.JSONField(
        required=False, initial=dict, widget=forms.Textarea(attrs={"rows": 8, "cols": 80, "spellcheck": "false"})
    )

    def clean_payload(self) -> dict[str, Any]:
        """An OCPP payload is an object; nothing typed is an empty one."""
        payload = self.cleaned_data["payload"]
        if payload is None:
            return {}
        if not isinstance(payload, dict):
            raise forms.ValidationError("A payload is a JSON object.")
        return payload


def send_call(site: ModelAdmin[Charger], request: HttpRequest, pk: int) -> HttpResponse:
    """Show the form; on POST send the call, wait for the answer and show it."""
    charger = site.get_object(request, str(pk))
    if charger is None:
        raise Http404
    if not site.has_change_permission(request, charger):
        raise PermissionDenied
    form = CallForm(request.POST or None)
    context: dict[str, Any] = {}
    if request.method == "POST" and form.is_valid():
        context = _sent(charger, form.cleaned_data["action"], form.cleaned_data["payload"])
    context |= {
        **site.admin_site.each_context(request),
        "title": f"Send a call to {charger.identity}",
        "charger": charger,
        "form": form,
        "opts": site.opts,
        "actions": sorted(actions_from_csms(Version(charger.ocpp_version))),
    }
    return render(request, "admin/chargers/charger/call.html", context)


def _sent(charger: Charger, action: str, payload: dict[str, Any]) -> dict[str, Any]:
    # By its whole address: another organization may have a charger of this identity there.
    key = station_key(charger.ws_url, charger.identity)
    if key is None:
        return {"failure": f"not_connected: it dials {charger.ws_url}, which is not the built-in CSMS (.../csms)"}
    try:
        answer = station_call(identity=key, action=action, payload=payload, timeout=TIMEOUT)
    except CallFailed as failed:
        return {"failure": f"{failed.code}: {failed.detail}", "answer": _pretty(failed.details)}
    except DomainError as error:
        return {"failure": error.detail}
    return {"answer": _pretty(answer)}


def _pretty(payload: dict[str, Any]) -> str:
    return json.dumps(payload, indent=2, ensure_ascii=False) if payload else "{}"
