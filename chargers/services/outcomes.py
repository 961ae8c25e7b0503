"""Waiting for outcomes of commands: one thread of a process looks for all who wait.

It asks the database for all of them at once, as long as anybody waits: the load does not grow with the number of those
who wait, and nothing depends on the broker.
"""

import os
import threading
import time
from typing import Any, Final, NamedTuple

import structlog
from django.db import DatabaseError, connection

from chargers.choices import CommandStatus
from chargers.models import Command
from chargers.models.command import UNSETTLED

log = structlog.get_logger(__name__)

#: seconds between two looks
EVERY: Final = 0.02


class Settlement(NamedTuple):
    """The end of one command."""

    status: CommandStatus
    outcome: dict[str, Any]


def outcome_await(*, command_id: str, seconds: float) -> Settlement | None:
    """Return the end of a command, or None when it has none after `seconds`. Blocks the calling thread."""
    return _watch.wait(command_id, seconds)


class _Waiting:
    """One who waits."""

    __slots__ = ("done", "settlement")

    def __init__(self) -> None:
        self.done = threading.Event()
        self.settlement: Settlement | None = None


class _Watch:
    """The thread that looks, which lives while somebody waits."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget the thread, which does not survive a fork."""
        self._lock = threading.Lock()
        self._waiting: dict[str, _Waiting] = {}
        self._runs = False

    def wait(self, command_id: str, seconds: float) -> Settlement | None:
        with self._lock:
            waiting = self._waiting.setdefault(command_id, _Waiting())
            if not self._runs:
                self._runs = True
                threading.Thread(target=self._run, name="command-outcomes", daemon=True).start()
        try:
            waiting.done.wait(seconds)
        finally:
            with self._lock:
                self._waiting.pop(command_id, None)
        return waiting.settlement

    def _run(self) -> None:
        try:
            while True:
                time.sleep(EVERY)
                with self._lock:
                    ids = list(self._waiting)
                    if not ids:
                        self._runs = False
                        return
                self._look(ids)
        except BaseException:
            # Whoever waits hears nothing and says so; the next one who comes starts a new thread.
            with self._lock:
                self._runs = False
            raise
        finally:
            connection.close()

    def _look(self, ids: list[str]) -> None:
        settled = Command.objects.filter(id__in=ids).exclude(status__in=UNSETTLED)
        try:
            rows = list(settled.values_list("id", "status", "outcome"))
        except DatabaseError as error:
            log.warning("outcomes_not_read", error=str(error))
            connection.close()
            time.sleep(0.2)
            return
        for command_id, status, outcome in rows:
            with self._lock:
                waiting = self._waiting.get(command_id)
            if waiting is not None:
                waiting.settlement = Settlement(CommandStatus(status), outcome or {})
                waiting.done.set()


_watch = _Watch()
os.register_at_fork(after_in_child=_watch.reset)
