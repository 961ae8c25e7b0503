"""The error codes of a CALLERROR, as each version spells them.

OCPP-J 1.6 §4.2.3 and OCPP-J 2.0.1 §4.3 list the codes. They differ in spelling (1.6 has `FormationViolation` and the
misspelt `OccurenceConstraintViolation`, both kept for good by its errata §5) and 2.0.1 adds two codes.
"""

from enum import StrEnum
from typing import Final

from .versions import Version


class Fault(StrEnum):
    """What is wrong with a message, free of any version's spelling. `code_of` gives the word for the wire."""

    FORMAT = "format"  #: the payload is not built as the action asks (unknown field, not an object)
    GENERIC = "generic"  #: none of the others
    INTERNAL = "internal"  #: the receiver failed, the message may be fine
    MESSAGE_TYPE = "message_type"  #: the first element of the frame is no message type of this version
    NOT_IMPLEMENTED = "not_implemented"  #: no such action in this version
    NOT_SUPPORTED = "not_supported"  #: a real action that the receiver does not offer
    OCCURRENCE = "occurrence"  #: a required field is missing, or a list is too short or too long
    PROPERTY = "property"  #: right type, value not allowed (enumeration, length, range)
    RPC = "rpc"  #: the frame itself is broken
    SECURITY = "security"  #: a security issue stopped the receiver
    TYPE = "type"  #: a field has the wrong JSON type


_V16: Final = {
    Fault.FORMAT: "FormationViolation",
    Fault.GENERIC: "GenericError",
    Fault.INTERNAL: "InternalError",
    Fault.MESSAGE_TYPE: "ProtocolError",
    Fault.NOT_IMPLEMENTED: "NotImplemented",
    Fault.NOT_SUPPORTED: "NotSupported",
    Fault.OCCURRENCE: "OccurenceConstraintViolation",
    Fault.PROPERTY: "PropertyConstraintViolation",
    Fault.RPC: "ProtocolError",
    Fault.SECURITY: "SecurityError",
    Fault.TYPE: "TypeConstraintViolation",
}
_V201: Final = _V16 | {
    Fault.FORMAT: "FormatViolation",
    Fault.MESSAGE_TYPE: "MessageTypeNotSupported",
    Fault.OCCURRENCE: "OccurrenceConstraintViolation",
    Fault.RPC: "RpcFrameworkError",
}
_CODES: Final = {Version.V16: _V16, Version.V201: _V201}


def code_of(version: Version, fault: Fault) -> str:
    """The errorCode that `version` uses for this fault."""
    return _CODES[version][fault]


def error_codes(version: Version) -> frozenset[str]:
    """Every errorCode that a CALLERROR of `version` may carry."""
    return frozenset(_CODES[version].values()) | {"ProtocolError"}
