"""RemoteStartTransaction (§5.11), RemoteStopTransaction (§5.12) and UnlockConnector (§5.18)."""

from collections.abc import Mapping
from functools import partial

from chargers.protocol import Payload
from chargers.simulator.dialects.base import Block, CallHandler
from chargers.simulator.dialects.context import Context
from chargers.simulator.model.charging import FaultKind
from chargers.simulator.model.connector import Connector
from chargers.simulator.model.variables import AUTHORIZE_REMOTE_START

from .authorization import Answer, authorize, known_parent, may_begin
from .smart_charging import PROFILE_OPTION, comes_with_remote_start
from .transactions import claim, stop
from .words import Reason

_ACCEPTED = {"status": "Accepted"}
_REJECTED = {"status": "Rejected"}


class RemoteBlock(Block):
    """Does what the CSMS asks for on behalf of a driver."""

    title = "Remote control"

    def calls(self) -> Mapping[str, CallHandler]:
        """RemoteStartTransaction, RemoteStopTransaction, UnlockConnector."""
        return {
            "RemoteStartTransaction": self._start,
            "RemoteStopTransaction": self._stop,
            "UnlockConnector": self._unlock,
        }

    def _start(self, ctx: Context, request: Payload) -> Payload:
        tag, profile = request["idTag"], request.get("chargingProfile")
        connector = self._chosen(ctx, request)
        full = ctx.deliveries is not None and ctx.deliveries.full
        if connector is None or full or ctx.resetting is not None:
            return _REJECTED
        if profile is not None and not comes_with_remote_start(ctx, connector.number, profile):
            return _REJECTED
        options = {PROFILE_OPTION: profile} if profile is not None else None
        parent = known_parent(ctx, tag)
        reserved = ctx.station.may_claim(connector, tag, parent) is not None  # for a group that may be the tag's
        if reserved or ctx.settings.flag(AUTHORIZE_REMOTE_START):
            authorize(ctx, tag, partial(_authorized, connector.number, tag, options))
        else:
            claim(ctx, connector, tag, parent=parent, remote=True, options=options)
        return _ACCEPTED

    def _chosen(self, ctx: Context, request: Payload) -> Connector | None:
        """The connector named, or the best one when none is: one with a car, one that is reserved, the first one."""
        station, number, tag = ctx.station, request.get("connectorId"), request["idTag"]
        if number is not None:
            named = station.connector(number)
            usable = named is not None and may_begin(ctx, named, tag) is None
            return named if usable else None
        free = [one for one in station.connectors if may_begin(ctx, one, tag) is None]
        bookings, parent = station.reservations, known_parent(ctx, tag)

        def rank(one: Connector) -> tuple[bool, bool, int]:
            kept = bookings is not None and bookings.kept_for(one.number, tag, parent)
            return one.vehicle is None, not kept, one.number

        return min(free, key=rank, default=None)

    def _stop(self, ctx: Context, request: Payload) -> Payload:
        for connector in ctx.station.connectors:
            running = connector.transaction
            if running is not None and running.number == request["transactionId"]:
                stop(ctx, connector, Reason.REMOTE)
                return _ACCEPTED
        return _REJECTED

    def _unlock(self, ctx: Context, request: Payload) -> Payload:
        connector = ctx.station.connector(request["connectorId"])
        if connector is None:
            return {"status": "NotSupported"}
        return {"status": "Unlocked" if unlock(ctx, connector) else "UnlockFailed"}


def unlock(ctx: Context, connector: Connector) -> bool:
    """Open the lock of a connector; a transaction ends first (§5.18). False when the lock is broken."""
    stop(ctx, connector, Reason.UNLOCK_COMMAND)
    if connector.fault is FaultKind.CONNECTOR_LOCK_FAILURE:
        return False
    connector.held = False
    ctx.remember(urgent=True)
    return True


def _authorized(number: int, tag: str, options: Payload | None, ctx: Context, answer: Answer) -> None:
    connector = ctx.station.connector(number)
    if answer.accepted and connector is not None:
        claim(ctx, connector, tag, parent=answer.parent, remote=True, options=options)
