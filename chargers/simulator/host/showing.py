"""The side door of a simulator process: its metrics, whether it lives, and whether it is a host."""

import asyncio
from collections.abc import Callable
from contextlib import ExitStack
from typing import Final

from chargers.simulator.host.gauges import Gauges
from chargers.simulator.host.tally import Tally
from ocpplab.common.metrics.door import OK, Checks, open_door
from ocpplab.common.metrics.lag import LoopLag
from ocpplab.common.metrics.readiness import Readiness
from ocpplab.common.metrics.registry import publish

#: seconds without a turn of the loop after which a process counts as hung: more than any burst of work takes
HUNG_AFTER: Final = 60.0


class Showing:
    """Shows what this process counts, from `begin` to `end`. `joined` says whether it is a host now."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, tally: Tally, gauges: Gauges, *, joined: Callable[[], bool]
    ) -> None:
        self._lag = LoopLag(loop)
        self._read = (tally.metrics, gauges.metrics, self._lag.metrics)
        self._ready = Readiness(joined=lambda: OK if joined() else "not yet, or no more")
        self._shown = ExitStack()

    def begin(self) -> None:
        """Open the door. Call it in the loop's thread."""
        self._lag.start()
        self._shown.callback(self._lag.stop)
        for read in self._read:
            self._shown.callback(publish(read))
        open_door(live=self._live, ready=self._ready)

    def end(self) -> None:
        """Show nothing more of this host; the door itself closes with the process."""
        self._shown.close()

    def _live(self) -> Checks:
        silent = self._lag.silent_for
        return {"loop": OK if silent < HUNG_AFTER else f"no turn for {silent:.0f} s"}
