"""Block G: StatusNotification (G01) and ChangeAvailability (G03, G04)."""

from collections.abc import Iterable, Mapping
from typing import Final

from chargers.protocol import Payload
from chargers.protocol.v201.enums import ChangeAvailabilityStatus, ConnectorStatus, OperationalStatus
from chargers.simulator.dialects.base import CallHandler, TriggerHandler
from chargers.simulator.dialects.context import Context
from chargers.simulator.dialects.status import STATUS, Place, StatusBlock
from chargers.simulator.model.station import Condition, Connector, Evse, Station
from chargers.simulator.model.variables import OFFLINE_THRESHOLD

_STATUS: Final = {
    Condition.AVAILABLE: ConnectorStatus.AVAILABLE,
    Condition.PREPARING: ConnectorStatus.OCCUPIED,
    Condition.CHARGING: ConnectorStatus.OCCUPIED,
    Condition.SUSPENDED_EVSE: ConnectorStatus.OCCUPIED,
    Condition.SUSPENDED_EV: ConnectorStatus.OCCUPIED,
    Condition.FINISHING: ConnectorStatus.OCCUPIED,
    Condition.RESERVED: ConnectorStatus.RESERVED,
    Condition.UNAVAILABLE: ConnectorStatus.UNAVAILABLE,
    Condition.FAULTED: ConnectorStatus.FAULTED,
}


class AvailabilityBlock(StatusBlock):
    """Reports each connector by EVSE, and puts station, EVSEs and connectors in and out of service."""

    title = "G. Availability"

    def places(self, ctx: Context) -> Iterable[Place]:
        """Each connector; the station as such has no StatusNotification in 2.0.1."""
        return (self.place_of(connector) for connector in ctx.station.connectors)

    def place_of(self, connector: Connector) -> Place:
        """EVSE and connector, both from 1."""
        return (connector.evse.number, connector.place)

    def reported_place(self, request: Payload) -> Place:
        """By its EVSE and connector."""
        return (request["evseId"], request["connectorId"])

    def status_request(self, ctx: Context, place: Place) -> Payload:
        """With the time of the status."""
        connector = ctx.station.connector_at(*place)
        condition = ctx.station.connector_condition(connector) if connector else Condition.UNAVAILABLE
        return {
            "timestamp": ctx.timestamp(),
            "connectorStatus": _STATUS[condition].value,
            "evseId": place[0],
            "connectorId": place[1],
        }

    def reconnected(self, ctx: Context, away: float) -> None:
        """B04.FR.01-02: everything after more than OfflineThreshold, else what changed."""
        if away > ctx.settings.number(OFFLINE_THRESHOLD):
            self.accepted(ctx)
        else:
            super().reconnected(ctx, away)

    def calls(self) -> Mapping[str, CallHandler]:
        """ChangeAvailability."""
        return {"ChangeAvailability": self._change}

    def triggers(self) -> Mapping[str, TriggerHandler]:
        """StatusNotification of one connector."""
        return {STATUS: self._triggered}

    def _change(self, ctx: Context, request: Payload) -> Payload:
        part, problem = _part(ctx.station, request.get("evse"))
        if part is None:
            return {"status": ChangeAvailabilityStatus.REJECTED.value, "statusInfo": {"reasonCode": problem}}
        ctx.set_operative((part,), request["operationalStatus"] == OperationalStatus.OPERATIVE)
        return {"status": ChangeAvailabilityStatus.ACCEPTED.value}

    def _triggered(self, ctx: Context, request: Payload) -> bool:
        # F06.FR.12: the connector must be named.
        part, _ = _part(ctx.station, request.get("evse"))
        if not isinstance(part, Connector):
            return False
        self.report(ctx, self.place_of(part), asked=True)
        return True


def _part(station: Station, address: Payload | None) -> tuple[Station | Evse | Connector | None, str]:
    """What an EVSEType addresses, or None and the reason code that says why there is no such part."""
    if address is None:
        return station, ""
    evse = station.evse(address["id"])
    if evse is None:
        return None, "UnknownEvse"
    if "connectorId" not in address:
        return evse, ""
    return station.connector_at(evse.number, address["connectorId"]), "UnknownConnectorId"
