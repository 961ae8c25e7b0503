"""OCPP-J on the wire, for both ends: frames, error codes, schemas.

Knows no charger and no CSMS, and does no I/O but reading the schema files.

frame = parse(Version.V16, text)
if isinstance(frame, Call):
    breach = validate_request(Version.V16, frame.action, frame.payload)
    answer = refusal(...) if breach else CallResult(frame.id, {...})
    send(encode(answer))
"""

from .errors import Fault, code_of, error_codes
from .rpc import (
    MAX_DESCRIPTION,
    MAX_ID,
    MAX_TEXT,
    BadFrame,
    Call,
    CallError,
    CallResult,
    Frame,
    Payload,
    encode,
    parse,
    refusal,
    unreadable,
)
from .schemas import (
    Breach,
    actions,
    actions_from_charger,
    actions_from_csms,
    request_schema,
    schema_names,
    validate_request,
    validate_response,
)
from .secrets import hidden, hidden_in_lines, hidden_in_text, may_tell_secret, names_secret, without_secrets
from .spelling import TwiceSpelled, action_spelled, payload_spelled
from .timestamps import format_time, parse_time
from .versions import Version

__all__ = [
    "MAX_DESCRIPTION",
    "MAX_ID",
    "MAX_TEXT",
    "BadFrame",
    "Breach",
    "Call",
    "CallError",
    "CallResult",
    "Fault",
    "Frame",
    "Payload",
    "TwiceSpelled",
    "Version",
    "action_spelled",
    "actions",
    "actions_from_charger",
    "actions_from_csms",
    "code_of",
    "encode",
    "error_codes",
    "format_time",
    "hidden",
    "hidden_in_lines",
    "hidden_in_text",
    "may_tell_secret",
    "names_secret",
    "parse",
    "parse_time",
    "payload_spelled",
    "refusal",
    "request_schema",
    "schema_names",
    "unreadable",
    "validate_request",
    "validate_response",
    "without_secrets",
]
