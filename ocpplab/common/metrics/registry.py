"""The metrics of this process, and how plain numbers become part of them."""

from collections.abc import Callable, Iterable

from prometheus_client import CollectorRegistry, ProcessCollector, disable_created_metrics
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

#: every metric of this process; made anew by nobody, because a process has one door
REGISTRY = CollectorRegistry(auto_describe=False)
ProcessCollector(registry=REGISTRY)
disable_created_metrics()  # type: ignore[no-untyped-call]  # a second line for every counter that nobody asks for

Labelled = Iterable[tuple[tuple[str, ...], float]]


class Source(Collector):
    """Metrics that `read` makes of plain numbers whenever they are asked for.

    `read` is called in the thread of the one who asks: it may look at numbers of other threads, and change none.
    """

    def __init__(self, read: Callable[[], Iterable[Metric]]) -> None:
        self._read = read

    def collect(self) -> Iterable[Metric]:
        """What the numbers are now."""
        return self._read()


def publish(read: Callable[[], Iterable[Metric]]) -> Callable[[], None]:
    """Make what `read` returns part of this process's metrics; call the result to take it out again."""
    source = Source(read)
    REGISTRY.register(source)
    return lambda: REGISTRY.unregister(source)


def gauge(name: str, text: str, value: float) -> Metric:
    """One number that goes up and down."""
    return GaugeMetricFamily(name, text, value=value)


def gauges(name: str, text: str, labels: tuple[str, ...], values: Labelled) -> Metric:
    """The same with labels."""
    family = GaugeMetricFamily(name, text, labels=labels)
    for label, value in values:
        family.add_metric(label, value)
    return family


def counter(name: str, text: str, value: float) -> Metric:
    """One number that only grows, until the process ends. `name` ends in `_total`."""
    return CounterMetricFamily(name, text, value=value)


def counters(name: str, text: str, labels: tuple[str, ...], values: Labelled) -> Metric:
    """The same with labels."""
    family = CounterMetricFamily(name, text, labels=labels)
    for label, value in values:
        family.add_metric(label, value)
    return family
