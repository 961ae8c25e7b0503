"""What is refused before any view sees it."""

from collections.abc import Callable

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
