"""StatusNotification (§4.9) and ChangeAvailability (§5.2)."""

from collections.abc import Iterable, Mapping
from typing import Final

from chargers.protocol import Payload
from chargers.protocol.v16.enums import (
    AvailabilityStatus,
    AvailabilityType,
    ChargePointErrorCode,
    ChargePointStatus,
)
from chargers.simulator.dialects.base import CallHandler, TriggerHandler
from chargers.simulator.dialects.context import Context
from chargers.simulator.dialects.status import STATUS, Place, StatusBlock
from chargers.simulator.model.station import Condition, Connector

_STATUS: Final = {
    Condition.AVAILABLE: ChargePointStatus.AVAILABLE,
    Condition.UNAVAILABLE: ChargePointStatus.UNAVAILABLE,
}
_WHOLE: Final = 0  #: the connector number that means the Charge Point itself


class AvailabilityBlock(StatusBlock):
    """Reports connector 0 and each connector, and puts them in and out of service."""

    title = "Availability"

    def places(self, ctx: Context) -> Iterable[Place]:
        """Connector 0 first, then each connector."""
        return ((number,) for number in range(len(ctx.station.connectors) + 1))

    def place_of(self, connector: Connector) -> Place:
        """Connectors are numbered through the Charge Point (§3.8)."""
        return (connector.number,)

    def reported_place(self, request: Payload) -> Place:
        """By its connectorId."""
        return (request["connectorId"],)

    def status_request(self, ctx: Context, place: Place) -> Payload:
        """With the time of the status, which may be older than the message."""
        connector = ctx.station.connector(place[0])
        condition = ctx.station.connector_condition(connector) if connector else ctx.station.condition()
        return {
            "connectorId": place[0],
            "errorCode": ChargePointErrorCode.NO_ERROR.value,
            "status": _STATUS[condition].value,
            "timestamp": ctx.timestamp(),
        }

    def calls(self) -> Mapping[str, CallHandler]:
        """ChangeAvailability."""
        return {"ChangeAvailability": self._change}

    def triggers(self) -> Mapping[str, TriggerHandler]:
        """StatusNotification of one connector, or of all when none is named."""
        return {STATUS: self._triggered}

    def _change(self, ctx: Context, request: Payload) -> Payload:
        number, station = request["connectorId"], ctx.station
        operative = request["type"] == AvailabilityType.OPERATIVE
        connector = station.connector(number)
        if number == _WHOLE:
            before = station.condition()
            ctx.set_operative((station, *station.connectors), operative)
            if station.condition() is not before:
                self.report(ctx, (_WHOLE,))
        elif connector is not None:
            ctx.set_operative((connector,), operative)
        else:
            return {"status": AvailabilityStatus.REJECTED.value}
        return {"status": AvailabilityStatus.ACCEPTED.value}

    def _triggered(self, ctx: Context, request: Payload) -> bool:
        number = request.get("connectorId")
        if number is None:
            self.report_all(ctx, asked=True)
        elif 0 <= number <= len(ctx.station.connectors):
            self.report(ctx, (number,), asked=True)
        else:
            return False
        return True
