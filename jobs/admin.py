"""Jobs and their items in the admin: to look at, to cancel, to retry."""

import uuid
from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from chargers.admin.readonly import ReadOnly
from jobs.choices import ItemStatus
from jobs.models import ProvisioningItem, ProvisioningJob
from jobs.selectors import Counts, job_counts, jobs_counts
from jobs.services import job_cancel, job_retry_failed
from ocpplab.accounts.scoping import ScopedAdmin
from ocpplab.api.fields import as_uuid
from ocpplab.common.choices import ProvisioningStatus
from ocpplab.common.errors import DomainError

COLORS = {
    ProvisioningStatus.PENDING: "#6e7781",
    ProvisioningStatus.PROVISIONING: "#0969da",
    ProvisioningStatus.READY: "#1a7f37",
    ProvisioningStatus.FAILED: "#cf222e",
    ItemStatus.PENDING: "#6e7781",
    ItemStatus.CREATED: "#0969da",
    ItemStatus.HELD: "#1a7f37",
    ItemStatus.FAILED: "#cf222e",
}
#: groups, and suffixes of each, that a job's page shows: there may be thousands
GROUPS_SHOWN, IDS_SHOWN = 20, 10
REFUSALS_SHOWN = 5


def _dot(status: str, text: str) -> SafeString:
    return format_html('<span style="color:{};white-space:nowrap">&#9679;&nbsp;{}</span>', COLORS[status], text)  # type: ignore[index]


class CountedList(ChangeList):
    """Counts the items of all jobs of a page in one query."""

    def get_results(self, request: HttpRequest) -> None:
        """Put the counts on the rows."""
        super().get_results(request)
        self.result_list: Any = list(self.result_list)
        counts = jobs_counts([job.pk for job in self.result_list])
        for job in self.result_list:
            job.counts = counts[job.pk]


@admin.register(ProvisioningJob)
class JobAdmin(ReadOnly, ScopedAdmin[ProvisioningJob]):
    """Provisioning jobs, newest first."""

    list_display = ["started", "state", "progress", "kind", "location", "organization", "took", "failure"]
    list_display_links = ["started"]
    list_filter = ["status", "kind", "organization"]
    list_per_page = 50
    list_select_related = ["location", "organization"]
    ordering = ["-created_at", "-id"]
    search_fields = ["=id", "location__name", "=idempotency_key"]
    search_help_text = "Job id, name of the location or Idempotency-Key."
    show_full_result_count = False
    sortable_by = ["started"]
    actions = ["cancel", "retry"]
    fields = [
        "id",
        "workflow_run_id",
        "kind",
        "organization",
        "location",
        "state",
        "progress",
        "items_link",
        "failure",
        "asked",
        "idempotency_key",
        "created_at",
        "expanded_at",
        "progress_at",
        "deadline_at",
        "cancelled_at",
        "finished_at",
    ]

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """Use the list that counts."""
        return CountedList

    def get_queryset(self, request: HttpRequest) -> QuerySet[ProvisioningJob]:
        """Leave the groups, with up to 10,000 ids in each, to the page of one job."""
        return super().get_queryset(request).defer("groups")

    @admin.display(description="asked for at", ordering="created_at")
    def started(self, job: ProvisioningJob) -> str:
        """Show when it was asked for."""
        return f"{timezone.localtime(job.created_at):%Y-%m-%d %H:%M:%S}"

    @admin.display(description="status")
    def state(self, job: ProvisioningJob) -> SafeString:
        """Show the status in its colour."""
        return _dot(job.status, f"{job.status.lower()} (cancelled)" if job.cancelled_at else job.status.lower())

    @admin.display(description="chargers")
    def progress(self, job: ProvisioningJob) -> SafeString:
        """Show how many of the chargers are created, held and failed, with a bar and links to the items."""
        counts: Counts = getattr(job, "counts", None) or job_counts(job.pk)
        parts = [("#1a7f37", counts.hosted), ("#54aeff", counts.created - counts.hosted), ("#cf222e", counts.failed)]
        bars = format_html_join(
            "",
            '<span style="display:inline-block;height:8px;width:{}px;background:{}"></span>',
            ((round(120 * number / max(1, job.total)), color) for color, number in parts),
        )
        text = f"{counts.hosted} of {job.total} held"
        if counts.created > counts.hosted:
            text += f", {counts.created - counts.hosted} waiting for a simulator"
        if counts.failed:
            text += f", {counts.failed} failed"
        return format_html(
            '<span style="display:inline-block;width:120px;background:#d0d7de;line-height:0">{}</span> '
            '<a href="{}?job={}">{}</a>',
            bars,
            reverse("admin:jobs_provisioningitem_changelist"),
            job.pk,
            text,
        )

    @admin.display(description="took")
    def took(self, job: ProvisioningJob) -> str:
        """Say how long it ran."""
        seconds = ((job.finished_at or timezone.now()) - job.created_at).total_seconds()
        return f"{seconds:.1f} s" if seconds < 600 else f"{seconds / 60:.0f} min"

    @admin.display(description="why it failed")
    def failure(self, job: ProvisioningJob) -> str:
        """Show code and message."""
        return f"{job.error_code}: {job.error_message}" if job.error_code else ""

    @admin.display(description="items")
    def items_link(self, job: ProvisioningJob) -> SafeString:
        """Link to the items, all and by status."""
        address = reverse("admin:jobs_provisioningitem_changelist")
        links = [("all", ""), *((status.value, f"&status__exact={status.value}") for status in ItemStatus)]
        return format_html_join(
            " · ", '<a href="{}?job={}{}">{}</a>', ((address, job.pk, query, text) for text, query in links)
        )

    @admin.display(description="what was asked for")
    def asked(self, job: ProvisioningJob) -> SafeString:
        """Show the beginning of the groups."""
        lines = []
        for group in job.groups[:GROUPS_SHOWN]:
            ids = ", ".join(group["ids"][:IDS_SHOWN]) + (", …" if len(group["ids"]) > IDS_SHOWN else "")
            lines.append(
                (
                    f"{group['number']} of {group['prefix']}… {group['ocpp_version']} {group['connector_type']} "
                    f"at {group['ws_url']}" + (f" (given: {ids})" if ids else ""),
                )
            )
        if len(job.groups) > GROUPS_SHOWN:
            lines.append((f"… and {len(job.groups) - GROUPS_SHOWN} more groups",))
        return format_html_join("", "<div>{}</div>", lines)

    def has_steer_permission(self, request: HttpRequest) -> bool:
        """Whether the user may cancel and retry: whoever may change jobs, though nobody edits them by hand."""
        return request.user.has_perm("jobs.change_provisioningjob")

    @admin.action(description="Cancel selected jobs", permissions=["steer"])
    def cancel(self, request: HttpRequest, queryset: QuerySet[ProvisioningJob]) -> None:
        """End them now; chargers that are up stay."""
        self._each(request, queryset, lambda job_id: job_cancel(job_id=job_id), "cancelled")

    @admin.action(description="Retry failed chargers of selected jobs", permissions=["steer"])
    def retry(self, request: HttpRequest, queryset: QuerySet[ProvisioningJob]) -> None:
        """Run their failed items again."""
        self._each(request, queryset, lambda job_id: job_retry_failed(job_id=job_id), "started again")

    def _each(
        self,
        request: HttpRequest,
        queryset: QuerySet[ProvisioningJob],
        act: Callable[[uuid.UUID], Any],
        done: str,
    ) -> None:
        """Act on each job by itself, and say how many it was done to and why not to the others."""
        count, refusals = 0, []
        for job_id in queryset.order_by("created_at").values_list("pk", flat=True):
            try:
                act(job_id)
            except DomainError as error:
                refusals.append(f"{job_id}: {error.detail}")
            else:
                count += 1
        if count:
            messages.success(request, f"{count} job(s) {done}.")
        for refusal in refusals[:REFUSALS_SHOWN]:
            messages.error(request, refusal)
        if len(refusals) > REFUSALS_SHOWN:
            messages.error(request, f"... and {len(refusals) - REFUSALS_SHOWN} more.")


class JobOfItem(admin.SimpleListFilter):
    """The job whose items are shown: set by the links on the job."""

    title = "job"
    parameter_name = "job"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[Any, str]]:
        """Offer the one that is chosen, so that it can be left again."""
        return [(value, value)] if (value := request.GET.get("job")) else []

    def has_output(self) -> bool:
        """Always listen to the address, even when nothing is offered."""
        return True

    def queryset(self, request: HttpRequest, queryset: QuerySet[ProvisioningItem]) -> QuerySet[ProvisioningItem]:
        """Keep to the chosen job, in the order of its request; what is no id matches nothing."""
        value = self.value()
        if value is None:
            return queryset
        job_id = as_uuid(value)
        return queryset.none() if job_id is None else queryset.filter(job_id=job_id).order_by("ordinal")


@admin.register(ProvisioningItem)
class ItemAdmin(ReadOnly, ScopedAdmin[ProvisioningItem]):
    """Chargers of jobs, one by one."""

    organization_path = "job__organization"
    list_display = ["identity", "state", "charger_link", "attempts", "error", "moved_at", "ordinal"]
    list_filter = [JobOfItem, "status", "error_code"]
    list_per_page = 100
    list_select_related = ["charger"]
    ordering = ["-id"]
    search_fields = ["=identity"]
    search_help_text = "Identity."
    show_full_result_count = False
    sortable_by = ()
    fields = [
        "job",
        "ordinal",
        "identity",
        "name",
        "explicit",
        "state",
        "charger_link",
        "attempts",
        "error",
        "error_retryable",
        "dispatched_at",
        "moved_at",
    ]

    @admin.display(description="status")
    def state(self, item: ProvisioningItem) -> SafeString:
        """Show the status in its colour."""
        return _dot(item.status, ItemStatus(item.status).value)

    @admin.display(description="charger")
    def charger_link(self, item: ProvisioningItem) -> SafeString | str:
        """Link to the charger and show its connection."""
        if item.charger is None:
            return ""
        address = reverse("admin:chargers_charger_change", args=[item.charger.pk])
        return format_html('<a href="{}">{}</a> {}', address, item.charger.public_id, item.charger.connection_state)

    @admin.display(description="error")
    def error(self, item: ProvisioningItem) -> str:
        """Show code and message."""
        return f"{item.error_code}: {item.error_message}" if item.error_code else ""
