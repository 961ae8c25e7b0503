"""What a link of the built-in CSMS wants done, and what can be asked of it. Pure."""

from dataclasses import dataclass, field
from typing import Any

from chargers.protocol import Payload

from .transactions import Entry


@dataclass(slots=True, frozen=True)
class Send:
    """Put one text frame on the socket."""

    text: str


@dataclass(slots=True, frozen=True)
class Keep:
    """Put the transaction into the database, then `text` on the socket; `otherwise` when it could not be kept."""

    entry: Entry
    text: str
    otherwise: str


@dataclass(slots=True, frozen=True)
class Close:
    """Close the socket with a WebSocket close code."""

    code: int
    reason: str = ""


@dataclass(slots=True, frozen=True)
class Outcome:
    """How an order ended.

    `code`: `ok` (with the `payload` of the CALLRESULT), `refused` (a CALLERROR: its code, description, and its details
    as `payload`), `bad_answer` (it breaks the schema), `timeout`, `not_connected`, `busy` (too many wait), `invalid`
    (the order itself breaks the schema and was not sent).
    """

    code: str
    error_code: str = ""
    description: str = ""
    payload: Payload = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """JSON, for the way between processes."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(slots=True, frozen=True)
class Order:
    """A CALL to send to a station. `tag` comes back in `Settled`; `timeout` in seconds, the wait in the queue included.

    `checked=False` sends what the schema forbids, to see how a station takes it.
    """

    tag: str
    action: str
    payload: Payload
    timeout: float = 30.0
    checked: bool = True


@dataclass(slots=True, frozen=True)
class Settled:
    """An order has its outcome."""

    tag: str
    outcome: Outcome


Effect = Send | Keep | Close | Settled
