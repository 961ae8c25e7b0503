"""What happens to a request before any view sees it."""

import os
from collections.abc import Callable

from django.core.handlers.asgi import ASGIRequest
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase

from ocpplab.api.exceptions import not_found


class NoNulInPath:
    """PostgreSQL takes no NUL character in a text: nothing has such a name, so it is 404, not 500."""

    sync_capable = True
    async_capable = False

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer 404 or go on."""
        if "\0" in request.path_info:
            return not_found(request, Http404())
        return self._get_response(request)


class LengthOfChunkedBody:
    """DRF takes a request without Content-Length for one without a body, and would drop what comes in chunks."""

    sync_capable = True
    async_capable = False

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Say how long the body is: it has been received as a whole, into memory or a temporary file."""
        if isinstance(request, ASGIRequest) and not request.META.get("CONTENT_LENGTH"):
            received = request._stream
            request.META["CONTENT_LENGTH"] = str(received.seek(0, os.SEEK_END))
            received.seek(0)
        return self._get_response(request)
