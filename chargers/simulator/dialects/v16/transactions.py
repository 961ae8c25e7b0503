"""Transactions: StartTransaction (§4.8), StopTransaction (§4.10), and what begins and ends them at the station."""

from collections.abc import Mapping
from typing import Any, Final

from chargers.protocol import Payload, format_time
from chargers.simulator.dialects.base import AnswerHandler, Block, BootCause, Failure, TimerHandler
from chargers.simulator.dialects.context import Context
from chargers.simulator.dialects.deliveries import Delivery
from chargers.simulator.effects import Intent, TransactionStarted, TransactionStopped
from chargers.simulator.model.authorization import ACCEPTED
from chargers.simulator.model.charging import Claim, Refused, Transaction
from chargers.simulator.model.connector import Connector
from chargers.simulator.model.station import NEVER, reached
from chargers.simulator.model.variables import (
    CONNECTION_TIMEOUT,
    MAX_ENERGY_ON_INVALID_ID,
    STOP_ON_EV_DISCONNECT,
    STOP_ON_INVALID_ID,
    UNLOCK_ON_EV_DISCONNECT,
)

from .authorization import learn_of, listed
from .delivery import RETRY_TIMER, START, STOP, deliver
from .metering import END, connector_of, keep
from .words import Reason

CLAIM_TIMER: Final = "claim"
LIST_CONFLICT: Final = "LocalListConflict"

_REBOOT_REASONS: Final = {
    BootCause.REMOTE_RESET: Reason.HARD_RESET,
    BootCause.LOCAL_RESET: Reason.REBOOT,
}


class TransactionsBlock(Block):
    """Starts and stops transactions, and minds what the CSMS says to that."""

    title = "Transactions"

    def answers(self) -> Mapping[str, AnswerHandler]:
        """StartTransaction and StopTransaction, which only the courier (or the lab by hand) sends."""
        return {START: _nothing_to_do, STOP: _nothing_to_do}

    def timers(self) -> Mapping[str, TimerHandler]:
        """Claims end; a message is tried again (the end of the turn sends it)."""
        return {CLAIM_TIMER: self._claims_end, RETRY_TIMER: lambda _ctx: None}

    def powered_on(self, ctx: Context) -> None:
        """A transaction that a power cut broke off ends at the instant of the cut, with all its energy."""
        for connector in ctx.station.connectors:
            transaction = connector.transaction
            if transaction is not None:
                at = ctx.now if transaction.broken_at is None else transaction.broken_at
                stop(ctx, connector, Reason.POWER_LOSS, at=at)

    def powering_off(self, ctx: Context) -> None:
        """Nothing goes on without power."""
        reason = Reason.POWER_LOSS
        if ctx.reboot is not None:
            reason = _REBOOT_REASONS.get(ctx.reboot.cause, Reason.REBOOT)
        for connector in ctx.station.connectors:
            connector.claim = None
            stop(ctx, connector, reason)

    def accepted(self, ctx: Context) -> None:
        """The timers of the former life are gone."""
        _arm_retry(ctx)

    def reconnected(self, ctx: Context, away: float) -> None:
        """A message may have to wait still."""
        del away
        _arm_retry(ctx)

    def power_turned(self, ctx: Context) -> None:
        """A plan came to its end, or the energy that a refused tag may still have."""
        for connector in ctx.station.connectors:
            transaction = connector.transaction
            if transaction is None:
                continue
            if reached(connector, ctx.now):
                leaves = transaction.leaves
                stop(ctx, connector, Reason.LOCAL)
                ctx.show_conditions()
                if leaves:
                    unplug(ctx, connector)
            elif _exhausted(connector, ctx.now) and ctx.settings.flag(STOP_ON_INVALID_ID):
                stop(ctx, connector, Reason.DE_AUTHORIZED)

    def delivered(self, ctx: Context, delivery: Delivery, answer: Payload) -> None:
        """The CSMS named the transaction's id, and may refuse its tag."""
        if delivery.action == STOP:
            tag = delivery.payload.get("idTag")
            if tag is not None:
                learn_of(ctx, tag, answer)
            return
        if delivery.action != START:
            return
        tag = delivery.payload["idTag"]
        status = learn_of(ctx, tag, answer)
        entry = listed(ctx, tag)
        if entry is not None and entry.accepts(ctx.clock.at(ctx.now)) and status != ACCEPTED:
            for block in ctx.dialect.blocks:
                block.error_noticed(ctx, LIST_CONFLICT)  # §3.5.2
        for transaction in ctx.station.transactions():
            if transaction.key == delivery.key:
                transaction.number = answer["transactionId"]
                ctx.power_changed = True
                for block in ctx.dialect.blocks:
                    block.transaction_numbered(ctx, transaction)
                if status != ACCEPTED:
                    _refused_late(ctx, transaction)

    def _claims_end(self, ctx: Context) -> None:
        for connector in ctx.station.connectors:
            if connector.claim is not None and connector.claim.until <= ctx.now:
                connector.claim = None
                for block in ctx.dialect.blocks:
                    block.claim_ended(ctx, connector)
        arm_claims(ctx)


def asked_for(ctx: Context, intent: Intent) -> Connector | None:
    """The connector of an intent: the first one unless it names another; None when there is no such connector."""
    number = intent.data.get("connector")
    if number is None:
        return ctx.station.connectors[0]
    return ctx.station.connector(number) if isinstance(number, int) else None


def claim(ctx: Context, connector: Connector, tag: str, **options: Any) -> Refused | None:
    """A tag was accepted for a connector: charging begins at once if a car is there, else when one comes.

    `options` are fields of `Claim`. Says why not, then nothing changed.
    """
    if ctx.deliveries is not None and ctx.deliveries.full:
        return Refused.MEMORY_FULL
    if ctx.resetting is not None:  # it would end with the reset that waits for the CSMS
        return Refused.UNAVAILABLE
    wait = ctx.settings.number(CONNECTION_TIMEOUT)
    until = ctx.now + wait if wait else NEVER
    refused = ctx.station.claim(connector, Claim(tag, until, **options))
    if refused is None:
        ctx.show_conditions()
        begin_if_ready(ctx, connector)
        arm_claims(ctx)
    return refused


def arm_claims(ctx: Context) -> None:
    """Wake when the next claim ends."""
    due = min((one.claim.until for one in ctx.station.connectors if one.claim is not None), default=NEVER)
    if due < NEVER:
        ctx.timers[CLAIM_TIMER] = due
    else:
        ctx.timers.pop(CLAIM_TIMER, None)


def begin_if_ready(ctx: Context, connector: Connector) -> None:
    """Start the transaction if a tag was accepted and a car is there."""
    mine = connector.claim
    if mine is None or not ctx.station.ready(connector):
        return
    bookings = ctx.station.reservations
    reservation = None if bookings is None else bookings.consume(connector.number, mine.tag, mine.parent)
    transaction = Transaction(
        key=ctx.dice.uuid(),
        connector=connector.number,
        tag=mine.tag,
        since=ctx.now,
        started_at=ctx.clock.at(ctx.now),
        start_wh=connector.wh(ctx.now),
        parent=mine.parent,
        reservation=reservation,
        remote=mine.remote,
        until=None if mine.lasts is None else ctx.now + mine.lasts,
        target_wh=mine.target_wh,
        leaves=mine.leaves,
        options=mine.options,
    )
    connector.begin(transaction, seed=ctx.seed())
    payload: Payload = {
        "connectorId": connector.number,
        "idTag": transaction.tag,
        "meterStart": transaction.start_wh,
        "timestamp": format_time(transaction.started_at),
    }
    if reservation is not None:
        payload["reservationId"] = reservation
    deliver(ctx, transaction, START, payload, at=ctx.now, essential=True)
    ctx.ledger(
        TransactionStarted(
            transaction.key,
            connector.number,
            transaction.tag,
            transaction.started_at,
            transaction.start_wh,
            offline=not ctx.online,
            reservation_id=reservation,
        )
    )
    ctx.power_changed = True
    for block in ctx.dialect.blocks:
        block.transaction_started(ctx, transaction)
    arm_claims(ctx)


def stop(
    ctx: Context, connector: Connector, reason: Reason, *, tag: str | None = None, at: float | None = None
) -> Transaction | None:
    """End the transaction of a connector, if one runs, at the session's time `at` (now). Returns it."""
    transaction = connector.transaction
    if transaction is None:
        return None
    at = ctx.now if at is None else at
    keep(ctx, transaction, *END, at)
    connector.end(at)
    meter_stop, shown = connector.wh(at), ctx.clock.at(at)
    payload: Payload = {"meterStop": meter_stop, "timestamp": format_time(shown), "reason": reason.value}
    if tag is not None:
        payload["idTag"] = tag
    if transaction.data:
        payload["transactionData"] = transaction.data
    deliver(ctx, transaction, STOP, payload, at=at, essential=True)
    ctx.ledger(TransactionStopped(transaction.key, shown, meter_stop, reason.value, offline=not ctx.online))
    ctx.power_changed = True
    for block in ctx.dialect.blocks:
        block.transaction_ended(ctx, transaction)
    return transaction


def unplug(ctx: Context, connector: Connector) -> Refused | None:
    """Somebody takes the car away. What that means for a transaction is the keys' decision (§9.1.26, §9.1.33)."""
    if connector.vehicle is None:
        return Refused.NOT_PLUGGED
    ran = connector.transaction is not None
    if ran and ctx.settings.flag(STOP_ON_EV_DISCONNECT):
        stop(ctx, connector, Reason.EV_DISCONNECTED)
        ctx.show_conditions()
    connector.unplug(ctx.now)
    if ran and connector.transaction is None and connector.spec.phases:
        connector.held = not ctx.settings.flag(UNLOCK_ON_EV_DISCONNECT)
    ctx.power_changed = True
    ctx.remember(urgent=True)
    for block in ctx.dialect.blocks:
        block.unplugged(ctx, connector)
    return None


def plugged(ctx: Context, connector: Connector) -> None:
    """A car was plugged in."""
    ctx.power_changed = True
    ctx.remember(urgent=True)
    ctx.show_conditions()
    begin_if_ready(ctx, connector)


def _arm_retry(ctx: Context) -> None:
    head = ctx.deliveries.waiting[0] if ctx.deliveries else None
    if head is not None and head.due > ctx.now:
        ctx.timers[RETRY_TIMER] = head.due


def _refused_late(ctx: Context, transaction: Transaction) -> None:
    """§4.8: the CSMS does not accept the tag of a transaction that runs already."""
    connector = connector_of(ctx, transaction)
    allowance = ctx.settings.number(MAX_ENERGY_ON_INVALID_ID)
    if allowance == 0 and ctx.settings.flag(STOP_ON_INVALID_ID):
        stop(ctx, connector, Reason.DE_AUTHORIZED)
    else:
        transaction.cap_wh = connector.wh(ctx.now) + allowance


def _exhausted(connector: Connector, now: float) -> bool:
    transaction = connector.transaction
    return transaction is not None and transaction.cap_wh is not None and connector.wh(now) >= transaction.cap_wh


def _nothing_to_do(_ctx: Context, _request: Payload, _answer: Payload | Failure) -> None:
    """Nobody but the lab sends these by hand."""
