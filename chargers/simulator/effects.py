"""What a session wants done, and what can be asked of it.

A session is a state machine without I/O: every call to it returns a list of effects, and the shell
(`chargers.simulator.host`) carries them out in order. Intents are the orders that reach a session from outside.
Nothing here knows OCPP, Django or the network.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final


class ConnectionState(StrEnum):
    """Where a charger stands with its CSMS."""

    OFFLINE = "offline"  #: no connection and none being made (stopped, not held, or waiting for the next try)
    CONNECTING = "connecting"  #: dialling, or connected and waiting for the answer to BootNotification
    PENDING = "pending"  #: the CSMS answered BootNotification with Pending
    REJECTED = "rejected"  #: the CSMS answered BootNotification with Rejected
    ONLINE = "online"  #: accepted by the CSMS


class Direction(StrEnum):
    """Which way a logged frame went, in the contract's spelling."""

    TO_CSMS = "cp_to_csms"
    FROM_CSMS = "csms_to_cp"


@dataclass(slots=True, frozen=True)
class Connect:
    """Dial the CSMS now. Answered by `Session.connected` or `Session.disconnected`."""


@dataclass(slots=True, frozen=True)
class Send:
    """Put one text frame on the socket."""

    text: str


@dataclass(slots=True, frozen=True)
class Close:
    """Close the socket with a WebSocket close code. Answered by `Session.disconnected`."""

    code: int = 1000
    reason: str = ""


@dataclass(slots=True, frozen=True)
class Log:
    """Keep one frame in the message log.

    `action` is the OCPP action of a CALL, and for an answer the action of the CALL that it answers
    ("" when that is not known). `message` is the raw frame.
    """

    direction: Direction
    action: str
    message: str


@dataclass(slots=True, frozen=True)
class State:
    """The connection state changed; `detail` says why when it is not online ("" otherwise)."""

    state: ConnectionState
    detail: str = ""


@dataclass(slots=True, frozen=True)
class SetPing:
    """Send WebSocket pings every `interval` seconds from now on (0: none)."""

    interval: int


@dataclass(slots=True, frozen=True)
class Settled:
    """An intent has its outcome: `ok`, a stable `code`, and `data` for whoever asked."""

    intent_id: str
    ok: bool
    code: str
    data: dict[str, Any]


Effect = Connect | Send | Close | Log | State | SetPing | Settled


@dataclass(slots=True, frozen=True)
class Intent:
    """An order to one charger.

    `kind` names what is wanted (`reset`, …), `data` holds its arguments. `id` comes back in `Settled`.
    An intent that the session does not know is settled with `ok=False` and code `unknown_intent`.
    """

    id: str
    kind: str
    data: dict[str, Any]


NEVER: Final = float("inf")
