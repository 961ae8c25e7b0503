"""StatusNotification (§4.9), ChangeAvailability (§5.2), and faults."""

from collections.abc import Iterable, Mapping
from typing import Final

from chargers.protocol import Payload
from chargers.protocol.v16.enums import (
    AvailabilityStatus,
    AvailabilityType,
    ChargePointErrorCode,
)
from chargers.simulator.dialects.base import CallHandler, Done, IntentHandler, TimerHandler, TriggerHandler
from chargers.simulator.dialects.context import Context
from chargers.simulator.dialects.status import STATUS as STATUS_NOTIFICATION
from chargers.simulator.dialects.status import Place, StatusBlock
from chargers.simulator.effects import Intent
from chargers.simulator.model.charging import FaultKind
from chargers.simulator.model.station import Connector
from chargers.simulator.model.variables import MINIMUM_STATUS_DURATION

from .transactions import asked_for, stop
from .words import ERROR, STATUS, VENDOR_ID, Reason

_WHOLE: Final = 0  #: the connector number that means the Charge Point itself
STABLE_TIMER: Final = "stable"


class AvailabilityBlock(StatusBlock):
    """Reports connector 0 and each connector, puts them in and out of service, and lets things go wrong."""

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
        condition = ctx.station.connector_condition(connector, ctx.now) if connector else ctx.station.condition()
        request = {
            "connectorId": place[0],
            "errorCode": ChargePointErrorCode.NO_ERROR.value,
            "status": STATUS[condition].value,
            "timestamp": ctx.timestamp(),
        }
        if connector is not None and connector.fault is not None:
            request["errorCode"] = ERROR[connector.fault].value
            request |= {"vendorId": VENDOR_ID, "vendorErrorCode": connector.fault.value}
        return request

    def calls(self) -> Mapping[str, CallHandler]:
        """ChangeAvailability."""
        return {"ChangeAvailability": self._change}

    def triggers(self) -> Mapping[str, TriggerHandler]:
        """StatusNotification of one connector, or of all when none is named."""
        return {STATUS_NOTIFICATION: self._triggered}

    def timers(self) -> Mapping[str, TimerHandler]:
        """A condition lasted for MinimumStatusDuration."""
        return {STABLE_TIMER: self._stable}

    def intents(self) -> Mapping[str, IntentHandler]:
        """`inject_fault` and `clear_fault` at a connector."""
        return {"inject_fault": self._inject, "clear_fault": self._clear}

    def accepted(self, ctx: Context) -> None:
        """Everything is reported, so nothing waits to be stable."""
        ctx.unstable = None
        super().accepted(ctx)

    def connector_changed(self, ctx: Context, connector: Connector) -> None:
        """Report the connector, or wait until its condition has lasted (§9.1.18)."""
        wait = ctx.settings.number(MINIMUM_STATUS_DURATION)
        if not wait:
            self.report(ctx, self.place_of(connector))
            return
        waiting = ctx.unstable or {}
        before = waiting[connector.number][1] if connector.number in waiting else connector.shown
        ctx.unstable = {number: one for number, one in waiting.items() if number != connector.number}
        if ctx.station.connector_condition(connector, ctx.now) is not before:
            ctx.unstable[connector.number] = (ctx.now + wait, before)
        self._arm(ctx)

    def station_changed(self, ctx: Context) -> None:
        """Report connector 0."""
        self.report(ctx, (_WHOLE,))

    def error_noticed(self, ctx: Context, error: str) -> None:
        """Report an error that leaves the Charge Point as it is (§3.5.2: connector 0)."""
        if ctx.online and ctx.room_for(1):
            ctx.call(STATUS_NOTIFICATION, self.status_request(ctx, (_WHOLE,)) | {"errorCode": error})

    def _stable(self, ctx: Context) -> None:
        waiting = ctx.unstable or {}
        ctx.unstable = {number: one for number, one in waiting.items() if one[0] > ctx.now}
        self._arm(ctx)
        for number in sorted(waiting.keys() - ctx.unstable.keys()):
            self.report(ctx, (number,))

    def _arm(self, ctx: Context) -> None:
        if ctx.unstable:
            ctx.timers[STABLE_TIMER] = min(deadline for deadline, _ in ctx.unstable.values())
        else:
            ctx.timers.pop(STABLE_TIMER, None)

    def _change(self, ctx: Context, request: Payload) -> Payload:
        number, station = request["connectorId"], ctx.station
        operative = request["type"] == AvailabilityType.OPERATIVE
        connector = station.connector(number)
        if number == _WHOLE:
            busy = bool(station.transactions())
            ctx.set_operative((station, *station.connectors), operative)
        elif connector is not None:
            busy = connector.transaction is not None
            ctx.set_operative((connector,), operative)
        else:
            return {"status": AvailabilityStatus.REJECTED.value}
        later = busy and not operative
        return {"status": (AvailabilityStatus.SCHEDULED if later else AvailabilityStatus.ACCEPTED).value}

    def _triggered(self, ctx: Context, request: Payload) -> bool:
        number = request.get("connectorId")
        if number is None:
            self.report_all(ctx, asked=True)
        elif 0 <= number <= len(ctx.station.connectors):
            self.report(ctx, (number,), asked=True)
        else:
            return False
        return True

    def _inject(self, ctx: Context, intent: Intent) -> Done:
        connector = asked_for(ctx, intent)
        kind = next((kind for kind in FaultKind if kind == intent.data.get("fault_type")), None)
        if connector is None:
            return Done(ok=False, code="unknown_connector")
        if kind is None:
            return Done(ok=False, code="unknown_fault", data={"known": [kind.value for kind in FaultKind]})
        another = connector.fault not in {None, kind}
        connector.fault = kind
        connector.claim = None
        if connector.transaction is not None:
            stop(ctx, connector, Reason.OTHER)
        if another:  # Faulted already, but for another reason
            self.report(ctx, self.place_of(connector))
        return self._fault_changed(ctx, connector)

    def _clear(self, ctx: Context, intent: Intent) -> Done:
        connector = asked_for(ctx, intent)
        if connector is None:
            return Done(ok=False, code="unknown_connector")
        if connector.fault is None:
            return Done(ok=False, code="no_fault")
        connector.fault = None
        return self._fault_changed(ctx, connector)

    def _fault_changed(self, ctx: Context, connector: Connector) -> Done:
        ctx.power_changed = True
        ctx.remember(urgent=True)
        ctx.show_conditions()
        condition = ctx.station.connector_condition(connector, ctx.now)
        fault = None if connector.fault is None else connector.fault.value
        return Done(
            ok=True, data={"connector": connector.number, "fault_type": fault, "status": STATUS[condition].value}
        )
