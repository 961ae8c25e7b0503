"""The side door of a process: `/metrics`, `/health/live` and `/health/ready` on a port of their own.

A thread answers, so that a process whose loop or pool is busy can still say so. The door is no public one: without a
password, and by default on the loopback address only (METRICS_HOST).
"""

import json
import os
import threading
from collections.abc import Callable, Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, HTTPServer
from socketserver import ThreadingMixIn
from typing import Any, Final

import structlog
from django.conf import settings
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest

from ocpplab.common.metrics.registry import REGISTRY

log = structlog.get_logger(__name__)

#: what is asked for is known here by name, and what is wrong with it: "ok" is nothing
Checks = Mapping[str, str]
OK: Final = "ok"
#: callers served at once, and seconds that one of them may keep silent
AT_ONCE, PATIENCE = 8, 5.0


def report(checks: Checks) -> tuple[HTTPStatus, dict[str, Any]]:
    """The answer to a probe: 200 when nothing is wrong, else 503."""
    if all(word == OK for word in checks.values()):
        return HTTPStatus.OK, {"status": "ok", "checks": dict(checks)}
    return HTTPStatus.SERVICE_UNAVAILABLE, {"status": "unavailable", "checks": dict(checks)}


class Door(ThreadingMixIn, HTTPServer):
    """Serves until the process ends: also how it ends is worth a look."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 32

    def __init__(self, address: tuple[str, int], *, live: Callable[[], Checks], ready: Callable[[], Checks]) -> None:
        """Raises OSError when it cannot listen there."""
        self.live = live
        self.ready = ready
        self._places = threading.BoundedSemaphore(AT_ONCE)
        super().__init__(address, _Handler)
        # Pool processes of a worker must not hold the port: it would stay taken when the worker itself is killed.
        os.register_at_fork(after_in_child=self.socket.close)
        threading.Thread(target=self.serve_forever, name="metrics door", daemon=True).start()

    def server_bind(self) -> None:
        """Bind without HTTPServer's look-up of the host's name, which a name server that is away holds up."""
        super(HTTPServer, self).server_bind()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Serve in a thread, if one is free."""
        if self._places.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Make room for the next one afterwards."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._places.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A caller who went away is no error of ours."""
        log.debug("metrics_caller_lost")


class _Handler(BaseHTTPRequestHandler):
    server: Door
    timeout = PATIENCE

    def do_GET(self) -> None:
        match self.path.partition("?")[0]:
            case "/metrics":
                self._metrics()
            case "/health/live":
                self._probe(self.server.live)
            case "/health/ready":
                self._probe(self.server.ready)
            case _:
                self._answer(HTTPStatus.NOT_FOUND, b"/metrics, /health/live, /health/ready\n", "text/plain")

    def _metrics(self) -> None:
        try:
            text = generate_latest(REGISTRY)
        except Exception:  # a bug in one collector must not end the door, which also tells whether the process lives
            log.exception("metrics_failed")
            self._answer(HTTPStatus.INTERNAL_SERVER_ERROR, b"see the log of this process\n", "text/plain")
        else:
            self._answer(HTTPStatus.OK, text, CONTENT_TYPE_PLAIN_0_0_4)

    def _probe(self, probe: Callable[[], Checks]) -> None:
        status, body = report(probe())
        self._answer(status, json.dumps(body).encode(), "application/json")

    def _answer(self, status: HTTPStatus, body: bytes, content_type: str) -> None:
        self.send_response_only(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name that the base class gave it
        """A probe every few seconds is no news."""


def open_door(*, live: Callable[[], Checks], ready: Callable[[], Checks]) -> Door | None:
    """Open the door of this process at METRICS_HOST and METRICS_PORT; None when it has none (port 0).

    A port that is taken costs the metrics, not the process.
    """
    if settings.METRICS_PORT == 0:
        return None
    try:
        return Door((settings.METRICS_HOST, settings.METRICS_PORT), live=live, ready=ready)
    except OSError as error:
        log.error(  # noqa: TRY400 - where it was called from says nothing
            "metrics_port_unusable", host=settings.METRICS_HOST, port=settings.METRICS_PORT, error=str(error)
        )
        return None
