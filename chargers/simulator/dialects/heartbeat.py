"""Heartbeat: the same in 1.6 (§4.6) and 2.0.1 (G02).

A heartbeat is due when nothing was sent for the interval: 1.6 allows and 2.0.1 (G02.FR.05) recommends to let any other
message stand for it. Since it also sets the clock, one is sent at least once a day.
"""

from collections.abc import Mapping
from typing import Final

from chargers.protocol import Payload
from chargers.simulator.model.settings import Variable
from chargers.simulator.model.variables import DAY, HEARTBEAT_INTERVAL

from .base import AnswerHandler, Block, Failure, SettingHandler, TimerHandler, TriggerHandler
from .context import Context

HEARTBEAT: Final = "Heartbeat"
HEARTBEAT_TIMER: Final = "heartbeat"


class HeartbeatBlock(Block):
    """Sends Heartbeat and sets the clock by its answer."""

    title = "Heartbeat"

    def answers(self) -> Mapping[str, AnswerHandler]:
        """Heartbeat."""
        return {HEARTBEAT: self._answered}

    def timers(self) -> Mapping[str, TimerHandler]:
        """The end of the interval, if nothing else was sent."""
        return {HEARTBEAT_TIMER: self._due}

    def settings(self) -> Mapping[Variable, SettingHandler]:
        """A new interval counts from now."""
        return {HEARTBEAT_INTERVAL: self._arm}

    def triggers(self) -> Mapping[str, TriggerHandler]:
        """Heartbeat."""
        return {HEARTBEAT: self._triggered}

    def accepted(self, ctx: Context) -> None:
        """Begin to beat."""
        self._arm(ctx)

    def reconnected(self, ctx: Context, away: float) -> None:
        """Show the CSMS that the charger is back, and get the time."""
        del away
        ctx.call(HEARTBEAT, {})
        self._arm(ctx)

    def _arm(self, ctx: Context) -> None:
        if ctx.online:
            ctx.timers[HEARTBEAT_TIMER] = ctx.now + ctx.settings.number(HEARTBEAT_INTERVAL)

    def _due(self, ctx: Context) -> None:
        if not ctx.online:
            return  # armed again when it is
        interval = ctx.settings.number(HEARTBEAT_INTERVAL)
        silent_until = ctx.last_sent + interval
        if silent_until > ctx.now and ctx.clock.age(ctx.now) < DAY:
            ctx.timers[HEARTBEAT_TIMER] = silent_until
            return
        if not ctx.is_queued(HEARTBEAT):
            ctx.call(HEARTBEAT, {})
        self._arm(ctx)

    def _triggered(self, ctx: Context, _request: Payload) -> bool:
        ctx.call(HEARTBEAT, {}, asked=True)
        return True

    def _answered(self, ctx: Context, _request: Payload, answer: Payload | Failure) -> None:
        if not isinstance(answer, Failure):
            ctx.set_clock(answer["currentTime"])
