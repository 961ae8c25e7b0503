"""The worker: what it was given and does now, told by the parent of its pool.

Parent only: each process of the pool would need a file of its own for its counters, and what jobs come to is in their
rows, which beat tells (`observing.beat`).
"""

from collections.abc import Iterable
from typing import Any, Final

from celery import bootsteps
from celery.worker import state
from prometheus_client.core import Metric

from ocpplab.common.metrics.door import OK, Checks, open_door
from ocpplab.common.metrics.readiness import Readiness
from ocpplab.common.metrics.registry import counters, gauge, publish

#: whether the worker hears the broker now
_consuming: Final = {"now": False}


class DoorStep(bootsteps.StartStopStep):
    """Opens the side door when the pool is there, before the broker is: a worker that waits for it lives."""

    requires = ("celery.worker.components:Pool",)

    def start(self, worker: Any) -> None:
        """Open it."""
        publish(_metrics)
        open_door(live=_live, ready=Readiness(consuming=_hears))


class ConsumingStep(bootsteps.StartStopStep):
    """Knows whether tasks are heard: it is stopped when the broker is lost, and started when it is back."""

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def start(self, consumer: Any) -> None:
        """The queues are consumed from here on."""
        _consuming["now"] = True

    def stop(self, consumer: Any) -> None:
        """They are not any more."""
        _consuming["now"] = False


def _hears() -> str:
    return OK if _consuming["now"] else "does not hear the broker"


def _live() -> Checks:
    return {"process": OK}


def _metrics() -> Iterable[Metric]:
    yield counters(
        "ocpplab_tasks_total",
        "Tasks that were begun, by name; `celery.starmap` is a message of several calls.",
        ("task",),
        (((name,), count) for name, count in dict(state.total_count).items()),
    )
    yield gauge("ocpplab_tasks_active", "Tasks that are being done.", len(state.active_requests))
    yield gauge("ocpplab_tasks_reserved", "Tasks that were taken and have not ended.", len(state.reserved_requests))
