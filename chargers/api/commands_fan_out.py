"""Commands to one charger, a location or a part of it: queued for each on its own, nobody waits for the outcome."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from chargers.api.commands_behaviour import BehaviourEvent, behaviour_data
from chargers.api.commands_serializers import (
    AuthorizeIdTagCommandEvent,
    ConnectorCommandEvent,
    LocationCommandResponse,
    PowerUpdateCommandEvent,
    StartSessionCommandEvent,
    StartTransactionCommandEvent,
    StopSessionCommandEvent,
    StopTransactionCommandEvent,
    command_request,
)
from chargers.api.commands_targets import targets_of
from chargers.errors import NotInLocation
from chargers.protocol import Version, hidden
from chargers.selectors.commands import Targets
from chargers.services.commands import FanOut
from chargers.services.commands_orders import Order, orders_fan_out
from ocpplab.api.schema import HttpError
from ocpplab.api.views import GatewayView, body

_PLACE: Final = frozenset({"evse_id", "connector_id"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One fan-out route: `event_type` is its name in answers, `kind` the intent that it stands for."""

    event_type: str
    kind: str
    event: type[serializers.Serializer[Any]]
    doc: str

    @property
    def path(self) -> str:
        """Last segment of its address."""
        return self.event_type.replace("_", "-")

    def order(self, event: Mapping[str, Any]) -> Order:
        """Translate a validated event without nulls."""
        if self.event is BehaviourEvent:
            return Order(kind=self.kind, data=behaviour_data(event))
        return Order(
            kind=self.kind,
            data={key: value for key, value in event.items() if key not in _PLACE},
            placed=issubclass(self.event, ConnectorCommandEvent),
            evse_id=event.get("evse_id"),
            connector_id=event.get("connector_id"),
        )


ROUTES: Final = (
    Route(
        event_type="plug_connector",
        kind="plug",
        event=ConnectorCommandEvent,
        doc="Plug a car in: the connector is Preparing, or charges if a tag was shown before.",
    ),
    Route(
        event_type="unplug_connector",
        kind="unplug",
        event=ConnectorCommandEvent,
        doc="Take the car away: a transaction ends with reason EVDisconnected if the configuration says so.",
    ),
    Route(
        event_type="unlock_connector",
        kind="unlock",
        event=ConnectorCommandEvent,
        doc="Release the latch, as if the CSMS had sent UnlockConnector.",
    ),
    Route(
        event_type="start_transaction",
        kind="start_transaction",
        event=StartTransactionCommandEvent,
        doc="Start a transaction and nothing else: plug in and authorize before.",
    ),
    Route(
        event_type="stop_transaction",
        kind="stop_transaction",
        event=StopTransactionCommandEvent,
        doc="Stop a transaction and nothing else: the car stays plugged in.",
    ),
    Route(
        event_type="start_session",
        kind="start_session",
        event=StartSessionCommandEvent,
        doc="The whole way: plug in, authorize, start, and leave after the given time or energy.",
    ),
    Route(
        event_type="stop_session",
        kind="stop_session",
        event=StopSessionCommandEvent,
        doc="The whole way back: stop the transaction and unplug.",
    ),
    Route(
        event_type="authorize_id_tag",
        kind="authorize",
        event=AuthorizeIdTagCommandEvent,
        doc="Ask whether a tag may charge; nothing is started. The verdict is in GET /ocpp/commands/{id}.",
    ),
    Route(
        event_type="ev_requests_energy",
        kind="ev_requests_energy",
        event=ConnectorCommandEvent,
        doc="The car wants energy: in a transaction the connector is Charging.",
    ),
    Route(
        event_type="ev_stops_energy",
        kind="ev_stops_energy",
        event=ConnectorCommandEvent,
        doc="The car wants no more energy: in a transaction the connector is SuspendedEV.",
    ),
    Route(
        event_type="power_update",
        kind="power_update",
        event=PowerUpdateCommandEvent,
        doc="The car draws this power, within what car, connector and limits allow.",
    ),
    Route(
        event_type="behaviour",
        kind="behaviour",
        event=BehaviourEvent,
        doc="Let people come and go by themselves, or stop that. A route of our own.",
    ),
)


def view_of(route: Route) -> type[GatewayView]:
    """Make the view of a route."""
    name = "".join(word.capitalize() for word in route.event_type.split("_"))
    wanted = command_request(name, route.event, fan_out=True)

    class View(GatewayView):
        """A fan-out."""

        @extend_schema(
            operation_id=f"commands_{route.event_type}",
            description=route.doc,
            tags=["commands"],
            request=wanted,
            responses={202: LocationCommandResponse, 404: HttpError},
        )
        def post(self, request: Request) -> Response:
            """Queue the command for each charger."""
            asked = body(wanted, request)
            event = {key: value for key, value in asked["event"].items() if value is not None}
            targets = targets_of(self.organization, asked["target"])
            done = orders_fan_out(chargers=targets.chargers, order=route.order(event))
            return Response(_answer(route, event, targets, done), status=status.HTTP_202_ACCEPTED)

    View.__name__ = View.__qualname__ = name
    return View


def _answer(route: Route, event: dict[str, Any], targets: Targets, done: FanOut) -> dict[str, Any]:
    results = [
        {
            "charger_id": one.charger.public_id,
            "identity": one.charger.identity,
            "command": {
                "id": one.command_id,
                "event_type": route.event_type,
                "ocpp_version": Version(one.charger.ocpp_version).subprotocol,
                "payload": hidden(event),
            },
        }
        for one in done.queued
    ]
    failed: list[dict[str, str]] = [
        {
            "identity": one.charger.identity,
            "error": one.detail,
            "charger_id": one.charger.public_id,
            "code": one.code,
        }
        for one in done.failed
    ]
    stranger = NotInLocation()
    failed += [
        {"error": stranger.detail, "charger_id": charger_id, "code": stranger.code} for charger_id in targets.missing
    ]
    return {
        "targeted_count": len(results) + len(failed),
        "queued_count": len(results),
        "failed_count": len(failed),
        "results": results,
        "failed": failed,
    }
