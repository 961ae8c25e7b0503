"""Reservation: ReserveNow (§5.13) and CancelReservation (§5.1)."""

from collections.abc import Mapping
from typing import Any, Final

from chargers.protocol import Fault, Payload, parse_time
from chargers.protocol.v16.enums import CancelReservationStatus, ReservationStatus
from chargers.simulator.dialects.base import Block, CallHandler, Refusal, TimerHandler
from chargers.simulator.dialects.context import Context
from chargers.simulator.model.charging import Transaction
from chargers.simulator.model.connector import Connector
from chargers.simulator.model.planning import NON_EVSE_SPECIFIC
from chargers.simulator.model.reservation import WHOLE, Declined, Reservation, Reservations
from chargers.simulator.model.variables import DAY

from .keys import Key, Setting

#: §9.3 Reservation profile
KEYS: Final[tuple[Key, ...]] = (Setting("ReserveConnectorZeroSupported", NON_EVSE_SPECIFIC),)
RESERVATION_TIMER: Final = "reservation"  #: the next reservation ends
_SOON: Final = 0.001  #: s; the least that a timer can wait for

_ANSWERS: Final = {
    Declined.FAULTED: ReservationStatus.FAULTED,
    Declined.OCCUPIED: ReservationStatus.OCCUPIED,
    Declined.OVER: ReservationStatus.REJECTED,
    Declined.UNAVAILABLE: ReservationStatus.UNAVAILABLE,
    Declined.UNKNOWN_CONNECTOR: ReservationStatus.REJECTED,
}


class ReservationBlock(Block):
    """Makes reservations and lets them end. What they mean for everybody else is the station's business."""

    title = "Reservation"
    memory_key = "reservations"

    def calls(self) -> Mapping[str, CallHandler]:
        """ReserveNow and CancelReservation."""
        return {"ReserveNow": self._reserve, "CancelReservation": self._cancel}

    def timers(self) -> Mapping[str, TimerHandler]:
        """The end of the next reservation."""
        return {RESERVATION_TIMER: _expire}

    def remember(self, ctx: Context) -> list[list[Any]] | None:
        """All reservations."""
        kept = _kept(ctx)
        return kept.dump() if kept is not None else None

    def restore(self, ctx: Context, memory: Any) -> None:
        """Take them back; what ended meanwhile goes when the power comes."""
        ctx.station.reservations = Reservations(ctx.station, (Reservation(*row) for row in memory))

    def powered_on(self, ctx: Context) -> None:
        """A reservation outlasts a reboot, but not its time."""
        _expire(ctx)

    def clock_set(self, ctx: Context) -> None:
        """Reservations go by the charger's clock."""
        _expire(ctx)

    def connector_changed(self, ctx: Context, connector: Connector) -> None:
        """A connector that is faulted or out of service cannot be kept for anybody (§5.13)."""
        del connector
        self.station_changed(ctx)

    def station_changed(self, ctx: Context) -> None:
        """The same holds for the station as a whole."""
        kept = _kept(ctx)
        if kept is not None and kept.drop_broken():
            _settle(ctx, changed=True)
            if ctx.station.reservations is not None:
                # what is left may keep other connectors now, and this turn has looked at some of them already
                ctx.timers[RESERVATION_TIMER] = ctx.now + _SOON

    def transaction_started(self, ctx: Context, transaction: Transaction) -> None:
        """It may have used a reservation up."""
        if transaction.reservation is not None:
            _settle(ctx, changed=True)

    def _reserve(self, ctx: Context, request: Payload) -> Payload | Refusal:
        until = parse_time(request["expiryDate"])
        if until is None:
            return Refusal(Fault.PROPERTY, "expiryDate: not a date-time")
        wanted = Reservation(
            request["reservationId"], request["connectorId"], request["idTag"], until, request.get("parentIdTag")
        )
        if wanted.connector == WHOLE and not ctx.settings.flag(NON_EVSE_SPECIFIC):
            return {"status": ReservationStatus.REJECTED.value}
        kept = _kept(ctx) or Reservations(ctx.station)
        declined = kept.reserve(ctx.clock.at(ctx.now), wanted)
        if declined is not None:
            return {"status": _ANSWERS[declined].value}
        ctx.station.reservations = kept
        _settle(ctx, changed=True)
        return {"status": ReservationStatus.ACCEPTED.value}

    def _cancel(self, ctx: Context, request: Payload) -> Payload:
        kept = _kept(ctx)
        cancelled = kept is not None and kept.cancel(request["reservationId"])
        _settle(ctx, changed=cancelled)
        status = CancelReservationStatus.ACCEPTED if cancelled else CancelReservationStatus.REJECTED
        return {"status": status.value}


def _kept(ctx: Context) -> Reservations | None:
    kept = ctx.station.reservations
    assert kept is None or isinstance(kept, Reservations)
    return kept


def _expire(ctx: Context) -> None:
    kept = _kept(ctx)
    if kept is not None:
        _settle(ctx, changed=kept.expire(ctx.clock.at(ctx.now)))


def _settle(ctx: Context, *, changed: bool) -> None:
    """Wake at the next end. Connectors that are not kept any more are shown at the end of the turn."""
    kept = _kept(ctx)
    end = kept.next_end() if kept is not None else None
    if end is None:
        ctx.station.reservations = None
        ctx.timers.pop(RESERVATION_TIMER, None)
    else:
        # the clock may be set meanwhile, and a wake may come a moment too early: it looks again
        wait = min(end - ctx.clock.at(ctx.now), float(DAY))
        ctx.timers[RESERVATION_TIMER] = ctx.now + max(wait, _SOON)
    if changed:
        ctx.remember(urgent=True)
