"""MeterValues (§4.7): periodic samples, clock-aligned values, and what the last message of a transaction carries."""

from collections.abc import Callable, Mapping
from typing import Final

from chargers.protocol import Payload, format_time
from chargers.simulator.dialects.base import AnswerHandler, Block, Failure, TimerHandler, TriggerHandler
from chargers.simulator.dialects.context import Context
from chargers.simulator.effects import TransactionSampled
from chargers.simulator.model.charging import Transaction
from chargers.simulator.model.connector import Connector
from chargers.simulator.model.settings import Variable
from chargers.simulator.model.variables import ALIGNED_INTERVAL, DAY, SAMPLE_INTERVAL

from .delivery import deliver
from .measurands import ALIGNED, PHASE_ROTATION, REGISTER, SAMPLED, STOP_ALIGNED, STOP_SAMPLED, lines_of, sampled

METER_VALUES: Final = "MeterValues"
SAMPLE_TIMER: Final = "sample"
ALIGNED_TIMER: Final = "aligned"
MAX_DATA: Final = 200  #: meter values kept for StopTransaction; then every second one is given up

PERIODIC: Final = "Sample.Periodic"
CLOCK: Final = "Sample.Clock"
TRIGGER: Final = "Trigger"
BEGIN: Final = (STOP_SAMPLED, "Transaction.Begin")
END: Final = (STOP_SAMPLED, "Transaction.End")


class MeteringBlock(Block):
    """Reads the meters and tells the CSMS."""

    title = "Metering"

    def answers(self) -> Mapping[str, AnswerHandler]:
        """MeterValues outside of transactions; their answer is empty."""
        return {METER_VALUES: _nothing_to_do}

    def timers(self) -> Mapping[str, TimerHandler]:
        """The next samples."""
        return {SAMPLE_TIMER: self._sample, ALIGNED_TIMER: self._align}

    def settings(self) -> Mapping[Variable, Callable[[Context], None]]:
        """New intervals count from now."""
        return {SAMPLE_INTERVAL: self._interval_changed, ALIGNED_INTERVAL: self._arm_aligned}

    def triggers(self) -> Mapping[str, TriggerHandler]:
        """MeterValues of one connector, or of all when none is named."""
        return {METER_VALUES: self._triggered}

    def powered_on(self, ctx: Context) -> None:
        """Begin with the clock-aligned values."""
        self._arm_aligned(ctx)

    def accepted(self, ctx: Context) -> None:
        """The clock may have been set."""
        self._arm_aligned(ctx)

    def transaction_started(self, ctx: Context, transaction: Transaction) -> None:
        """The first sample is due one interval after the start."""
        interval = ctx.settings.number(SAMPLE_INTERVAL)
        transaction.sample_at = ctx.now + interval if interval else None
        transaction.sampled_wh = transaction.aligned_wh = transaction.start_wh
        keep(ctx, transaction, *BEGIN, ctx.now)
        self._arm_samples(ctx)

    def transaction_ended(self, ctx: Context, transaction: Transaction) -> None:
        """Sleep when it was the last one."""
        del transaction
        self._arm_samples(ctx)

    def _interval_changed(self, ctx: Context) -> None:
        interval = ctx.settings.number(SAMPLE_INTERVAL)
        for transaction in ctx.station.transactions():
            transaction.sample_at = ctx.now + interval if interval else None
        self._arm_samples(ctx)

    def _arm_samples(self, ctx: Context) -> None:
        due = min((one.sample_at for one in ctx.station.transactions() if one.sample_at is not None), default=None)
        if due is None:
            ctx.timers.pop(SAMPLE_TIMER, None)
        else:
            ctx.timers[SAMPLE_TIMER] = due

    def _sample(self, ctx: Context) -> None:
        interval = ctx.settings.number(SAMPLE_INTERVAL)
        for transaction in ctx.station.transactions():
            if transaction.sample_at is None or transaction.sample_at > ctx.now:
                continue
            missed = int((ctx.now - transaction.sample_at) // interval)  # after a pause there is one, not many
            transaction.sample_at += (missed + 1) * interval
            keep(ctx, transaction, STOP_SAMPLED, PERIODIC, ctx.now)
            transaction.sampled_wh = tell(ctx, transaction, SAMPLED, PERIODIC, ctx.now)
        self._arm_samples(ctx)

    def _arm_aligned(self, ctx: Context) -> None:
        """§9.1.7: evenly spaced from midnight of the charger's clock on."""
        interval = ctx.settings.number(ALIGNED_INTERVAL)
        if not interval:
            ctx.timers.pop(ALIGNED_TIMER, None)
            return
        shown = ctx.clock.at(ctx.now)
        midnight = shown // DAY * DAY
        following = midnight + ((shown - midnight + 0.001) // interval + 1) * interval
        ctx.timers[ALIGNED_TIMER] = ctx.now + min(following, midnight + DAY) - shown

    def _align(self, ctx: Context) -> None:
        for connector in ctx.station.connectors:
            transaction = connector.transaction
            if transaction is None:
                if ctx.online and ctx.room_for(1):
                    report(ctx, connector, ALIGNED, CLOCK, asked=False)
                continue
            keep(ctx, transaction, STOP_ALIGNED, CLOCK, ctx.now)
            transaction.aligned_wh = tell(ctx, transaction, ALIGNED, CLOCK, ctx.now)
        self._arm_aligned(ctx)

    def _triggered(self, ctx: Context, request: Payload) -> bool:
        number = request.get("connectorId")
        if number is not None and not 0 <= number <= len(ctx.station.connectors):
            return False
        if not ctx.settings.items(SAMPLED):
            return False  # there is nothing to send, and Accepted would promise it
        for connector in ctx.station.connectors:
            if number not in {None, 0, connector.number}:
                continue
            if connector.transaction is not None:
                tell(ctx, connector.transaction, SAMPLED, TRIGGER, ctx.now)
            else:
                report(ctx, connector, SAMPLED, TRIGGER, asked=True)
        return True


def connector_of(ctx: Context, transaction: Transaction) -> Connector:
    """The connector that a transaction runs, or ran, on."""
    return ctx.station.connectors[transaction.connector - 1]


def tell(ctx: Context, transaction: Transaction, measurands: Variable, context: str, now: float) -> int:
    """Queue the meter values of a transaction, if the key names any. Returns the register, in Wh."""
    connector = connector_of(ctx, transaction)
    wh = connector.wh(now)
    value = _meter_value(ctx, connector, measurands, context, now)
    if value is None:
        return wh
    payload = {"connectorId": transaction.connector, "meterValue": [value]}
    deliver(ctx, transaction, METER_VALUES, payload, at=now, essential=False)
    if REGISTER in ctx.settings.items(measurands):
        ctx.ledger(TransactionSampled(transaction.key, ctx.clock.at(now), wh))
    return wh


def keep(ctx: Context, transaction: Transaction, measurands: Variable, context: str, now: float) -> None:
    """Keep the meter values for the last message of a transaction, if the key names any."""
    value = _meter_value(ctx, connector_of(ctx, transaction), measurands, context, now)
    if value is None:
        return
    if transaction.data is None:
        transaction.data = []
    transaction.data.append(value)
    if len(transaction.data) > MAX_DATA:
        transaction.data = [one for place, one in enumerate(transaction.data) if place % 2 == 0]


def report(ctx: Context, connector: Connector, measurands: Variable, context: str, *, asked: bool) -> None:
    """Send the meter values of a connector without a transaction."""
    value = _meter_value(ctx, connector, measurands, context, ctx.now)
    if value is not None:
        ctx.call(METER_VALUES, {"connectorId": connector.number, "meterValue": [value]}, asked=asked)


def _meter_value(ctx: Context, connector: Connector, measurands: Variable, context: str, now: float) -> Payload | None:
    wanted = ctx.settings.items(measurands)
    if not wanted:
        return None
    meter, transaction = connector.any_meter(), connector.transaction
    if transaction is None:
        since = meter.wh(now)
    else:
        since = transaction.aligned_wh if context == CLOCK else transaction.sampled_wh
    lines = lines_of(ctx.settings.items(PHASE_ROTATION), connector.number, connector.spec.phases)
    values = sampled(meter, now, wanted, context=context, since_wh=since, lines=lines)
    if not values:
        return None
    return {"timestamp": format_time(ctx.clock.at(now)), "sampledValue": values}


def _nothing_to_do(_ctx: Context, _request: Payload, _answer: Payload | Failure) -> None:
    """Its answer is empty."""
