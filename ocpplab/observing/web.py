"""The web process: requests by route, the built-in CSMS, and how late its loop is."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from prometheus_client import Counter, Gauge, Histogram

from ocpplab.common.metrics.door import OK, Checks, open_door
from ocpplab.common.metrics.lag import LoopLag
from ocpplab.common.metrics.readiness import Readiness
from ocpplab.common.metrics.registry import REGISTRY, publish

#: seconds without a turn of the loop after which the process counts as hung
HUNG_AFTER: Final = 60.0
#: anybody may send any word as a method
_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"})

_requests = Counter(
    "ocpplab_http_requests", "HTTP requests that were answered.", ("method", "route", "status"), registry=REGISTRY
)
_seconds = Histogram(
    "ocpplab_http_request_seconds", "Time until a request was answered.", ("route",), registry=REGISTRY
)
_open = Gauge("ocpplab_http_requests_open", "HTTP requests that are being answered.", registry=REGISTRY)

Application = Callable[[Any, Any, Any], Awaitable[Any]]


class CountRequests:
    """Counts requests by the pattern of their address, of which there are few."""

    sync_capable = True
    async_capable = False

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer and count."""
        began = time.perf_counter()
        with _open.track_inprogress():
            response = self._get_response(request)
        found = request.resolver_match
        route = f"/{found.route}" if found is not None else "none"
        method = request.method if request.method in _METHODS else "other"
        _requests.labels(method, route, str(response.status_code)).inc()
        _seconds.labels(route).observe(time.perf_counter() - began)
        return response


class Observed:
    """The ASGI application of the process, with the side door open from its first breath."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self._lag: LoopLag | None = None
        self._door = open_door(live=self._live, ready=Readiness())

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one request or WebSocket; the first one tells which loop this is."""
        if self._lag is None:
            self._lag = LoopLag(asyncio.get_running_loop())
            self._lag.start()
            publish(self._lag.metrics)
        await self._application(scope, receive, send)

    def _live(self) -> Checks:
        silent = 0.0 if self._lag is None else self._lag.silent_for
        return {"loop": OK if silent < HUNG_AFTER else f"no turn for {silent:.0f} s"}
