"""One charger and its connection: what to dial, when to try again, when to let go. No I/O, no clock of its own.

    OFF ── start ──> DIALING ── connected ──> OPEN ── disconnected ──> WAITING ── wake ──> DIALING
                        └─ disconnected (the dial failed) ──> WAITING
    OPEN ── Reset, wrong subprotocol ──> CLOSING ── disconnected ──> WAITING
    any ── stop ──> OFF
    any ── hand_over ──> MOVED ── start, by a session made with the memory ──> DIALING or WAITING

What is said over the connection is the dialect's business.
"""

from collections.abc import Mapping
from enum import Enum
from typing import Any, Final

from chargers.simulator.dialects.base import BootCause, Done, Failure, Registration
from chargers.simulator.dialects.context import ANSWER_TIMER, POWER_TIMER, REMEMBER_TIMER, Context, Reboot
from chargers.simulator.dialects.inbox import overhear, receive, receive_unreadable
from chargers.simulator.dialects.memory import memory_of, restore
from chargers.simulator.dialects.moving import MOVING, moving_of, worth_moving
from chargers.simulator.dialects.registration import BOOT_TIMER
from chargers.simulator.dialects.registry import dialect_of
from chargers.simulator.effects import Close, Connect, ConnectionState, Effect, Intent, KeyPair, Transfer
from chargers.simulator.model.specs import ChargerSpec
from chargers.simulator.model.variables import (
    RETRY_BACK_OFF_RANDOM_RANGE,
    RETRY_BACK_OFF_REPEAT_TIMES,
    RETRY_BACK_OFF_WAIT_MINIMUM,
)

DIAL_TIMER: Final = "dial"  #: dial the CSMS
_LOCAL_REBOOT: Final = 5.0  #: s that a reset at the station takes


class Phase(Enum):
    """Where the connection stands."""

    OFF = "off"  #: no power
    MOVED = "moved"  #: between two simulator hosts, with the power on
    WAITING = "waiting"  #: no connection until the dial timer ends
    DIALING = "dialing"
    OPEN = "open"
    CLOSING = "closing"  #: we closed it, the end is not yet reported


class Session:
    """A state machine without I/O. Every method returns what to do, in order; `now` never goes back.

    The same seed and the same calls give the same effects. Give each life of a charger its own seed, or it will use
    the message ids of its former life again.
    """

    __slots__ = ("_away_since", "_ctx", "_phase", "_why")

    def __init__(self, spec: ChargerSpec, *, now: float, seed: int, memory: dict[str, Any] | None = None) -> None:
        self._ctx = Context(spec, dialect_of(spec.ocpp_version), now=now, seed=seed)
        self._phase = Phase.OFF
        self._away_since = now
        if memory is not None and restore(self._ctx, memory):
            self._phase = Phase.MOVED
            self._away_since = min(now, memory[MOVING]["away_since"])
        self._why = ""

    def start(self, now: float) -> list[Effect]:
        """Power on: dial at once. One that was moved here goes on. Does nothing when it is on."""
        ctx = self._ctx
        ctx.now = now
        if self._phase is Phase.MOVED:
            self._go_on()
        elif self._phase is Phase.OFF:
            ctx.back_off.reset()
            self._why = ""
            self._power_up(BootCause.POWER_UP)
            self._dial()
        return self._end()

    def connected(self, now: float, subprotocol: str | None) -> list[Effect]:
        """The dial succeeded; `subprotocol` is what the CSMS selected.

        A CSMS that selects none or another must not be spoken to (OCPP-J 1.6 §3.2, 2.0.1 §3.1.2): it is left with close
        code 1002 and tried again later.
        """
        ctx = self._ctx
        ctx.now = now
        wanted = ctx.dialect.version.subprotocol
        if self._phase is not Phase.DIALING:
            ctx.effects.append(Close(1000, "not wanted any more"))
        elif subprotocol != wanted:
            chosen = f"selected {subprotocol[:40]!r}" if subprotocol else "selected no subprotocol"
            self._why = f"the CSMS {chosen}, this charger speaks {wanted}"
            self._hang_up(1002, "subprotocol")
        else:
            self._phase = Phase.OPEN
            ctx.connected = True
            if ctx.registration is Registration.ACCEPTED:
                ctx.state(ConnectionState.ONLINE)
            for block in ctx.dialect.blocks:
                block.connected(ctx)
            if ctx.registration is Registration.ACCEPTED:
                for block in ctx.dialect.blocks:
                    block.reconnected(ctx, now - self._away_since)
        return self._end()

    def text(self, now: float, text: str) -> list[Effect]:
        """A text frame came. After our own Close it is only logged."""
        self._ctx.now = now
        if self._phase is Phase.OPEN:
            receive(self._ctx, text)
        else:
            overhear(self._ctx, text)
        return self._end()

    def refused_frame(self, now: float, reason: str) -> list[Effect]:
        """A frame came that is no text, or that the transport would not take; `reason` says what it was."""
        self._ctx.now = now
        if self._phase is Phase.OPEN:
            receive_unreadable(self._ctx, reason)
        return self._end()

    def intent(self, now: float, intent: Intent) -> list[Effect]:
        """An order from the lab: `reset` (somebody restarts the station on site), and what the dialect offers.

        Every intent is settled exactly once, many at once, some when the CSMS has answered.
        """
        self._ctx.now = now
        handler = self._ctx.dialect.intents.get(intent.kind)
        done: Done | None
        if intent.kind != "reset" and handler is None:
            done = Done(ok=False, code="unknown_intent")
        elif self._phase is Phase.OFF:
            done = Done(ok=False, code="powered_off")
        elif handler is not None:
            done = handler(self._ctx, intent)
        else:
            self._ctx.reboot = Reboot(BootCause.LOCAL_RESET, _LOCAL_REBOOT, "reset at the station")
            done = Done(ok=True)
        if done is not None:
            self._ctx.settle_intent(intent.id, done)
        return self._end()

    def wake(self, now: float) -> list[Effect]:
        """Time passed: do what is due."""
        ctx = self._ctx
        ctx.now = now
        for name in sorted(ctx.timers, key=ctx.timers.__getitem__):
            if ctx.timers.get(name, now + 1.0) <= now:
                del ctx.timers[name]
                self._fire(name)
        return self._end()

    def disconnected(self, now: float, why: str) -> list[Effect]:
        """The connection is gone, or the dial failed; `why` is for people."""
        self._ctx.now = now
        if self._phase is Phase.DIALING:
            for block in self._ctx.dialect.blocks:
                block.dial_failed(self._ctx)
        if self._phase in {Phase.DIALING, Phase.OPEN, Phase.CLOSING}:
            self._lost(self._why or why)
        return self._end()

    def stop(self, now: float) -> list[Effect]:
        """Power off: close the connection, dial no more. `start` powers it on again."""
        ctx = self._ctx
        ctx.now = now
        if self._phase is Phase.OPEN:
            self._hang_up(1000, "power off")
        if self._phase is not Phase.OFF:
            ctx.fail_all("power off")
            self._power_down()
        self._phase = Phase.OFF
        ctx.reboot = None
        ctx.state(ConnectionState.OFFLINE)
        effects = self._end()
        ctx.timers.clear()
        return effects

    def hand_over(self, now: float) -> list[Effect]:
        """Let go with the power on: close the connection and dial no more. Another host goes on with `memory()`.

        A charger that is just rebooting, or that nobody would miss, is powered off instead.
        """
        ctx = self._ctx
        ctx.now = now
        if self._phase in {Phase.OFF, Phase.MOVED} or ctx.reboot is not None:
            return self.stop(now)
        if self._phase is Phase.OPEN:
            self._hang_up(1001, "going away")
        else:
            ctx.fail_all("going away")
        if not worth_moving(ctx):
            return self.stop(now)
        self._phase = Phase.MOVED
        ctx.state(ConnectionState.OFFLINE)
        ctx.remember(urgent=True)
        return self._end()

    def next_wake(self) -> float | None:
        """When to call `wake`; None when nothing is due without an event from outside."""
        timers = self._ctx.timers
        return min(timers.values()) if timers else None

    def transferred(self, now: float, transfer_id: str, transfer: Transfer) -> list[Effect]:
        """A `Download` or an `Upload` came to its end."""
        self._ctx.now = now
        if self._phase is not Phase.OFF:
            for block in self._ctx.dialect.blocks:
                block.transferred(self._ctx, transfer_id, transfer)
        return self._end()

    def key_made(self, now: float, key_id: str, pair: KeyPair) -> list[Effect]:
        """The answer to `MakeKey`."""
        self._ctx.now = now
        if self._phase is not Phase.OFF:
            for block in self._ctx.dialect.blocks:
                block.key_made(self._ctx, key_id, pair)
        return self._end()

    def memory(self) -> dict[str, Any]:
        """What outlasts this process, as JSON: give it to the next `Session` of this charger."""
        memory = memory_of(self._ctx)
        if self._phase is Phase.MOVED:
            memory[MOVING] = moving_of(self._ctx) | {"away_since": self._away_since}
        return memory

    def oddities(self) -> Mapping[str, int]:
        """How often something odd came from the CSMS, by name (`bad_frame`, `unexpected_answer`, …)."""
        return self._ctx.oddities or {}

    def _end(self) -> list[Effect]:
        ctx = self._ctx
        if ctx.hang_up and self._phase is Phase.OPEN and ctx.reboot is None:
            self._hang_up(1000, ctx.hang_up)
        ctx.hang_up = ""
        if ctx.reboot is not None and self._phase is not Phase.CLOSING:
            self._reboot(ctx.reboot)
        ctx.settle_power()
        ctx.show_conditions()
        ctx.pump()
        ctx.settle_memory()
        effects, ctx.effects = ctx.effects, []
        return effects

    def _fire(self, name: str) -> None:
        if name == DIAL_TIMER:
            self._dial()
        elif name == ANSWER_TIMER:
            self._ctx.count("no_answer")
            self._ctx.settle(Failure("no answer in time", lost=True))
        elif name == POWER_TIMER:
            self._ctx.power_changed = True
            for block in self._ctx.dialect.blocks:
                block.power_turned(self._ctx)
        elif name == REMEMBER_TIMER:
            self._ctx.remember(urgent=False)
        else:
            self._ctx.dialect.timers[name](self._ctx)

    def _dial(self) -> None:
        self._phase = Phase.DIALING
        self._ctx.state(ConnectionState.CONNECTING)
        credentials = self._ctx.dialect.credentials
        self._ctx.effects.append(Connect(credentials(self._ctx) if credentials is not None else None))

    def _hang_up(self, code: int, reason: str) -> None:
        self._phase = Phase.CLOSING
        self._ctx.effects.append(Close(code, reason))
        self._forget_connection(reason)

    def _forget_connection(self, why: str) -> None:
        if self._ctx.connected:
            self._ctx.connected = False
            self._away_since = self._ctx.now
        self._ctx.fail_all(f"the connection was lost: {why}")
        for block in self._ctx.dialect.blocks:
            block.disconnected(self._ctx)

    def _power_down(self) -> None:
        """What an orderly loss of power ends."""
        for block in self._ctx.dialect.blocks:
            block.powering_off(self._ctx)

    def _go_on(self) -> None:
        """As if the network had been away: dial at once, or when the former host would have."""
        ctx = self._ctx
        ctx.power_changed = True
        ctx.remember(urgent=True)
        for block in ctx.dialect.blocks:
            block.moved(ctx)
        if DIAL_TIMER in ctx.timers:
            self._phase = Phase.WAITING
            ctx.state(ConnectionState.OFFLINE, "moved to another simulator host; waits for the next try")
        else:
            self._dial()

    def _power_up(self, cause: BootCause) -> None:
        """What a loss of power takes away, and what comes back with the power."""
        self._ctx.boot_cause = cause
        self._ctx.registration = Registration.NONE
        self._ctx.timers.clear()
        self._ctx.power_changed = True
        for block in self._ctx.dialect.blocks:
            block.powered_on(self._ctx)

    def _reboot(self, reboot: Reboot) -> None:
        # Without a connection there is none to close; a dial that is under way goes on and boots with the new cause.
        ctx = self._ctx
        if self._phase is Phase.OPEN:
            self._hang_up(1000, "reboot")
            self._power_down()
            ctx.state(ConnectionState.OFFLINE, f"rebooting: {reboot.why}")
            return
        self._power_down()
        self._power_up(reboot.cause)
        ctx.reboot = None
        if self._phase is Phase.WAITING:
            ctx.timers[DIAL_TIMER] = ctx.now + reboot.seconds
            ctx.state(ConnectionState.OFFLINE, f"rebooting: {reboot.why}")

    def _lost(self, why: str) -> None:
        ctx = self._ctx
        self._forget_connection(why)
        self._phase = Phase.WAITING
        self._why = ""
        if ctx.reboot is not None:
            reboot, ctx.reboot = ctx.reboot, None
            self._power_up(reboot.cause)
            ctx.timers[DIAL_TIMER] = ctx.now + reboot.seconds
            ctx.state(ConnectionState.OFFLINE, f"rebooting: {reboot.why}")
            return
        at = ctx.now + ctx.back_off.next(
            ctx.dice,
            minimum=ctx.settings.number(RETRY_BACK_OFF_WAIT_MINIMUM),
            spread=ctx.settings.number(RETRY_BACK_OFF_RANDOM_RANGE),
            repeats=ctx.settings.number(RETRY_BACK_OFF_REPEAT_TIMES),
        )
        if ctx.registration is Registration.REJECTED:
            # Nothing may be said before the interval is over (1.6 §4.2, 2.0.1 B03), so there is nothing to connect for.
            at = max(at, ctx.timers.get(BOOT_TIMER, at))
        ctx.timers[DIAL_TIMER] = at
        ctx.state(ConnectionState.OFFLINE, f"{why}; next try in {at - ctx.now:.0f} s")
