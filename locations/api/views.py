"""Location routes (contract 4.3)."""

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from locations.api.serializers import (
    CreateLocationRequest,
    LocationResponse,
    UpdateLocationRequest,
    columns_of,
    location_body,
)
from locations.errors import LocationNotFound
from locations.selectors import location_get, locations_of
from locations.services import location_create, location_delete, location_update
from ocpplab.api.fields import as_uuid
from ocpplab.api.pagination import PageQuery, page_serializer, paged
from ocpplab.api.views import GatewayView, body, query


class LocationsView(GatewayView):
    """`/ocpp/locations`."""

    @extend_schema(
        operation_id="locations_list",
        tags=["locations"],
        parameters=[PageQuery],
        responses=page_serializer(LocationResponse, "LocationListResponse"),
    )
    def get(self, request: Request) -> Response:
        """List the locations, newest first."""
        return paged(locations_of(self.organization), location_body, **query(PageQuery, request))

    @extend_schema(
        operation_id="locations_create",
        tags=["locations"],
        request=CreateLocationRequest,
        responses={201: LocationResponse},
    )
    def post(self, request: Request) -> Response:
        """Make a location."""
        columns = columns_of(body(CreateLocationRequest, request))
        location = location_create(organization=self.organization, **columns)
        return Response(location_body(location), status=status.HTTP_201_CREATED)


class LocationView(GatewayView):
    """`/ocpp/locations/{location_id}`."""

    @extend_schema(operation_id="locations_get", tags=["locations"], responses=LocationResponse)
    def get(self, request: Request, location_id: str) -> Response:
        """Return one location."""
        return Response(location_body(location_get(organization=self.organization, location_id=location_id)))

    @extend_schema(
        operation_id="locations_update",
        tags=["locations"],
        request=UpdateLocationRequest,
        responses=LocationResponse,
    )
    def put(self, request: Request, location_id: str) -> Response:
        """Change the keys that the body has; `{}` changes nothing."""
        location = location_get(organization=self.organization, location_id=location_id)
        changes = columns_of(body(UpdateLocationRequest, request))
        changed = location_update(organization=self.organization, location_id=location.id, changes=changes)
        return Response(location_body(changed))

    @extend_schema(operation_id="locations_delete", tags=["locations"], responses={204: None})
    def delete(self, request: Request, location_id: str) -> Response:
        """Delete a location with its chargers and stop their sessions. An id that is not there is fine."""
        uuid = as_uuid(location_id)
        if uuid is None:
            raise LocationNotFound
        location_delete(organization=self.organization, location_id=uuid)
        return Response(status=status.HTTP_204_NO_CONTENT)
