"""What stands where in a simulator process at this moment, as metrics."""

from collections import Counter
from collections.abc import Callable, Iterable

from prometheus_client.core import Metric

from chargers.simulator.effects import ConnectionState
from chargers.simulator.host.gate import Gate
from chargers.simulator.host.keeper import Keeper
from chargers.simulator.host.orders import Orders
from chargers.simulator.host.recorder import Recorder
from chargers.simulator.host.timers import LATE, Timers
from ocpplab.common.metrics.histogram import histogram
from ocpplab.common.metrics.registry import counter, gauge, gauges


class Gauges:
    """What stands where at this moment, read from the parts of the host when somebody asks."""

    def __init__(
        self,
        *,
        states: Callable[[], Counter[ConnectionState]],
        capacity: int,
        recorder: Recorder,
        keeper: Keeper,
        gate: Gate,
        orders: Orders,
        timers: Timers,
    ) -> None:
        self._states = states
        self._capacity = capacity
        self._recorder = recorder
        self._keeper = keeper
        self._gate = gate
        self._orders = orders
        self._timers = timers

    def metrics(self) -> Iterable[Metric]:
        """The state of the host as metrics."""
        states = self._states()
        yield gauges(
            "ocpplab_sessions",
            "Chargers that this process holds, by where they stand with their CSMS.",
            ("state",),
            (((state.value,), states[state]) for state in ConnectionState),
        )
        yield gauge("ocpplab_sessions_capacity", "Chargers that this process takes at most.", self._capacity)
        yield gauges(
            "ocpplab_queue_length",
            "What waits inside this process: log rows and memories for the database, connects for the ramp.",
            ("queue",),
            [
                (("recorder",), self._recorder.waiting),
                (("keeper",), self._keeper.waiting),
                (("gate",), len(self._gate)),
            ],
        )
        yield counter("ocpplab_log_rows_total", "Rows that were written to the message log.", self._recorder.written)
        yield counter(
            "ocpplab_log_rows_dropped_total",
            "Rows of the message log that were lost because the database was too slow or away.",
            self._recorder.dropped,
        )
        yield counter("ocpplab_commands_taken_total", "Commands that this process took to run.", self._orders.taken)
        yield counter("ocpplab_commands_settled_total", "Commands that came to an end here.", self._keeper.settled)
        lateness = self._timers.lateness
        yield histogram(
            "ocpplab_timer_delay_seconds",
            "Time from when a session was due to act until it had, its message being written.",
            lateness,
        )
        yield counter(
            "ocpplab_late_timers_total",
            f"Sessions that acted more than {LATE * 1000:g} ms late.",
            lateness.above(LATE),
        )
        yield gauge("ocpplab_timers", "Alarms that are set.", len(self._timers))
