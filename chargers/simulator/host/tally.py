"""What a simulator process counts, and how that is told to Prometheus.

The loop's thread counts in plain numbers, at the cost of a few tenths of a microsecond a message. Whoever asks is in
another thread, copies (which nothing can interrupt), and puts the copy into words.
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import Final

from prometheus_client.core import Metric

from chargers.simulator.effects import Direction
from ocpplab.common.metrics.histogram import Histogram, histograms
from ocpplab.common.metrics.registry import counter, counters

#: what stands for an action that is no word of the version, or not known
OTHER: Final = "other"
#: metrics of directions, as a reader of metrics thinks of them
_DIRECTIONS: Final = {Direction.TO_CSMS: "sent", Direction.FROM_CSMS: "received"}


class Tally:
    """Counters of all sessions of a process; its attributes are for the loop's thread to change.

    The keys are bounded: versions, directions, actions of the schemas, and the few words of `reasons.kind_of`.
    """

    __slots__ = ("boots", "connected", "disconnected", "failed", "latency", "messages")

    def __init__(self) -> None:
        #: frames by version, direction and action; an answer has the action of its CALL
        self.messages: defaultdict[tuple[str, Direction, str], int] = defaultdict(int)
        #: seconds from a CALL of a charger to the answer of the CSMS, by action
        self.latency: defaultdict[str, Histogram] = defaultdict(Histogram)
        #: answers to BootNotification by what the CSMS said
        self.boots: defaultdict[str, int] = defaultdict(int)
        #: connections that came to be; those that did not and those that ended, by kind of reason
        self.connected = 0
        self.failed: defaultdict[str, int] = defaultdict(int)
        self.disconnected: defaultdict[str, int] = defaultdict(int)

    def metrics(self) -> Iterable[Metric]:
        """The counters as metrics."""
        yield counters(
            "ocpplab_messages_total",
            "OCPP messages of chargers, answers included; an answer has the action of its call.",
            ("version", "direction", "action"),
            (
                ((version, _DIRECTIONS[direction], action or OTHER), count)
                for (version, direction, action), count in self.messages.copy().items()
            ),
        )
        yield histograms(
            "ocpplab_csms_latency_seconds",
            "Time from a charger's call to the answer of the CSMS.",
            ("action",),
            (((action,), one) for action, one in self.latency.copy().items()),
        )
        yield counters(
            "ocpplab_boots_total", "Answers to BootNotification by status.", ("status",), _labelled(self.boots)
        )
        yield counter("ocpplab_connects_total", "Connections to the CSMS that were opened.", self.connected)
        yield counters(
            "ocpplab_connect_failures_total",
            "Tries to connect to the CSMS that failed.",
            ("reason",),
            _labelled(self.failed),
        )
        yield counters(
            "ocpplab_disconnects_total",
            "Connections to the CSMS that ended.",
            ("reason",),
            _labelled(self.disconnected),
        )


def _labelled(counts: dict[str, int]) -> Iterable[tuple[tuple[str], float]]:
    return (((label,), count) for label, count in counts.copy().items())
