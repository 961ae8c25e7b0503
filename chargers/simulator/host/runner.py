"""One charger in this process: its session, its connection, its alarm and its records, tied together.

Nothing that a session does can reach another: every call into it goes through `_step`, which takes a bug for what it
is, ends that session and starts it anew later.
"""

import contextlib
from collections.abc import Callable, Sequence
from hashlib import blake2b
from typing import Any, Final, TypeVarTuple
from urllib.parse import urlsplit

import structlog

from chargers.protocol.rpc import CALL
from chargers.protocol.versions import Version
from chargers.simulator.effects import (
    Abandon,
    Booted,
    Close,
    Connect,
    ConnectionState,
    Credentials,
    Direction,
    Download,
    Effect,
    Intent,
    KeyPair,
    Ledger,
    MakeKey,
    Received,
    Remember,
    Send,
    SetPing,
    Settled,
    State,
    Transfer,
    Upload,
)
from chargers.simulator.host.files import Files
from chargers.simulator.host.kinds import kind_of
from chargers.simulator.host.past import Past
from chargers.simulator.host.port import Link
from chargers.simulator.host.shell import SessionPort, Shell
from chargers.simulator.host.specs import Lease
from chargers.simulator.host.timers import NEVER
from chargers.simulator.model.specs import ChargerSpec

log = structlog.get_logger(__name__)

#: seconds that a session whose code failed stays off: doubled with each failure, up to the most
OFF_FIRST, OFF_MOST = 10.0, 600.0
#: seconds between two alarms of one session at least, whatever it asks for
BREATH: Final = 0.01
_CALL: Final = f"[{CALL},"
#: the action of a row that says why a connection ended
_DISCONNECTED: Final = "Disconnected"

Finished = Callable[["Runner"], None]
Arguments = TypeVarTuple("Arguments")


class Runner:
    """Carries out what a session wants and feeds it what happens (`port.Listener`, `timers.Timed`)."""

    __slots__ = (
        "_bugs",
        "_finished",
        "_held",
        "_life",
        "_link",
        "_open",
        "_orders",
        "_past",
        "_session",
        "_shell",
        "_unkept",
        "due",
        "lease",
        "queued",
        "state",
    )

    def __init__(self, shell: Shell, lease: Lease, memory: str = "") -> None:
        """`memory` is what the charger's former life left behind, as JSON ("" for nothing)."""
        self.due = self.queued = NEVER
        self._past = Past(lease.charger_id, memory, lease.revision)
        #: ids of commands without an outcome yet
        self._orders: set[str] | None = None
        #: urgent memories that are on their way to the disk, and the frames that wait until all of them are there
        self._unkept = 0
        self._held: list[str] | None = None
        self.lease = lease
        self.state = ConnectionState.OFFLINE
        self._shell = shell
        self._session: SessionPort | None = None
        self._link: Link | None = None
        #: whether `_link` was opened
        self._open = False
        self._finished: Finished | None = None
        self._bugs = 0
        self._life = 0

    def __repr__(self) -> str:
        return f"<Runner of charger {self.lease.spec.identity if self.lease.spec else self.lease.charger_id}>"

    # --- what the fleet calls ---------------------------------------------------------------------------------------

    @property
    def stopping(self) -> bool:
        """Whether it was asked to stop."""
        return self._finished is not None

    @property
    def started(self) -> bool:
        """Whether it was powered on."""
        return self._life > 0

    @property
    def connected(self) -> bool:
        """Whether it has a connection, or is making one."""
        return self._link is not None

    def start(self) -> None:
        """Power the charger on, or let it go on when its former host handed it over with the power on."""
        self._life += 1
        spec, problem = self.lease.spec, self.lease.problem or self._past.problem()
        if spec is None or problem:
            self._show(self._shell.clock.now(), ConnectionState.OFFLINE, problem)
            return
        # Repeatable for one life of one lease, and different in each, so that message ids do not come again.
        life = f"{self.lease.charger_id}/{self.lease.epoch}/{self.lease.revision}/{self._life}"
        seed = int.from_bytes(blake2b(life.encode(), digest_size=8).digest(), "big")
        self._step(self._begin, spec, seed)

    def stop(self, finished: Finished, *, hand_over: bool = False) -> None:
        """Power the charger off and call `finished` once its connection is closed.

        With `hand_over` it keeps its power if it can: another host goes on with the memory that is left to the keeper.
        """
        if self.stopping:
            return
        if hand_over and not self.started:
            self.start()  # only a session can hand on what the former host left with the power on
        self._finished = finished
        session = self._session
        if session is not None:
            self._step(session.hand_over if hand_over else session.stop)
        self._session = None
        self._abandon_files()
        self._give_up_orders("moved" if hand_over else "powered_off")
        self._shell.timers.set(self, NEVER)
        if self._link is None:
            finished(self)
        else:
            self._link.close(1000, "stopped")  # does nothing when the session has closed it

    def cut(self, why: str) -> None:
        """The lease is lost: off at once, and not a word about it to the database."""
        self._session = None
        self._abandon_files()
        self._finished = self._finished or (lambda _: None)
        self._held = None
        self._shell.timers.set(self, NEVER)
        if self._link is not None:
            self._link.abort(why)

    def order(self, intent: Intent) -> None:
        """Carry out a command; its outcome goes to the keeper, exactly once."""
        if not (self.started or self.stopping):
            self.start()  # an order does not wait for its turn
        session = self._session
        self._orders = self._orders or set()
        self._orders.add(intent.id)
        if session is None:
            self._give_up_orders("powered_off")
        else:
            self._step(session.intent, intent)

    def tell_again(self) -> None:
        """Report where the charger stands: what was reported before is lost."""
        self._shell.recorder.state(self.lease.charger_id, self.lease.epoch, self.state, "", self._shell.clock.now())

    # --- port.Listener ----------------------------------------------------------------------------------------------

    def opened(self, link: Link, subprotocol: str | None) -> None:
        """See `port.Listener`."""
        if link is self._link:
            self._open = True
            self._shell.tally.connected += 1
        session = self._of(link)
        if session is not None:
            self._step(session.connected, subprotocol)

    def received(self, link: Link, text: str) -> None:
        """See `port.Listener`."""
        session = self._session
        if session is not None and link is self._link:
            self._step(session.text, text)

    def refused(self, link: Link, reason: str) -> None:
        """See `port.Listener`."""
        session = self._of(link)
        if session is not None:
            self._step(session.refused_frame, reason)

    def closed(self, link: Link, why: str) -> None:
        """See `port.Listener`."""
        if link is not self._link:
            return
        ended = self._shell.tally.disconnected if self._open else self._shell.tally.failed
        ended[kind_of(why)] += 1
        session, self._link, self._open = self._session, None, False
        self._held = None  # what the CSMS did not get, the session says again if it matters, and no sooner
        if session is not None:
            self._step(session.disconnected, why)
        if self._finished is not None:
            self._finished(self)

    # --- timers.Timed -----------------------------------------------------------------------------------------------

    def ring(self, now: float) -> None:
        """The session's alarm; or, after a bug, the time to try again."""
        session = self._session
        if session is not None:
            self._step(session.wake)
        elif not self.stopping:
            self.start()

    # --- inside -----------------------------------------------------------------------------------------------------

    def _of(self, link: Link) -> SessionPort | None:
        """The session, if `link` is its connection and not one that was given up."""
        return self._session if link is self._link else None

    def _begin(self, now: float, spec: ChargerSpec, seed: int) -> list[Effect]:
        self._session, effects = self._past.wake(self._shell.make_session, spec, now=now, seed=seed)
        return effects

    def _step(self, call: Callable[[float, *Arguments], list[Effect]], *arguments: *Arguments) -> None:
        """Let the session act, carry out what it wants, and set its alarm; not when the lease may be another's.

        `call` gets the time now and the arguments.
        """
        shell = self._shell
        if not shell.lifeline.holds:
            return  # whoever notices it next lets go of everything
        now = shell.clock.now()
        try:
            self._carry_out(now, call(now, *arguments))
            session = self._session
            wake = None if session is None else session.next_wake()
        except Exception as error:  # noqa: BLE001 - a bug in one session must not reach the other ten thousand
            self._failed(error)
            return
        shell.timers.set(self, NEVER if wake is None else shell.clock.to_loop(max(wake, now + BREATH)))

    def _keep(self, now: float, effects: Sequence[Effect]) -> None:
        """Hand over what must outlast this process.

        What an urgent memory is about may be said in the same breath, as a transaction that begins, or as soon as the
        CSMS has answered what was said before, or over the next connection. So nothing is sent from here on until that
        memory is kept: a CSMS never knows of a transaction that its charger could forget.
        """
        news, remember, urgent = [], False, False
        for effect in effects:
            if isinstance(effect, Ledger):
                news.append(effect.event)
            elif isinstance(effect, Remember):
                remember, urgent = True, urgent or effect.urgent
        session = self._session
        if not (news or remember) or session is None:
            return
        if urgent:
            self._unkept += 1
        memory = self._past.write(session) if remember else ""
        then = self._when_kept if urgent else None
        self._shell.keeper.keep(self.lease.charger_id, self.lease.epoch, at=now, news=news, memory=memory, then=then)

    def _when_kept(self) -> None:
        """Called in the writer's thread."""
        with contextlib.suppress(RuntimeError):  # the loop has ended
            self._shell.loop.call_soon_threadsafe(self._kept)

    def _kept(self) -> None:
        """One of the memories that frames wait for is kept."""
        self._unkept -= 1
        if self._unkept == 0:
            held, self._held = self._held, None
            self._say(held or [])

    def _say(self, texts: list[str]) -> None:
        if texts and self._unkept:
            self._held = (self._held or []) + texts
        elif texts and self._link is not None:
            self._link.send(*texts)

    def _hang_up(self, effect: Close) -> None:
        """Close; of what is held, answers go out and CALLs do not: what matters of them is said again."""
        held, self._held = self._held, None
        if self._link is not None:
            self._link.send(*(text for text in held or () if not text.startswith(_CALL)))
            self._link.close(effect.code, effect.reason)

    def _settle(self, effect: Settled) -> None:
        if self._orders and effect.intent_id in self._orders:
            self._orders.remove(effect.intent_id)
            self._tell(effect.intent_id, ok=effect.ok, code=effect.code, data=effect.data)

    def _give_up_orders(self, code: str) -> None:
        orders, self._orders = self._orders, None
        for command_id in orders or ():
            self._tell(command_id, ok=False, code=code, data={})

    def _tell(self, command_id: str, *, ok: bool, code: str, data: dict[str, Any]) -> None:
        lease = self.lease
        self._shell.keeper.outcome(lease.charger_id, lease.epoch, command_id, ok=ok, code=code, data=data)

    def _carry_out(self, now: float, effects: Sequence[Effect]) -> None:
        """Do what the session wants, in order; frames of one turn go out together, each is counted and logged.

        Most turns are frames and nothing else. The first effect of another kind has all that must outlast this process
        handed over, before anything is said.
        """
        shell, lease = self._shell, self.lease
        version, kept = lease.version, lease.kept
        texts: list[str] = []
        looked = False
        for effect in effects:
            if isinstance(effect, Send):
                texts.append(effect.text)
                direction = Direction.TO_CSMS
            elif isinstance(effect, Received):
                direction = Direction.FROM_CSMS
                if effect.waited is not None:
                    shell.tally.latency[effect.action].observe(effect.waited)
            else:
                if not looked:
                    looked = True
                    self._keep(now, effects)
                if isinstance(effect, Close):
                    self._say(texts)
                    texts = []
                    self._hang_up(effect)
                else:
                    self._do(now, effect)
                continue
            shell.tally.messages[version, direction, effect.action] += 1
            if kept is None or effect.action in kept:
                shell.recorder.message(lease.charger_id, now, direction, effect.action, effect.text)
        self._say(texts)

    def _do(self, now: float, effect: Effect) -> None:
        link = self._link
        match effect:
            case State():
                self._show(now, effect.state, effect.detail)
            case Connect():
                session = self._session
                self._shell.gate.enter(lambda: self._dial(session, effect.credentials))
            case Booted():
                self._shell.tally.boots[effect.status] += 1
            case SetPing() if link is not None:
                link.set_ping(effect.interval)
            case Settled():
                self._settle(effect)
            case Download() | Upload() | Abandon() | MakeKey():
                if self._shell.files is not None and self._session is not None:
                    self._exchange(self._shell.files, self._session, effect)

    def _exchange(self, files: Files, session: SessionPort, effect: Download | Upload | Abandon | MakeKey) -> None:
        """Let a file or a key be fetched, brought or made; what comes of it is for this session only."""

        def done(result: Transfer | KeyPair) -> None:
            if session is not self._session:
                return
            if isinstance(result, Transfer):
                self._step(session.transferred, effect.id, result)
            else:
                self._step(session.key_made, effect.id, result)

        csms = urlsplit(self.lease.ws_url).hostname or ""
        files.carry_out(self.lease.charger_id, csms, effect, done)

    def _abandon_files(self) -> None:
        if self._shell.files is not None:
            self._shell.files.abandon_all(self.lease.charger_id)

    def _dial(self, session: SessionPort | None, credentials: Credentials | None) -> None:
        """The ramp lets it through; but it may have been stopped or started anew while it waited."""
        if session is None or session is not self._session or self._link is not None:
            return
        spec = self.lease.spec
        if spec is not None:
            subprotocol = Version(spec.ocpp_version).subprotocol
            self._link = self._shell.dial(self.lease.address, subprotocol, self, credentials)

    def _show(self, now: float, state: ConnectionState, detail: str) -> None:
        lease, recorder = self.lease, self._shell.recorder
        self.state = state
        if state is ConnectionState.ONLINE:
            self._bugs = 0
            self._past.lived()
        kept = lease.kept
        if state is ConnectionState.OFFLINE and detail and (kept is None or _DISCONNECTED in kept):
            recorder.message(lease.charger_id, now, Direction.CONNECTION, _DISCONNECTED, detail)
        recorder.state(lease.charger_id, lease.epoch, state, detail, now)

    def _failed(self, error: Exception) -> None:
        off = min(OFF_FIRST * 2**self._bugs, OFF_MOST)
        self._bugs += 1
        self._past.failed()
        log.error("session_failed", charger_id=self.lease.charger_id, off_seconds=off, exc_info=error)
        self._session = None
        self._abandon_files()
        self._give_up_orders("internal_error")
        if self._link is not None:
            self._link.abort("internal error of the simulator")
        detail = f"internal error of the simulator: {error!r}; next try in {off:.0f} s"
        self._show(self._shell.clock.now(), ConnectionState.OFFLINE, detail)
        if not self.stopping:
            self._shell.timers.set(self, self._shell.timers.time() + off)
