"""How transaction messages get to the CSMS (§3.7, §3.8.1): in order, kept while offline, tried again.

Decisions where the specification leaves room:

- TransactionMessageAttempts counts the times that the CSMS *answered* with an error or with something unreadable. No
  answer at all (lost connection, time out) is no attempt: the message stays, or a CSMS that hangs would lose energy.
- Times between attempts are TransactionMessageRetryInterval times the attempts so far (§9.1.31).
- When StartTransaction was given up, the transaction has no id: MeterValues go without one and StopTransaction says -1.
"""

from typing import Final

from chargers.protocol import Payload
from chargers.simulator.dialects.base import Courier, Failure
from chargers.simulator.dialects.context import Context
from chargers.simulator.dialects.deliveries import Delivery
from chargers.simulator.effects import MessageAccepted, MessageDropped
from chargers.simulator.model.charging import Transaction
from chargers.simulator.model.variables import MESSAGE_ATTEMPTS, MESSAGE_RETRY_INTERVAL

START: Final = "StartTransaction"
STOP: Final = "StopTransaction"
RETRY_TIMER: Final = "retry"
NO_NUMBER: Final = -1
_LEAST_WAIT: Final = 1.0  #: s before a message that failed is sent again, whatever the key says


def deliver(
    ctx: Context, transaction: Transaction, action: str, payload: Payload, *, at: float, essential: bool
) -> None:
    """Queue a message of a transaction, made at the session's time `at`."""
    transaction.sequence += 1
    delivery = Delivery(
        action=action,
        payload=payload,
        key=transaction.key,
        sequence=transaction.sequence,
        at=ctx.clock.at(at),
        late=not ctx.online,
        essential=essential,
        turn=ctx.next_turn(),
    )
    for dropped in ctx.need_deliveries().add(delivery):
        _give_up(ctx, dropped, "thinned")
    ctx.remember(urgent=essential)


def number_of(ctx: Context, key: str) -> int | None:
    """The id that the CSMS gave to a transaction, while it is needed."""
    return ctx.deliveries.numbers.get(key) if ctx.deliveries is not None else None


class TransactionCourier(Courier):
    """Fills in the transaction's id when a message goes, and sees to its answer."""

    def request(self, ctx: Context, delivery: Delivery) -> Payload:
        """The message with the id of its transaction, which StartTransaction brought meanwhile."""
        if delivery.action == START:
            return delivery.payload
        number = number_of(ctx, delivery.key)
        if number is not None:
            return delivery.payload | {"transactionId": number}
        return delivery.payload | {"transactionId": NO_NUMBER} if delivery.action == STOP else delivery.payload

    def answered(self, ctx: Context, delivery: Delivery, answer: Payload | Failure) -> None:
        """Done, or tried again, or given up."""
        deliveries = ctx.need_deliveries()
        if isinstance(answer, Failure):
            self._failed(ctx, delivery, answer)
            return
        deliveries.done(delivery)
        if delivery.action == START:
            deliveries.numbers[delivery.key] = answer["transactionId"]
        # The book keeps it from the start on; the end says it once more.
        number = number_of(ctx, delivery.key) if delivery.essential else None
        known = None if number is None else str(number)
        ctx.ledger(
            MessageAccepted(delivery.key, delivery.action, delivery.sequence, delivery.at, ctx.clock.at(ctx.now), known)
        )
        ctx.remember(urgent=delivery.essential)
        for delivered in ctx.dialect.delivered:
            delivered(ctx, delivery, answer)
        self._settled(ctx, delivery)

    def _failed(self, ctx: Context, delivery: Delivery, failure: Failure) -> None:
        interval = float(ctx.settings.number(MESSAGE_RETRY_INTERVAL))
        if failure.lost:
            delivery.late = True
            wait = max(interval, _LEAST_WAIT) if ctx.connected else 0.0
        else:
            delivery.attempts += 1
            wait = max(interval * delivery.attempts, _LEAST_WAIT)
            if delivery.attempts >= ctx.settings.number(MESSAGE_ATTEMPTS):
                ctx.need_deliveries().done(delivery)
                _give_up(ctx, delivery, "attempts")
                ctx.remember(urgent=delivery.essential)
                self._settled(ctx, delivery)
                return
        delivery.due = ctx.now + wait if wait else 0.0
        if wait:
            ctx.timers[RETRY_TIMER] = delivery.due

    def _settled(self, ctx: Context, delivery: Delivery) -> None:
        deliveries = ctx.need_deliveries()
        if delivery.action == STOP:
            deliveries.numbers.pop(delivery.key, None)
        for delivery_settled in ctx.dialect.delivery_settled:
            delivery_settled(ctx)


def _give_up(ctx: Context, delivery: Delivery, why: str) -> None:
    ctx.count("dropped_message")
    ctx.ledger(MessageDropped(delivery.key, delivery.action, delivery.sequence, delivery.at, why))
