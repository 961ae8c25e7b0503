"""The emergency switch in the admin: its history, and a page to throw it."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path

from chargers.admin.readonly import ReadOnly
from chargers.models import LabStop
from chargers.selectors.stops import sessions_held, stop_current
from chargers.services.stopping import lab_resume, lab_stop
from ocpplab.accounts.scoping import organization_of


class StopForm(forms.Form):
    """Why."""

    reason = forms.CharField(max_length=300, widget=forms.TextInput(attrs={"class": "vTextField", "autofocus": True}))


@admin.register(LabStop)
class LabStopAdmin(ReadOnly, admin.ModelAdmin[LabStop]):
    """Every stop of the lab, newest first. Only for those who see all organizations."""

    change_list_template = "admin/chargers/labstop/change_list.html"
    list_display = ["started_at", "started_by", "reason", "ended_at", "ended_by"]
    list_display_links = None
    list_per_page = 50
    ordering = ["-started_at"]

    def get_urls(self) -> list[URLPattern]:
        """Add the page of the switch."""
        page = path("switch/", self.admin_site.admin_view(self.switch), name="chargers_labstop_switch")
        return [page, *super().get_urls()]

    def has_view_permission(self, request: HttpRequest, obj: LabStop | None = None) -> bool:
        """People of one organization neither see nor touch what concerns all."""
        return organization_of(request) is None and super().has_view_permission(request, obj)

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Leave it out of the index of whoever may not see it."""
        return self.has_view_permission(request)

    def has_switch_permission(self, request: HttpRequest) -> bool:
        """Whether the user may stop and resume the lab: whoever may add stops, though nobody writes them by hand."""
        return self.has_view_permission(request) and request.user.has_perm("chargers.add_labstop")

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Offer the switch above the list."""
        extra = {"may_switch": self.has_switch_permission(request), "title": "Stops of the lab"}
        return super().changelist_view(request, extra | (extra_context or {}))

    def switch(self, request: HttpRequest) -> HttpResponse:
        """Ask before the lab is stopped or resumed; do it on POST, and only what the page had asked for."""
        if not self.has_switch_permission(request):
            raise PermissionDenied
        form = StopForm(request.POST if "stop" in request.POST else None)
        by = request.user.get_username()
        if "resume" in request.POST:
            resumed = lab_resume(by=by) is not None
            messages.success(request, "The lab goes on." if resumed else "The lab was not stopped.")
            return redirect("admin:chargers_labstop_changelist")
        if "stop" in request.POST and form.is_valid():
            stop, is_new = lab_stop(by=by, reason=form.cleaned_data["reason"])
            messages.warning(request, f"The lab is stopped{'' if is_new else ' already'}: {stop}.")
            return redirect("admin:chargers_labstop_changelist")
        context = {
            **self.admin_site.each_context(request),
            "title": "Stop the lab" if stop_current() is None else "Resume the lab",
            "opts": self.opts,
            "form": form,
            "sessions": sessions_held(),
        }
        return render(request, "admin/chargers/labstop/switch.html", context)
