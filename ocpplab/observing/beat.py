"""Beat: whether its clock ticks, and what the rows say.

There is one beat, so what the database knows is told by it alone: told by each process, sums over processes would be
wrong.
"""

import time
from typing import Any, Final

from celery.beat import PersistentScheduler
from celery.signals import beat_init

from ocpplab.common.metrics.door import OK, Checks, open_door
from ocpplab.common.metrics.readiness import Readiness
from ocpplab.common.metrics.registry import publish

#: seconds without a tick after which nothing can be counted on to be started in time; there is one every 15 s
LATE_AFTER: Final = 60.0


class Scheduler(PersistentScheduler):
    """Celery's own, which remembers when it last looked at the schedule."""

    ticked_at = 0.0

    def tick(self, *arguments: Any, **options: Any) -> float:
        """Publish what is due."""
        seconds: float = super().tick(*arguments, **options)
        self.ticked_at = time.monotonic()
        return seconds


@beat_init.connect
def open_beat_door(sender: Any, **_: Any) -> None:
    """Show metrics and health of this process."""
    from ocpplab.observing.rows import Rows

    scheduler = sender.scheduler

    def ticks() -> str:
        silent = time.monotonic() - scheduler.ticked_at
        return OK if silent < LATE_AFTER else "no tick of late"

    publish(Rows().metrics)
    open_door(live=_live, ready=Readiness(ticking=ticks))


def _live() -> Checks:
    return {"process": OK}
