"""BootNotification until the CSMS accepts it: 1.6 (§4.2) and 2.0.1 (B01-B03) differ in the request only."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Final

from chargers.protocol import Payload
from chargers.simulator.effects import Booted, ConnectionState
from chargers.simulator.model.variables import DAY, HEARTBEAT_INTERVAL

from .base import BOOT, AnswerHandler, Block, BootCause, Failure, Registration, TimerHandler
from .context import Context

BOOT_TIMER: Final = "boot"  #: BootNotification is not to be sent before this
#: s; the charger's own choice (1.6 §4.2: "in a way that avoids flooding") for an interval of 0 or no answer
OWN_WAIT: Final = (30.0, 60.0)
LONGEST_WAIT: Final = 30.0 * DAY  #: s; longer intervals are taken for this, so that every deadline is a sane number

_STATES: Final = {
    Registration.PENDING: ConnectionState.PENDING,
    Registration.REJECTED: ConnectionState.REJECTED,
}


class RegistrationBlock(Block):
    """Sends BootNotification after power-up, and again after the interval that the CSMS names.

    A charger that was accepted does not boot again when only its connection broke: both versions ask for
    BootNotification when the charger "boots or reboots" (1.6 §4.2, 2.0.1 B01), and a CSMS that counts boots must not
    see one that did not happen. A CSMS that wants one can ask by TriggerMessage (in 2.0.1 by Reset).
    """

    @abstractmethod
    def boot_request(self, ctx: Context, cause: BootCause) -> Payload:
        """The payload of BootNotification."""

    def answers(self) -> Mapping[str, AnswerHandler]:
        """BootNotification."""
        return {BOOT: self._answered}

    def timers(self) -> Mapping[str, TimerHandler]:
        """The next try."""
        return {BOOT_TIMER: self._due}

    def connected(self, ctx: Context) -> None:
        """Boot, unless the charger did so before, or was told to wait and the time is not yet over."""
        if ctx.registration is not Registration.ACCEPTED and BOOT_TIMER not in ctx.timers:
            self.boot(ctx, ctx.boot_cause)
        elif ctx.registration in _STATES:
            ctx.state(_STATES[ctx.registration], "waiting for the end of the interval that the CSMS named")

    def boot(self, ctx: Context, cause: BootCause) -> None:
        """Send BootNotification now, unless one is on its way."""
        ctx.timers.pop(BOOT_TIMER, None)
        if not ctx.is_queued(BOOT):
            ctx.call(BOOT, self.boot_request(ctx, cause))

    def _due(self, ctx: Context) -> None:
        if ctx.connected:
            self.boot(ctx, ctx.boot_cause)

    def _answered(self, ctx: Context, _request: Payload, answer: Payload | Failure) -> None:
        if isinstance(answer, Failure):
            self._failed(ctx, answer)
            return
        registration = Registration(answer["status"].lower())
        ctx.effects.append(Booted(registration.value))
        if registration is Registration.ACCEPTED:
            self._accepted(ctx, answer)
            return
        ctx.registration = registration
        if registration is Registration.REJECTED:
            ctx.fail_all("the CSMS rejected this charger")  # a pending one may still send what it was asked for
        interval = float(answer["interval"])
        wait = min(interval, LONGEST_WAIT) if interval > 0 else ctx.dice.between(*OWN_WAIT)
        ctx.timers[BOOT_TIMER] = ctx.now + wait
        ctx.state(_STATES[registration], f"the CSMS answered BootNotification with {answer['status']}")

    def _accepted(self, ctx: Context, answer: Payload) -> None:
        booted = ctx.registration is not Registration.ACCEPTED
        ctx.registration = Registration.ACCEPTED
        ctx.set_clock(answer["currentTime"])
        if answer["interval"] > 0:
            ctx.settings.store(HEARTBEAT_INTERVAL, str(int(min(answer["interval"], DAY))))
            ctx.dialect.settings[HEARTBEAT_INTERVAL](ctx)
        ctx.state(ConnectionState.ONLINE)
        if booted:
            for block in ctx.dialect.blocks:
                block.accepted(ctx)

    def _failed(self, ctx: Context, failure: Failure) -> None:
        if not ctx.connected:
            return  # the next connection boots
        ctx.timers[BOOT_TIMER] = ctx.now + ctx.dice.between(*OWN_WAIT)
        if ctx.registration is Registration.NONE:
            ctx.state(ConnectionState.CONNECTING, f"BootNotification failed: {failure.reason}")
