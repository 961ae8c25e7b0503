"""Errors that a user can cause: a stable code, a message that tells what to do, and whether a retry can help."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Problem:
    """One entry of a 422 body: where (`loc`, without the leading body/query/path), what, and a stable type.

    `ctx` holds the figures of the message, for programs.
    """

    loc: tuple[str | int, ...]
    msg: str
    type: str = "value_error"
    input: Any = None
    source: str = "body"
    ctx: dict[str, Any] | None = None


class DomainError(Exception):
    """A rule of the domain said no.

    `code` is the stable key for client logic, `detail` the sentence for a person, `retryable` whether the very same
    request may work later.
    """

    code = "error"
    retryable = False

    def __init__(self, detail: str, *, code: str | None = None, retryable: bool | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        if code is not None:
            self.code = code
        if retryable is not None:
            self.retryable = retryable


class NotFound(DomainError):
    """There is no such thing for this caller (404)."""

    code = "not_found"


class Refused(DomainError):
    """Well-formed, but it cannot be done (400)."""

    code = "refused"


class Unprocessable(DomainError):
    """Well-formed, but it cannot be done, on a route that declares no 400 (422 with a string `detail`)."""

    code = "refused"


class Unavailable(DomainError):
    """Cannot be done now, nothing was written (503)."""

    code = "unavailable"
    retryable = True


class TooMany(DomainError):
    """More than the caller may ask for in this time (429); nothing was written. `retry_after`: seconds to wait."""

    code = "too_many"
    retryable = True

    def __init__(self, detail: str, *, retry_after: int) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


class Invalid(DomainError):
    """The request breaks the schema or its rules (422), one problem an entry."""

    code = "invalid"

    def __init__(self, *problems: Problem) -> None:
        super().__init__("; ".join(problem.msg for problem in problems) or "invalid request")
        self.problems = list(problems)
