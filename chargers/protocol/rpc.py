"""OCPP-J frames: one text frame in, one typed message out, and back.

The same rules serve a charger and a CSMS. `parse` never raises: what cannot be read comes back as `BadFrame`, which
also says what the specification wants answered, if anything.

Decisions where the specifications leave room:

- *1.6 has no answer for a frame whose id cannot be read* (OCPP-J 1.6 §4.2.3 only knows errors to a CALL), and says
  that an unknown message type is to be ignored (§4.1.3): such frames get no answer. 2.0.1 (OCPP-J §4.2.3) wants a
  CALLERROR with the id `-1` and `RpcFrameworkError`, and has `MessageTypeNotSupported` for unknown types.
- A frame that is, or claims to be, an answer (type 3 or 4) is never answered, however broken: two ends that answer
  each other's errors would never stop.
- An id longer than 36 characters (OCPP-J §4.1.4) is refused under the same id, since no other id would tell the sender
  anything.
"""

from dataclasses import field
from typing import Any, Final

import orjson

from chargers.values import value

from .errors import Fault, code_of
from .versions import Version

Payload = dict[str, Any]

CALL: Final = 2
CALLRESULT: Final = 3
CALLERROR: Final = 4

MAX_TEXT: Final = (
    1 << 20
)  #: characters in a frame; neither version names a limit, and no real message comes near this one
MAX_ID: Final = 36  #: OCPP-J 1.6 §4.1.4, 2.0.1 §4.1.4
MAX_DESCRIPTION: Final = 255  #: OCPP-J 2.0.1 §4.2.3; 1.6 names no limit
UNREADABLE_ID: Final = "-1"  #: OCPP-J 2.0.1 §4.2.3
_MAX_ECHOED_ID: Final = 255


@value
class Call:
    """A request: `[2, id, action, payload]`."""

    id: str
    action: str
    payload: Payload


@value
class CallResult:
    """The answer to the call with the same id: `[3, id, payload]`."""

    id: str
    payload: Payload


@value
class CallError:
    """The refusal of the call with the same id: `[4, id, code, description, details]`."""

    id: str
    code: str
    description: str = ""
    details: Payload = field(default_factory=dict)


@value
class BadFrame:
    """A frame that is no OCPP-J message.

    `answer` is what the version wants sent back (None: nothing). `id` and `type` hold what could still be read, so
    that a broken answer can settle the call that it names.
    """

    reason: str
    answer: CallError | None = None
    id: str = ""
    type: int = 0


Frame = Call | CallResult | CallError | BadFrame


def parse(version: Version, text: str, *, limit: int = MAX_TEXT) -> Frame:
    """Read one text frame. `limit` is the longest text looked at, in characters; anything longer is a `BadFrame`."""
    if len(text) > limit:
        return unreadable(version, f"frame of {len(text)} characters, more than {limit}")
    try:
        raw = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        return unreadable(version, f"not JSON: {error}")
    if not isinstance(raw, list):
        return unreadable(version, "not a JSON array")
    kind = raw[0] if raw else None
    message_id = raw[1] if len(raw) > 1 else None
    if type(kind) is not int or kind not in _READERS:
        return _unknown_type(version, message_id, kind)
    if not isinstance(message_id, str) or len(message_id) > _MAX_ECHOED_ID:
        reason = "message id is missing, no string or far too long"
        return unreadable(version, reason) if kind == CALL else BadFrame(reason, type=kind)
    return _READERS[kind](version, message_id, raw)


def encode(message: Call | CallResult | CallError) -> str:
    """The text frame of a message, in compact JSON. Raises TypeError when the payload holds what JSON cannot."""
    raw: list[Any]
    if isinstance(message, Call):
        raw = [CALL, message.id, message.action, message.payload]
    elif isinstance(message, CallResult):
        raw = [CALLRESULT, message.id, message.payload]
    else:
        raw = [CALLERROR, message.id, message.code, message.description[:MAX_DESCRIPTION], message.details]
    return orjson.dumps(raw).decode()


def refusal(version: Version, message_id: str, fault: Fault, description: str) -> CallError:
    """A CALLERROR in the words of `version`."""
    return CallError(message_id, code_of(version, fault), description[:MAX_DESCRIPTION])


def _read_call(version: Version, message_id: str, raw: list[Any]) -> Frame:
    fault, reason = Fault.RPC, ""
    if len(raw) != 4:
        reason = f"a CALL has 4 elements, this one has {len(raw)}"
    elif not message_id:
        reason = "the message id is empty"
    elif len(message_id) > MAX_ID:
        reason = f"the message id has {len(message_id)} characters, more than {MAX_ID}"
    elif not isinstance(raw[2], str) or not raw[2]:
        reason = "the action is no string or empty"
    elif not isinstance(raw[3], dict):
        fault, reason = Fault.FORMAT, "the payload is not a JSON object"
    if reason:
        return BadFrame(reason, refusal(version, message_id, fault, reason), message_id, CALL)
    return Call(message_id, raw[2], raw[3])


def _read_result(_version: Version, message_id: str, raw: list[Any]) -> Frame:
    if len(raw) != 3:
        return BadFrame(f"a CALLRESULT has 3 elements, this one has {len(raw)}", None, message_id, CALLRESULT)
    if not isinstance(raw[2], dict):
        return BadFrame("the payload of a CALLRESULT is not a JSON object", None, message_id, CALLRESULT)
    return CallResult(message_id, raw[2])


def _read_error(_version: Version, message_id: str, raw: list[Any]) -> Frame:
    if not 3 <= len(raw) <= 5 or not isinstance(raw[2], str):
        return BadFrame("a CALLERROR has 5 elements, the third a string", None, message_id, CALLERROR)
    # Peers often leave out what is empty; the code is all that is needed to settle a call.
    description = raw[3] if len(raw) > 3 and isinstance(raw[3], str) else ""
    details = raw[4] if len(raw) > 4 and isinstance(raw[4], dict) else {}
    return CallError(message_id, raw[2], description, details)


_READERS: Final = {CALL: _read_call, CALLRESULT: _read_result, CALLERROR: _read_error}


def unreadable(version: Version, reason: str) -> BadFrame:
    """A frame of which nothing can be read, such as a binary one."""
    if version is Version.V16:
        return BadFrame(reason)
    return BadFrame(reason, refusal(version, UNREADABLE_ID, Fault.RPC, reason))


def _unknown_type(version: Version, message_id: object, kind: object) -> BadFrame:
    if type(kind) is not int:
        return unreadable(version, "the message type is missing or no integer")
    reason = f"unknown message type {kind}"
    if version is Version.V16:
        return BadFrame(reason, type=kind)
    known = isinstance(message_id, str) and 0 < len(message_id) <= MAX_ID
    answer_id = message_id if known and isinstance(message_id, str) else UNREADABLE_ID
    return BadFrame(reason, refusal(version, answer_id, Fault.MESSAGE_TYPE, reason), type=kind)
