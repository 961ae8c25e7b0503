"""What the former life of a charger left behind; and where it goes when no session can live with it.

A memory may be of another release, edited by hand, or such that the code has a bug with it. It must not keep its
charger off for ever, and the transactions in it must not vanish without a trace: it is set aside, as a part of the
memory that the charger keeps from then on (key `set_aside`), where somebody can look at it.

The secrets in a memory are sealed wherever it lies: sessions know them, the database does not.

A charger that was handed over with its power on goes on with what its former host left for that (`dialects.moving`):
in one life only, and only if nobody has asked for a restart meanwhile.
"""

import json
from typing import Any, Final

import structlog

from chargers.simulator.dialects.memory import SECRETS
from chargers.simulator.dialects.moving import MOVING
from chargers.simulator.effects import Effect
from chargers.simulator.host.shell import SessionMaker, SessionPort
from chargers.simulator.host.text import writable_json
from chargers.simulator.model.specs import ChargerSpec
from ocpplab.common.sealing import SEALED, Unsealable, changed_at, is_sealed, vault

log = structlog.get_logger(__name__)

SET_ASIDE: Final = "set_aside"
_SECRETS_ASIDE: Final = tuple(("*", *place) for place in SECRETS)
#: memories that are kept aside, the newest ones
MOST_ASIDE: Final = 3
#: lives in a row that ended by a bug before they were online, after which their memory is taken for the reason
LIVES: Final = 3
#: sealed secrets that are remembered; a charger has four
MOST_SEALED: Final = 8


class Past:
    """The memory of one charger as its sessions get it and leave it."""

    __slots__ = ("_aside", "_charger_id", "_failures", "_revision", "_sealed", "_text")

    def __init__(self, charger_id: int, text: str, revision: int = 0) -> None:
        """`text` is the memory as JSON, "" for none; `revision` is the charger's, which grows when it must restart."""
        self._charger_id = charger_id
        self._revision = revision
        self._text = text
        self._failures = 0
        self._aside: list[Any] | None = None
        #: what was sealed, by what it is: a memory is written often, and its secrets hardly ever change
        self._sealed: dict[str, dict[str, str]] | None = None

    def problem(self) -> str:
        """Why no session may begin with it, "" for nothing: a secret that cannot be opened now must not be lost."""
        if f'"{SEALED}"' not in self._text:
            return ""
        try:
            changed_at(json.loads(self._text), SECRETS, self._open)
        except Unsealable as error:
            return str(error)
        except ValueError:
            return ""  # no JSON at all: `wake` sees to that
        return ""

    def wake(self, make: SessionMaker, spec: ChargerSpec, *, now: float, seed: int) -> tuple[SessionPort, list[Effect]]:
        """A session that was started with the memory, or without one that is of no use; and what it does first."""
        if self._failures >= LIVES:
            self._set_aside()
        while self._text:
            memory = None
            try:
                memory = self._read()
                session = make(spec, now=now, seed=seed, memory=memory)
                effects = session.start(now)
                session.memory()
            except Exception:  # whatever is wrong with it, the charger can live without
                log.exception("memory_unusable", charger_id=self._charger_id)
                if memory is None or MOVING not in memory:  # else what is left of it is that of a loss of power
                    self._set_aside()
            else:
                return session, effects
        session = make(spec, now=now, seed=seed)
        return session, session.start(now)

    def write(self, session: SessionPort) -> str:
        """Take the memory of the session, for its next life and for the disk."""
        memory = changed_at(session.memory(), SECRETS, self._seal)
        if MOVING in memory:
            memory[MOVING]["revision"] = self._revision
        self._text = writable_json(memory if self._aside is None else memory | {SET_ASIDE: self._aside})
        return self._text

    def failed(self) -> None:
        """A life ended by a bug."""
        self._failures += 1

    def lived(self) -> None:
        """The session is well: whatever goes wrong later is not taken for a fault of the memory."""
        self._failures = 0

    def _read(self) -> dict[str, Any]:
        memory = json.loads(self._text)
        if not isinstance(memory, dict):
            raise TypeError("a memory is an object")
        if SET_ASIDE in memory:
            self._aside = changed_at(memory.pop(SET_ASIDE), _SECRETS_ASIDE, self._seal)
        if MOVING in memory:
            moving = memory.pop(MOVING)
            self._text = writable_json(memory)
            if moving["revision"] == self._revision:
                memory[MOVING] = moving
        opened: dict[str, Any] = changed_at(memory, SECRETS, self._open)
        return opened

    def _set_aside(self) -> None:
        text, self._text, self._failures = self._text, "", 0
        if not text:
            return
        try:
            memory = json.loads(text)
        except ValueError:
            memory = text
        before: Any = self._aside
        if isinstance(memory, dict):
            before = memory.pop(SET_ASIDE, before)
        aside = [*(before if isinstance(before, list) else []), memory][-MOST_ASIDE:]
        self._aside = changed_at(aside, _SECRETS_ASIDE, self._seal)  # it may be of a time when nothing was sealed
        log.error("memory_set_aside", charger_id=self._charger_id, characters=len(text))

    def _seal(self, secret: Any) -> Any:
        if not isinstance(secret, str) or not secret:
            return secret
        known = self._sealed
        if known is None or len(known) > MOST_SEALED:
            known = self._sealed = {}
        sealed = known.get(secret)
        if sealed is None:
            sealed = known[secret] = vault().seal(secret)
        return sealed

    def _open(self, stored: Any) -> Any:
        secret = vault().open(stored)
        if is_sealed(stored) and vault().resealed(stored) is stored:
            self._sealed = {**(self._sealed or {}), secret: stored}
        return secret
