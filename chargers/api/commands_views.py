"""Commands to one charger: a proxied message is queued, all others wait for the charger's outcome."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from chargers.api.commands_serializers import (
    CacheResetResponse,
    ClearFaultEvent,
    ConfigurationChangeResponse,
    ConfigurationUpdateEvent,
    EmptyEvent,
    FaultOperationResponse,
    InjectFaultEvent,
    LocalAuthListEvent,
    LocalListMutationResponse,
    ProxyMessageEvent,
    QueuedCommandResponse,
    command_request,
)
from chargers.models import Charger
from chargers.protocol import Version, hidden
from chargers.selectors.commands import target_get
from chargers.services.commands_orders import Order, order_send, order_settle
from chargers.services.commands_places import evse_of
from chargers.services.commands_proxy import proxy_order
from ocpplab.api.schema import HttpError
from ocpplab.api.views import GatewayView, body
from ocpplab.common.errors import Refused, Unprocessable

ProxyMessageRequest = command_request("ProxyMessage", ProxyMessageEvent, fan_out=False)
SetConfigurationRequest = command_request("SetConfiguration", ConfigurationUpdateEvent, fan_out=False)
ResetAuthCacheRequest = command_request("ResetAuthCache", EmptyEvent, fan_out=False, optional=True)
SendLocalListRequest = command_request("SendLocalList", LocalAuthListEvent, fan_out=False)
ClearLocalListRequest = command_request("ClearLocalList", EmptyEvent, fan_out=False, optional=True)
InjectFaultRequest = command_request("InjectFault", InjectFaultEvent, fan_out=False)
ClearFaultRequest = command_request("ClearFault", ClearFaultEvent, fan_out=False)

_TAGS: Final = ["commands"]
_APPLIED: Final = frozenset({"Accepted", "RebootRequired"})


class OneCharger(GatewayView):
    """A command to one charger."""

    def charger_of(self, asked: Mapping[str, Any]) -> Charger:
        """Find the target. Raises `ChargerNotFound`."""
        return target_get(organization=self.organization, charger_id=asked["target"]["charger_id"])


@contextmanager
def undeclared() -> Iterator[None]:
    """Say a refusal as 422: the contract declares no 400 on these routes, so the SDK knows none."""
    try:
        yield
    except Refused as refused:
        raise Unprocessable(refused.detail, code=refused.code, retryable=refused.retryable) from None


class ProxyMessage(OneCharger):
    """`/ocpp/commands/proxy-message`."""

    @extend_schema(
        operation_id="commands_proxy_message",
        tags=_TAGS,
        request=ProxyMessageRequest,
        responses={202: QueuedCommandResponse, 400: HttpError, 404: HttpError},
    )
    def post(self, request: Request) -> Response:
        """Send one message of the charger's to its CSMS, as given; it changes nothing at the charger."""
        asked = body(ProxyMessageRequest, request)
        charger, event = self.charger_of(asked), asked["event"]
        order = proxy_order(
            charger=charger, action=event["action"], version=event["ocpp_version"], payload=event["payload"]
        )
        command_id = order_send(charger=charger, order=order)
        answer = {
            "id": command_id,
            "event_type": event["action"],
            "ocpp_version": Version(charger.ocpp_version).subprotocol,
            "payload": hidden(event["payload"]),
        }
        return Response(answer, status=status.HTTP_202_ACCEPTED)


class SetConfiguration(OneCharger):
    """`/ocpp/commands/configuration`."""

    @extend_schema(
        operation_id="commands_set_configuration",
        tags=_TAGS,
        request=SetConfigurationRequest,
        responses={200: ConfigurationChangeResponse, 400: HttpError, 404: HttpError},
    )
    def post(self, request: Request) -> Response:
        """Change configuration keys, each on its own, by the same rules as the CSMS."""
        asked = body(SetConfigurationRequest, request)
        order = Order(kind="set_configuration", data={"configuration": asked["event"]["configuration"]})
        outcome = order_settle(charger=self.charger_of(asked), order=order, passing=frozenset({"rejected"}))
        return Response(_configuration_body(outcome.data))


def _configuration_body(results: Mapping[str, str]) -> dict[str, Any]:
    configured = [key for key, result in results.items() if result in _APPLIED]
    msg = f"{len(configured)} of {len(results)} configuration keys applied"
    verdict = "Accepted"
    if len(configured) < len(results):
        verdict = "Rejected"
        msg += "; " + ", ".join(f"{key}: {result}" for key, result in results.items() if result not in _APPLIED)
    elif "RebootRequired" in results.values():
        verdict = "RebootRequired"
        msg += "; reset the charger for all of them to take effect"
    return {"status": verdict, "configured": configured, "msg": msg, "results": dict(results)}


class ResetAuthCache(OneCharger):
    """`/ocpp/commands/cache/reset`."""

    @extend_schema(
        operation_id="commands_reset_auth_cache",
        tags=_TAGS,
        request=ResetAuthCacheRequest,
        responses={200: CacheResetResponse, 404: HttpError},
    )
    def post(self, request: Request) -> Response:
        """Forget what the CSMS said about id tags."""
        charger = self.charger_of(body(ResetAuthCacheRequest, request))
        with undeclared():
            outcome = order_settle(charger=charger, order=Order(kind="clear_cache"))
        return Response({"msg": "Authorization cache emptied", "cleared_entries": outcome.data["cleared_entries"]})


class SendLocalList(OneCharger):
    """`/ocpp/commands/local-auth-list`."""

    @extend_schema(
        operation_id="commands_send_local_list",
        tags=_TAGS,
        request=SendLocalListRequest,
        responses={200: LocalListMutationResponse, 400: HttpError, 404: HttpError},
    )
    def post(self, request: Request) -> Response:
        """Replace the charger's local authorization list; a version that does not grow is refused."""
        asked = body(SendLocalListRequest, request)
        event = asked["event"]
        entries = [_entry(entry) for entry in event["entries"]]
        order = Order(kind="send_local_list", data={"list_version": event["list_version"], "entries": entries})
        outcome = order_settle(charger=self.charger_of(asked), order=order)
        counts = {key: outcome.data[key] for key in ("list_version", "entries_received")}
        return Response({"status": "Accepted", **counts})


def _entry(entry: Mapping[str, Any]) -> dict[str, Any]:
    given = {key: value for key, value in entry.items() if value is not None}
    if "expiry_date" in given:
        given["expiry_date"] = given["expiry_date"].isoformat().replace("+00:00", "Z")
    return given


class ClearLocalList(OneCharger):
    """`/ocpp/commands/clear-local-auth-list`."""

    @extend_schema(
        operation_id="commands_clear_local_list",
        tags=_TAGS,
        request=ClearLocalListRequest,
        responses={200: LocalListMutationResponse, 404: HttpError},
    )
    def post(self, request: Request) -> Response:
        """Empty the charger's local authorization list and set its version to 0."""
        charger = self.charger_of(body(ClearLocalListRequest, request))
        with undeclared():
            outcome = order_settle(charger=charger, order=Order(kind="clear_local_list"))
        deleted = outcome.data["entries_deleted"]
        return Response({"msg": "Local authorization list emptied", "entries_deleted": deleted})


class _Fault(OneCharger):
    """A fault comes or goes."""

    def _settle(self, charger: Charger, event: Mapping[str, Any], kind: str, msg: str) -> Response:
        fault_type = event.get("fault_type")
        order = Order(
            kind=kind,
            data={} if fault_type is None else {"fault_type": fault_type},
            placed=True,
            evse_id=event.get("evse_id"),
            connector_id=event.get("connector_id"),
        )
        with undeclared():
            outcome = order_settle(charger=charger, order=order)
        number = outcome.data["connector"]
        place = {"evse_id": evse_of(charger.model.evses, number), "connector_id": number}
        return Response({"msg": msg, "fault_type": fault_type, **place, "status": outcome.data["status"]})


class InjectFault(_Fault):
    """`/ocpp/commands/inject-fault`."""

    @extend_schema(
        operation_id="commands_inject_fault",
        tags=_TAGS,
        request=InjectFaultRequest,
        responses={200: FaultOperationResponse, 404: HttpError},
    )
    def post(self, request: Request) -> Response:
        """Break a connector: it is Faulted until the fault is cleared, and its transaction ends."""
        asked = body(InjectFaultRequest, request)
        return self._settle(self.charger_of(asked), asked["event"], "inject_fault", "Fault injected")


class ClearFault(_Fault):
    """`/ocpp/commands/clear-fault`."""

    @extend_schema(
        operation_id="commands_clear_fault",
        tags=_TAGS,
        request=ClearFaultRequest,
        responses={200: FaultOperationResponse, 404: HttpError},
    )
    def post(self, request: Request) -> Response:
        """Repair a connector."""
        asked = body(ClearFaultRequest, request)
        return self._settle(self.charger_of(asked), asked["event"], "clear_fault", "Fault cleared")
