"""One charger in this process: its session, its connection, its alarm and its records, tied together.

Nothing that a session does can reach another: every call into it goes through `_step`, which takes a bug for what it
is, ends that session and starts it anew later.
"""

from collections.abc import Callable
from typing import Final

import structlog

from chargers.protocol.versions import Version
from chargers.simulator.effects import Close, Connect, ConnectionState, Effect, Log, Send, SetPing, Settled, State
from chargers.simulator.host.port import Link
from chargers.simulator.host.shell import SessionPort, Shell
from chargers.simulator.host.specs import Lease
from chargers.simulator.host.timers import NEVER

log = structlog.get_logger(__name__)

#: seconds that a session whose code failed stays off: doubled with each failure, up to the most
OFF_FIRST, OFF_MOST = 10.0, 600.0
#: seconds between two alarms of one session at least, whatever it asks for
BREATH: Final = 0.01

Finished = Callable[["Runner"], None]


class Runner:
    """Carries out what a session wants and feeds it what happens (`port.Listener`, `timers.Timed`)."""

    __slots__ = ("_bugs", "_finished", "_life", "_link", "_session", "_shell", "due", "lease", "queued", "state")

    def __init__(self, shell: Shell, lease: Lease) -> None:
        self.due = self.queued = NEVER
        self.lease = lease
        self.state = ConnectionState.OFFLINE
        self._shell = shell
        self._session: SessionPort | None = None
        self._link: Link | None = None
        self._finished: Finished | None = None
        self._bugs = 0
        self._life = 0

    def __repr__(self) -> str:
        return f"<Runner of charger {self.lease.charger_id}>"

    # --- what the fleet calls ---------------------------------------------------------------------------------------

    @property
    def stopping(self) -> bool:
        """Whether it was asked to stop."""
        return self._finished is not None

    def start(self) -> None:
        """Power the charger on."""
        spec = self.lease.spec
        if spec is None:
            self._show(ConnectionState.OFFLINE, self.lease.problem)
            return
        now = self._shell.clock.now()
        self._life += 1
        # Repeatable for one life of one lease, and different in each, so that message ids do not come again.
        seed = (self.lease.charger_id << 40) ^ (self.lease.epoch << 20) ^ (self.lease.revision << 8) ^ self._life
        self._step(lambda: self._begin(self._shell.make_session(spec, now=now, seed=seed), now))

    def stop(self, finished: Finished) -> None:
        """Power the charger off and call `finished` once its connection is closed."""
        if self.stopping:
            return
        self._finished = finished
        session = self._session
        if session is not None:
            self._step(lambda: session.stop(self._shell.clock.now()))
        self._session = None
        self._shell.timers.set(self, NEVER)
        if self._link is None:
            finished(self)
        else:
            self._link.close(1000, "stopped")  # does nothing when the session has closed it

    def cut(self, why: str) -> None:
        """The lease is lost: off at once, and not a word about it to the database."""
        self._session = None
        self._finished = self._finished or (lambda _: None)
        self._shell.timers.set(self, NEVER)
        if self._link is not None:
            self._link.abort(why)

    # --- port.Listener ----------------------------------------------------------------------------------------------

    def opened(self, link: Link, subprotocol: str | None) -> None:
        """See `port.Listener`."""
        session = self._of(link)
        if session is not None:
            self._step(lambda: session.connected(self._shell.clock.now(), subprotocol))

    def received(self, link: Link, text: str) -> None:
        """See `port.Listener`."""
        session = self._of(link)
        if session is not None:
            self._step(lambda: session.text(self._shell.clock.now(), text))

    def refused(self, link: Link, reason: str) -> None:
        """See `port.Listener`."""
        session = self._of(link)
        if session is not None:
            self._step(lambda: session.refused_frame(self._shell.clock.now(), reason))

    def closed(self, link: Link, why: str) -> None:
        """See `port.Listener`."""
        if link is not self._link:
            return
        session, self._link = self._session, None
        if session is not None:
            self._step(lambda: session.disconnected(self._shell.clock.now(), why))
        if self._finished is not None:
            self._finished(self)

    # --- timers.Timed -----------------------------------------------------------------------------------------------

    def ring(self, now: float) -> None:
        """The session's alarm; or, after a bug, the time to try again."""
        session = self._session
        if session is not None:
            self._step(lambda: session.wake(self._shell.clock.now()))
        elif not self.stopping:
            self.start()

    # --- inside -----------------------------------------------------------------------------------------------------

    def _of(self, link: Link) -> SessionPort | None:
        """The session, if `link` is its connection and not one that was given up."""
        return self._session if link is self._link else None

    def _begin(self, session: SessionPort, now: float) -> list[Effect]:
        self._session = session
        return session.start(now)

    def _step(self, call: Callable[[], list[Effect]]) -> None:
        """Let the session act, carry out what it wants, and set its alarm."""
        try:
            for effect in call():
                self._do(effect)
            session = self._session
            wake = None if session is None else session.next_wake()
        except Exception as error:  # noqa: BLE001 - a bug in one session must not reach the other ten thousand
            self._failed(error)
            return
        timers = self._shell.timers
        if wake is None:
            timers.set(self, NEVER)
        else:
            timers.set(self, max(self._shell.clock.to_loop(wake), timers.time() + BREATH))

    def _do(self, effect: Effect) -> None:
        link, lease = self._link, self.lease
        match effect:
            case Log():
                self._shell.recorder.message(
                    lease.charger_id, self._shell.clock.now(), effect.direction, effect.action, effect.message
                )
            case Send():
                if link is not None:
                    link.send(effect.text)
            case State():
                self._show(effect.state, effect.detail)
            case Connect():
                session = self._session
                self._shell.gate.enter(lambda: self._dial(session))
            case Close():
                if link is not None:
                    link.close(effect.code, effect.reason)
            case SetPing():
                if link is not None:
                    link.set_ping(effect.interval)
            case Settled():
                log.info("intent_settled", charger_id=lease.charger_id, intent=effect.intent_id, code=effect.code)

    def _dial(self, session: SessionPort | None) -> None:
        """The ramp lets it through; but it may have been stopped or started anew while it waited."""
        if session is None or session is not self._session or self._link is not None:
            return
        spec = self.lease.spec
        if spec is not None:
            subprotocol = Version(spec.ocpp_version).subprotocol
            self._link = self._shell.dial(self.lease.address, subprotocol, self)

    def _show(self, state: ConnectionState, detail: str) -> None:
        self.state = state
        if state is ConnectionState.ONLINE:
            self._bugs = 0
        self._shell.recorder.state(self.lease.charger_id, self.lease.epoch, state, detail, self._shell.clock.now())

    def _failed(self, error: Exception) -> None:
        off = min(OFF_FIRST * 2**self._bugs, OFF_MOST)
        self._bugs += 1
        log.error("session_failed", charger_id=self.lease.charger_id, off_seconds=off, exc_info=error)
        self._session = None
        if self._link is not None:
            self._link.abort("internal error of the simulator")
        detail = f"internal error of the simulator: {error!r}; next try in {off:.0f} s"
        self._show(ConnectionState.OFFLINE, detail)
        if not self.stopping:
            self._shell.timers.set(self, self._shell.timers.time() + off)
