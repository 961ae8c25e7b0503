"""The built-in CSMS of one web process as metrics."""

from collections.abc import Callable, Iterable, Sized

from prometheus_client.core import Metric

from ocpplab.common.metrics.registry import counter, gauge

from .central import Central


def csms_metrics(central: Central, sockets: Sized) -> Callable[[], Iterable[Metric]]:
    """Return what reads the metrics of this CSMS."""

    def read() -> Iterable[Metric]:
        yield gauge("ocpplab_csms_connections", "Stations that are connected to the built-in CSMS here.", len(sockets))
        yield counter(
            "ocpplab_csms_messages_total", "Messages that the built-in CSMS got from stations.", central.messages
        )
        yield counter("ocpplab_csms_breaches_total", "Breaches of OCPP that the built-in CSMS saw.", central.breaches)

    return read
