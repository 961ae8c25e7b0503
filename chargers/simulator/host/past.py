"""What the former life of a charger left behind; and where it goes when no session can live with it.

A memory may be of another release, edited by hand, or such that the code has a bug with it. It must not keep its
charger off for ever, and the transactions in it must not vanish without a trace: it is set aside, as a part of the
memory that the charger keeps from then on (key `set_aside`), where somebody can look at it.
"""

import json
from typing import Any, Final

import structlog

from chargers.simulator.effects import Effect
from chargers.simulator.host.shell import SessionMaker, SessionPort
from chargers.simulator.host.text import writable_json
from chargers.simulator.model.specs import ChargerSpec

log = structlog.get_logger(__name__)

SET_ASIDE: Final = "set_aside"
#: memories that are kept aside, the newest ones
MOST_ASIDE: Final = 3
#: lives in a row that ended by a bug before they were online, after which their memory is taken for the reason
LIVES: Final = 3


class Past:
    """The memory of one charger as its sessions get it and leave it."""

    __slots__ = ("_aside", "_charger_id", "_failures", "_text")

    def __init__(self, charger_id: int, text: str) -> None:
        """`text` is the memory as JSON, "" for none."""
        self._charger_id = charger_id
        self._text = text
        self._failures = 0
        self._aside: list[Any] | None = None

    def wake(self, make: SessionMaker, spec: ChargerSpec, *, now: float, seed: int) -> tuple[SessionPort, list[Effect]]:
        """A session that was started with the memory, or without one that is of no use; and what it does first."""
        if self._failures >= LIVES:
            self._set_aside()
        if self._text:
            try:
                session = make(spec, now=now, seed=seed, memory=self._read())
                effects = session.start(now)
                session.memory()
            except Exception:  # whatever is wrong with it, the charger can live without
                log.exception("memory_unusable", charger_id=self._charger_id)
                self._set_aside()
            else:
                return session, effects
        session = make(spec, now=now, seed=seed)
        return session, session.start(now)

    def write(self, session: SessionPort) -> str:
        """Take the memory of the session, for its next life and for the disk."""
        memory = session.memory()
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
            self._aside = memory.pop(SET_ASIDE)
        return memory

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
        self._aside = [*(before if isinstance(before, list) else []), memory][-MOST_ASIDE:]
        log.error("memory_set_aside", charger_id=self._charger_id, characters=len(text))
