"""What all runners of a process share, and the clock that they live by."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from chargers.simulator.effects import Effect, Intent, KeyPair, Transfer
from chargers.simulator.host.files import Files
from chargers.simulator.host.gate import Gate
from chargers.simulator.host.keeper import Keeper
from chargers.simulator.host.port import Dial
from chargers.simulator.host.recorder import Recorder
from chargers.simulator.host.tally import Tally
from chargers.simulator.host.timers import NEVER, Timers
from chargers.simulator.model.specs import ChargerSpec


class SessionPort(Protocol):
    """The state machine of one charger as the shell sees it (`chargers.simulator.session.Session`)."""

    def start(self, now: float) -> list[Effect]:
        """Power on."""

    def connected(self, now: float, subprotocol: str | None) -> list[Effect]:
        """The opening handshake is done."""

    def text(self, now: float, text: str) -> list[Effect]:
        """One text message came."""

    def refused_frame(self, now: float, reason: str) -> list[Effect]:
        """Something came that is no text message."""

    def intent(self, now: float, intent: Intent) -> list[Effect]:
        """An order from outside."""

    def wake(self, now: float) -> list[Effect]:
        """The time of `next_wake` has come."""

    def disconnected(self, now: float, why: str) -> list[Effect]:
        """The connection is over, or the dial failed."""

    def transferred(self, now: float, transfer_id: str, transfer: Transfer) -> list[Effect]:
        """A file transfer came to its end."""

    def key_made(self, now: float, key_id: str, pair: KeyPair) -> list[Effect]:
        """A key pair is there."""

    def stop(self, now: float) -> list[Effect]:
        """Power off."""

    def hand_over(self, now: float) -> list[Effect]:
        """Let go with the power on; the next session goes on with the memory."""

    def next_wake(self) -> float | None:
        """When `wake` is to be called; None for never."""

    def memory(self) -> dict[str, Any]:
        """What outlasts this process, as JSON."""


class SessionMaker(Protocol):
    """How a session is made; `Session` itself is one."""

    def __call__(
        self, spec: ChargerSpec, *, now: float, seed: int, memory: dict[str, Any] | None = None
    ) -> SessionPort:
        """A session of the charger `spec`, not yet started, with the memory of its former life."""


class Clock:
    """Seconds since the Unix epoch that never go back: the loop's monotonic time on the wall time of the start."""

    def __init__(self, loop_time: Callable[[], float]) -> None:
        self._loop_time = loop_time
        # uvloop's time has milliseconds: more digits would be the same in every stamp, and mean nothing
        self._base = round(time.time() - loop_time(), 3)

    def now(self) -> float:
        """Seconds since the Unix epoch."""
        return self._base + self._loop_time()

    def to_loop(self, moment: float) -> float:
        """The loop's time of a moment."""
        return moment - self._base


@dataclass(slots=True)
class Lifeline:
    """Until when this process may act for its chargers, by `time.monotonic`.

    A loop that was frozen goes on in the middle of a turn, and its own time stands still until the next one. So every
    step of a session asks here, or a process that wakes up too late would speak before it looks at its lease.
    """

    until: float = NEVER

    @property
    def holds(self) -> bool:
        """Whether no other host can have the chargers yet."""
        return time.monotonic() < self.until


@dataclass(slots=True)
class Shell:
    """The surroundings of a runner."""

    loop: asyncio.AbstractEventLoop
    clock: Clock
    timers: Timers
    gate: Gate
    dial: Dial
    recorder: Recorder
    keeper: Keeper
    make_session: SessionMaker
    tally: Tally = field(default_factory=Tally)
    lifeline: Lifeline = field(default_factory=Lifeline)
    files: Files | None = None  #: None in tests of sessions that exchange none
