"""How processes talk about stations of the built-in CSMS: channels and messages in Redis.

Each web process listens on one channel for each station that it holds, so that *being subscribed is the registry*: a
publish says how many heard it, none means not connected, and what a killed process leaves behind is nothing. Answers
come back in a list of their own for each question, which expires.
"""

from dataclasses import asdict, dataclass, field
from typing import Any, Final, cast

import orjson
from django.conf import settings

REPLY_LIFE: Final = 60  #: seconds that an answer nobody fetched is kept


def prefix() -> str:
    """What all names in Redis start with: that of the channel layer, so that two labs can share a server."""
    layer = cast("dict[str, Any]", settings.CHANNEL_LAYERS["default"])
    return f"{layer['CONFIG']['prefix']}:csms:"


def station_channel(key: str) -> str:
    """Where the process listens that holds this station."""
    return f"{prefix()}station:{key}"


def office_channel() -> str:
    """Where every process listens that has ever served a station."""
    return f"{prefix()}office"


def policies_name() -> str:
    """The hash of boot policies by station."""
    return f"{prefix()}policies"


def reply_name(question: str) -> str:
    """The list for the answers to one question."""
    return f"{prefix()}reply:{question}"


@dataclass(slots=True, frozen=True)
class CallStation:
    """Send a CALL to the station, and the outcome to the list `reply`."""

    key: str
    reply: str
    action: str
    payload: dict[str, Any] = field(default_factory=dict)
    timeout: float = 30.0
    checked: bool = True


@dataclass(slots=True, frozen=True)
class NewerSocket:
    """A process has got a connection of this station: an older one elsewhere is to be closed."""

    key: str
    process: str
    opened_at: float


@dataclass(slots=True, frozen=True)
class AskStation:
    """What do you know of this station? Every process answers, `null` when it never met it."""

    key: str
    reply: str


@dataclass(slots=True, frozen=True)
class PolicyChanged:
    """The boot policies have changed: read them again, then answer."""

    reply: str


@dataclass(slots=True, frozen=True)
class TagsChanged:
    """The id tags have changed: read them again, then answer."""

    reply: str


Message = CallStation | NewerSocket | AskStation | PolicyChanged | TagsChanged
_KINDS: Final[dict[str, type[Message]]] = {
    "call": CallStation,
    "newer": NewerSocket,
    "ask": AskStation,
    "policy": PolicyChanged,
    "tags": TagsChanged,
}
_NAMES: Final = {kind: name for name, kind in _KINDS.items()}


def dump(message: Message) -> bytes:
    """A message for a channel."""
    return orjson.dumps({"kind": _NAMES[type(message)], **asdict(message)})


def load(data: bytes) -> Message | None:
    """A message from a channel; None for one that this version does not know."""
    try:
        raw = orjson.loads(data)
        return _KINDS[raw.pop("kind")](**raw)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
