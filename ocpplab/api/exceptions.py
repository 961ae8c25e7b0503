"""Errors in the contract's bodies (2.5): a string `detail`, or for 422 a list of problems.

Beyond the contract a `code` stands beside every string, as the stable key for programs.
"""

import uuid
from collections.abc import Iterator
from typing import Any

import structlog
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from rest_framework import exceptions, status
from rest_framework.response import Response
from rest_framework.views import set_rollback

from ocpplab.common.errors import DomainError, Invalid, NotFound, Problem, Refused, TooMany, Unavailable, Unprocessable

log = structlog.get_logger(__name__)

STATUS_OF: dict[type[DomainError], int] = {
    NotFound: status.HTTP_404_NOT_FOUND,
    Refused: status.HTTP_400_BAD_REQUEST,
    Unprocessable: status.HTTP_422_UNPROCESSABLE_ENTITY,
    TooMany: status.HTTP_429_TOO_MANY_REQUESTS,
    Unavailable: status.HTTP_503_SERVICE_UNAVAILABLE,
}
RETRY_AFTER_SECONDS = "2"
BEARER = {"WWW-Authenticate": "Bearer"}


def handler(exc: Exception, context: dict[str, Any]) -> Response | None:
    """Answer an exception of a view; None hands it on to Django's 500."""
    set_rollback()
    match exc:
        case Invalid():
            return _unprocessable(exc.problems)
        case DomainError():
            return _domain(exc)
        case exceptions.ValidationError():
            return _unprocessable(list(problems_of(exc.get_full_details())))
        case exceptions.ParseError():
            return _unprocessable([Problem((), f"The body is not valid JSON: {exc.detail}", "json_invalid")])
        case Http404():
            return _text(status.HTTP_404_NOT_FOUND, str(exc) or "Not found.", NotFound.code)
        case exceptions.UnsupportedMediaType():
            return _refused(exc, "The body must be JSON: send the header Content-Type: application/json.")
        case exceptions.NotAuthenticated():
            return _refused(exc, "A token is needed: send the header Authorization: Bearer <token>.", BEARER)
        case exceptions.APIException():
            headers = {"WWW-Authenticate": header} if (header := getattr(exc, "auth_header", "")) else {}
            return _refused(exc, str(exc.detail), headers)
    return None


def _refused(error: exceptions.APIException, detail: str, headers: dict[str, str] | None = None) -> Response:
    """What DRF refuses, with DRF's code."""
    return _text(error.status_code, detail, str(getattr(error.detail, "code", error.default_code)), headers)


def _text(number: int, detail: str, code: str, headers: dict[str, str] | None = None) -> Response:
    return Response({"detail": detail, "code": code}, status=number, headers=headers)


def _domain(error: DomainError) -> Response:
    number = next((STATUS_OF[cls] for cls in type(error).__mro__ if cls in STATUS_OF), status.HTTP_400_BAD_REQUEST)
    headers = {}
    if isinstance(error, TooMany):
        headers["Retry-After"] = str(error.retry_after)
    elif number == status.HTTP_503_SERVICE_UNAVAILABLE:
        headers["Retry-After"] = RETRY_AFTER_SECONDS
    return _text(number, error.detail, error.code, headers)


def _unprocessable(problems: list[Problem]) -> Response:
    entries = [
        {"loc": [problem.source, *problem.loc], "msg": problem.msg, "type": problem.type, "input": problem.input}
        | ({"ctx": problem.ctx} if problem.ctx else {})
        for problem in problems
    ]
    return Response({"detail": entries}, status=status.HTTP_422_UNPROCESSABLE_ENTITY)


def problems_of(details: Any, loc: tuple[str | int, ...] = (), source: str = "body") -> Iterator[Problem]:
    """Flatten DRF's nested error details into problems; a serializer-wide error stands at the object itself."""
    if isinstance(details, dict) and set(details) == {"message", "code"} and not isinstance(details["message"], dict):
        yield Problem(loc, _words(details), TYPES.get(details["code"], str(details["code"])), source=source)
    elif isinstance(details, dict):
        for key, value in details.items():
            # ListField's errors are keyed by position
            yield from problems_of(value, loc if key == "non_field_errors" else (*loc, key), source)
    elif isinstance(details, list):
        leaves = all(isinstance(entry, dict) and set(entry) == {"message", "code"} for entry in details)
        for position, entry in enumerate(details):
            yield from problems_of(entry, loc if leaves else (*loc, position), source)


def _words(error: dict[str, Any]) -> str:
    """Return DRF's message, or one in the words of JSON where DRF's speaks of Python's types."""
    message = str(error["message"])
    if error["code"] == "not_a_list":
        return "A JSON array is expected here: [ ... ]."
    if message.startswith("Invalid data. Expected a dictionary"):
        return "A JSON object is expected here: { ... }."
    return message


#: DRF's codes in the contract's (FastAPI's) words
TYPES = {"required": "missing", "null": "null_not_allowed", "invalid_choice": "enum"}


def json_error(number: int, detail: str, code: str, headers: dict[str, str] | None = None) -> HttpResponse:
    """The same body outside of DRF's views."""
    return JsonResponse({"detail": detail, "code": code}, status=number, headers=headers)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer an unknown path."""
    hint = "Leave out the slash at the end." if request.path.endswith("/") else "The API is described at /docs."
    return json_error(404, f"There is nothing at {request.path}. {hint}", "no_such_path")


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer a request that Django itself refuses (a bad Host header, too large a body)."""
    return json_error(400, f"Bad request: {type(exception).__name__}.", "bad_request")


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer what Django itself forbids."""
    return json_error(403, "Forbidden.", "permission_denied")


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer an unhandled exception with a number that stands in the server's log too."""
    number = uuid.uuid4().hex[:12]
    log.error("unhandled exception", error_id=number, method=request.method, path=request.path)
    return json_error(500, f"Internal error {number}: see the server's log for this number.", "internal_error")
