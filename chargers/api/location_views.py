"""The chargers of one location: list, update and delete several. Create is routed by the jobs app."""

from collections.abc import Iterable
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from chargers.api.serializers import (
    ChargerListResponse,
    DeleteLocationChargersQuery,
    DeleteLocationChargersResponse,
    LocationChargerListQuery,
    UpdateLocationChargersRequest,
    UpdateLocationChargersResponse,
    charger_body,
    configuration_of,
)
from chargers.errors import NotInLocation
from chargers.models import Charger
from chargers.selectors import chargers_of_location, chargers_with_related_of_many, location_get
from chargers.services.configuration import Change, chargers_update
from chargers.services.removal import chargers_delete
from ocpplab.api.pagination import paged
from ocpplab.api.views import GatewayView, body, query
from ocpplab.common.errors import DomainError


class LocationChargers(GatewayView):
    """`/ocpp/locations/{location_id}/chargers`."""

    @extend_schema(
        operation_id="location_chargers_list",
        tags=["location_chargers"],
        parameters=[LocationChargerListQuery],
        responses=ChargerListResponse,
    )
    def get(self, request: Request, location_id: str) -> Response:
        """List the location's chargers, newest first."""
        asked = query(LocationChargerListQuery, request)
        location = location_get(organization=self.organization, location_id=location_id)
        rows = chargers_of_location(location=location, charger_ids=asked.get("charger_ids"))
        return paged(rows, charger_body, page=asked["page"], limit=asked["limit"])

    @extend_schema(
        operation_id="location_chargers_update",
        tags=["location_chargers"],
        request=UpdateLocationChargersRequest,
        responses=UpdateLocationChargersResponse,
    )
    def put(self, request: Request, location_id: str) -> Response:
        """Change several chargers, each on its own: what cannot be changed is listed in `failed`."""
        location = location_get(organization=self.organization, location_id=location_id)
        items = body(UpdateLocationChargersRequest, request)["chargers"]
        changes = [Change(item["charger_id"], configuration_of(item)) for item in items]
        errors = chargers_update(
            organization_id=location.organization_id, rows=Charger.objects.filter(location=location), changes=changes
        )
        done = [change.charger_id for change, error in zip(changes, errors, strict=True) if error is None]
        bodies = _bodies(done)
        failed = [
            _failure(change.charger_id, error)
            for change, error in zip(changes, errors, strict=True)
            if error is not None
        ]
        # One that was deleted since the change has no body to show.
        failed += [_failure(charger_id, NotInLocation()) for charger_id in done if charger_id not in bodies]
        updated = [bodies[charger_id] for charger_id in done if charger_id in bodies]
        return Response(
            {"updated_count": len(updated), "failed_count": len(failed), "updated": updated, "failed": failed}
        )

    @extend_schema(
        operation_id="location_chargers_delete",
        tags=["location_chargers"],
        parameters=[DeleteLocationChargersQuery],
        responses=DeleteLocationChargersResponse,
    )
    def delete(self, request: Request, location_id: str) -> Response:
        """Delete the given chargers, each on its own: what is not there is listed in `failed`."""
        asked = query(DeleteLocationChargersQuery, request)
        location = location_get(organization=self.organization, location_id=location_id)
        charger_ids = list(dict.fromkeys(asked["charger_ids"]))
        gone = set(chargers_delete(rows=Charger.objects.filter(location=location), charger_ids=charger_ids))
        deleted = [charger_id for charger_id in charger_ids if charger_id in gone]
        failed = [_failure(charger_id, NotInLocation()) for charger_id in charger_ids if charger_id not in gone]
        return Response(
            {"deleted_count": len(deleted), "failed_count": len(failed), "deleted": deleted, "failed": failed}
        )


def _bodies(charger_ids: Iterable[str]) -> dict[str, dict[str, Any]]:
    rows = chargers_with_related_of_many(Charger.objects.filter(public_id__in=set(charger_ids)))
    return {row.public_id: charger_body(row) for row in rows}


def _failure(charger_id: str, error: DomainError) -> dict[str, str]:
    return {"charger_id": charger_id, "error": error.detail, "code": error.code}
