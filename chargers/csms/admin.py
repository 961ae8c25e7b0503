"""The built-in CSMS in the admin: whom it lets charge, and which transactions it saw."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest

from chargers.admin.readonly import ReadOnly

from .models import IdTag, SeenTransaction
from .services import id_tag_save, tags_tell


@admin.register(IdTag)
class IdTagAdmin(admin.ModelAdmin[IdTag]):
    """Id tags; a change counts at once, at every station."""

    list_display = ["tag", "status", "parent_tag", "expires_at", "single"]
    list_filter = ["status"]
    search_fields = ["tag", "parent_tag"]
    ordering = ["tag"]

    def save_model(self, request: HttpRequest, obj: IdTag, form: ModelForm[IdTag], change: bool) -> None:
        """Save and tell the web processes."""
        id_tag_save(obj)

    def delete_model(self, request: HttpRequest, obj: IdTag) -> None:
        """Delete and tell the web processes."""
        super().delete_model(request, obj)
        tags_tell()

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[IdTag]) -> None:
        """As `delete_model`."""
        super().delete_queryset(request, queryset)
        tags_tell()


@admin.register(SeenTransaction)
class SeenTransactionAdmin(ReadOnly, admin.ModelAdmin[SeenTransaction]):
    """What stations told of their transactions."""

    list_display = [
        "station",
        "transaction_id",
        "id_token",
        "started_at",
        "stopped_at",
        "energy",
        "samples",
        "disorders",
    ]
    list_filter = ["version", ("stopped_at", admin.EmptyFieldListFilter), "token_status"]
    search_fields = ["station", "=transaction_id", "=id_token"]
    ordering = ["-id"]
    show_full_result_count = False

    @admin.display(description="energy (Wh)")
    def energy(self, row: SeenTransaction) -> Any:
        """What was charged, so far or in all."""
        latest = row.meter_stop if row.meter_stop is not None else row.last_wh
        return None if latest is None or row.meter_start is None else latest - row.meter_start
