"""Chargers one by one: list, get, update, delete, log. Create and its status are routed by the jobs app."""

from collections.abc import Callable
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from chargers.api.serializers import (
    ChargerListQuery,
    ChargerListResponse,
    ChargerLogListResponse,
    ChargerResponse,
    LogQuery,
    RuntimeResponse,
    UpdateChargerRequest,
    charger_body,
    configuration_of,
)
from chargers.errors import ChargerNotFound
from chargers.models import Charger
from chargers.selectors import ChargerFilter, MessageFilter, charger_get, chargers_list, messages_page
from chargers.services.configuration import charger_update
from chargers.services.removal import chargers_delete
from chargers.services.runtime import chargers_reset, chargers_start, chargers_stop
from ocpplab.api.pagination import paged
from ocpplab.api.schema import HttpError
from ocpplab.api.views import GatewayView, body, query


class ChargerCollection(GatewayView):
    """`/ocpp/chargers`."""

    @extend_schema(
        operation_id="chargers_list",
        tags=["chargers"],
        parameters=[ChargerListQuery],
        responses=ChargerListResponse,
    )
    def get(self, request: Request) -> Response:
        """List the organization's chargers, newest first."""
        asked = query(ChargerListQuery, request)
        page, limit = asked.pop("page"), asked.pop("limit")
        rows = chargers_list(organization=self.organization, where=ChargerFilter(**asked))
        return paged(rows, charger_body, page=page, limit=limit)


class ChargerDetail(GatewayView):
    """`/ocpp/chargers/{charger_id}`."""

    @extend_schema(operation_id="chargers_get", tags=["chargers"], responses=ChargerResponse)
    def get(self, request: Request, charger_id: str) -> Response:
        """Return one charger by its deployment id."""
        return Response(charger_body(charger_get(organization=self.organization, charger_id=charger_id)))

    @extend_schema(
        operation_id="chargers_update",
        tags=["chargers"],
        request=UpdateChargerRequest,
        responses={200: ChargerResponse, 400: HttpError},
    )
    def put(self, request: Request, charger_id: str) -> Response:
        """Change the given values; a new address, version or connector type starts a new session."""
        charger = charger_get(organization=self.organization, charger_id=charger_id)
        charger_update(charger=charger, values=configuration_of(body(UpdateChargerRequest, request)))
        return self.get(request, charger_id)

    @extend_schema(operation_id="chargers_delete", tags=["chargers"], responses={204: None})
    def delete(self, request: Request, charger_id: str) -> Response:
        """Delete the charger; its session ends."""
        rows = Charger.objects.filter(pk=charger_get(organization=self.organization, charger_id=charger_id).pk)
        if not chargers_delete(rows=rows, charger_ids=[charger_id]):
            raise ChargerNotFound
        return Response(status=status.HTTP_204_NO_CONTENT)


class ChargerLog(GatewayView):
    """`/ocpp/chargers/{charger_id}/logs`."""

    @extend_schema(
        operation_id="chargers_get_logs",
        tags=["chargers"],
        parameters=[LogQuery],
        responses=ChargerLogListResponse,
    )
    def get(self, request: Request, charger_id: str) -> Response:
        """Return a part of the charger's OCPP log, oldest first."""
        asked = query(LogQuery, request)
        charger = charger_get(organization=self.organization, charger_id=charger_id)
        where = MessageFilter(start=asked.get("start_date"), end=asked.get("end_date"), event=asked.get("event"))
        limit, offset = asked["limit"], asked["offset"]
        messages, total = messages_page(charger=charger, where=where, limit=limit, offset=offset)
        data = [
            {"direction": row.direction, "action": row.action, "message": row.message, "timestamp": row.at}
            for row in messages
        ]
        return Response({"data": data, "total": total, "limit": limit, "offset": offset})


class Runtime(GatewayView):
    """The power switch. Acts on the session as a whole; it is no OCPP Reset. A body is not looked at."""

    event_type: str
    desired_count = 1
    order: Callable[..., Any]

    def _post(self, charger_id: str) -> Response:
        charger = charger_get(organization=self.organization, charger_id=charger_id)
        type(self).order(ids=[charger.pk])
        payload = {
            "provider": "local",
            "runtime_kind": "session",
            "service_name": charger.public_id,
            "desired_count": self.desired_count,
            "status": "ACTIVE",
        }
        answer = {
            "id": charger.public_id,
            "event_type": self.event_type,
            "ocpp_version": charger.ocpp_version,
            "payload": payload,
        }
        return Response(answer, status=status.HTTP_202_ACCEPTED)


class StartCharger(Runtime):
    """`/ocpp/chargers/{charger_id}/start-charger`."""

    event_type = "start_charger"
    order = staticmethod(chargers_start)

    @extend_schema(
        operation_id="chargers_start_runtime", tags=["chargers"], request=None, responses={202: RuntimeResponse}
    )
    def post(self, request: Request, charger_id: str) -> Response:
        """Give the charger a session; one that runs goes on."""
        return self._post(charger_id)


class StopCharger(Runtime):
    """`/ocpp/chargers/{charger_id}/stop-charger`."""

    event_type = "stop_charger"
    desired_count = 0
    order = staticmethod(chargers_stop)

    @extend_schema(
        operation_id="chargers_stop_runtime", tags=["chargers"], request=None, responses={202: RuntimeResponse}
    )
    def post(self, request: Request, charger_id: str) -> Response:
        """End the charger's session until it is started again."""
        return self._post(charger_id)


class ResetCharger(Runtime):
    """`/ocpp/chargers/{charger_id}/reset-charger`."""

    event_type = "reset_charger"
    order = staticmethod(chargers_reset)

    @extend_schema(
        operation_id="chargers_reset_runtime", tags=["chargers"], request=None, responses={202: RuntimeResponse}
    )
    def post(self, request: Request, charger_id: str) -> Response:
        """Give the charger a fresh session; one that was stopped starts."""
        return self._post(charger_id)
