"""Messages that must reach the CSMS, in order, whenever there is one: kept while offline and over a restart."""

from collections.abc import Mapping
from typing import Any, Final

from chargers.protocol import Payload
from chargers.simulator.model.upkeep import MAX_NOTICES, Notice, Upkeep

from .base import Block, Failure, TimerHandler
from .context import Context

NOTICE_TIMER: Final = "notice"  #: the oldest notice got no answer, and is to be sent again
_AGAIN: Final = 30.0  #: s
_TRIES: Final = 5  #: a CSMS that lets a message run into its time limit so often will not answer it


def tell(ctx: Context, action: str, payload: Payload) -> None:
    """Send a message after all notices before it, now or when there is a CSMS."""
    notices = ctx.need_upkeep().notices
    notices.append(Notice(action, payload))
    if len(notices) > MAX_NOTICES:
        del notices[1]  # the first one may be on its way
        ctx.count("notice_given_up")
    ctx.remember(urgent=True)
    _send_next(ctx)


def _send_next(ctx: Context) -> None:
    upkeep = ctx.upkeep
    if upkeep is None or not upkeep.notices or upkeep.sending or not ctx.online or NOTICE_TIMER in ctx.timers:
        return
    first = upkeep.notices[0]
    upkeep.sending = True
    ctx.call(first.action, first.payload, then=_answered)


def _answered(ctx: Context, _request: Payload, answer: Payload | Failure) -> None:
    upkeep = ctx.need_upkeep()
    upkeep.sending = False
    lost = isinstance(answer, Failure) and answer.lost
    if lost and not ctx.connected:
        return  # it is sent again after the next connection
    first = upkeep.notices[0]
    first.tries += 1
    if lost and first.tries < _TRIES:
        ctx.timers[NOTICE_TIMER] = ctx.now + _AGAIN
        return
    if lost:
        ctx.count("notice_given_up")
    upkeep.notices.pop(0)
    ctx.remember(urgent=True)
    _send_next(ctx)


class NoticesBlock(Block):
    """Delivers notices, and keeps what a charger remembers of firmware, logs and certificates."""

    title = "Guaranteed notices"
    memory_key = "upkeep"

    def timers(self) -> Mapping[str, TimerHandler]:
        """Send the oldest one again."""
        return {NOTICE_TIMER: _send_next}

    def accepted(self, ctx: Context) -> None:
        """Go on."""
        _send_next(ctx)

    def reconnected(self, ctx: Context, away: float) -> None:
        """Go on."""
        del away
        ctx.timers.pop(NOTICE_TIMER, None)
        _send_next(ctx)

    def remember(self, ctx: Context) -> Any:
        """All of the upkeep."""
        return ctx.upkeep.dump() if ctx.upkeep is not None else None

    def restore(self, ctx: Context, memory: Any) -> None:
        """All of the upkeep."""
        ctx.upkeep = Upkeep.load(memory)
