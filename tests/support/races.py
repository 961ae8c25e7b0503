"""Two connections at once: what a second one does while the first holds its locks."""

import threading
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from django.db import connection

from tests.support.waiting import eventually

T = TypeVar("T")


class Elsewhere(Generic[T]):
    """Runs something in a thread with a database connection of its own."""

    def __init__(self, work: Callable[[], T]) -> None:
        self._outcome: list[T] = []
        self._error: list[BaseException] = []
        self._pid: list[int] = []
        self._thread = threading.Thread(target=self._run, args=[work])
        self._thread.start()

    def _run(self, work: Callable[[], T]) -> None:
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_backend_pid()")
                self._pid.append(cursor.fetchone()[0])
            self._outcome.append(work())
        except BaseException as error:  # noqa: BLE001 - raised again by `result`
            self._error.append(error)
        finally:
            connection.close()

    def until_blocked(self) -> "Elsewhere[T]":
        """Wait until it waits for a lock that somebody else holds."""
        eventually(self._is_blocked, what="the other connection waits for a lock")
        return self

    def _is_blocked(self) -> bool:
        assert not self._error, self._error
        assert not self._outcome, "it was not held up by any lock"
        if not self._pid:
            return False
        with connection.cursor() as cursor:
            cursor.execute("SELECT cardinality(pg_blocking_pids(%s)) > 0", [self._pid[0]])
            return bool(cursor.fetchone()[0])

    def result(self) -> T:
        """Wait for its end and return what it returned, or raise what it raised."""
        self._thread.join(30)
        assert not self._thread.is_alive(), "the other connection hangs"
        if self._error:
            raise self._error[0]
        return self._outcome[0]


def all_at_once(*work: Callable[[], Any]) -> list[Any]:
    """Run all at the same moment, each with a connection of its own; return what each returned."""
    gate = threading.Barrier(len(work))

    def start(one: Callable[[], Any]) -> Any:
        gate.wait(30)
        return one()

    return [runner.result() for runner in [Elsewhere(lambda one=one: start(one)) for one in work]]
