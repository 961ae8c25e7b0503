"""Kinds of reasons: a sentence for a person names host and port, a metric must not."""

import re
from functools import lru_cache
from typing import Final

OTHER: Final = "other"

#: kind and how the sentences of it begin, or what they say; the first that fits
_KINDS: Final = (
    ("target", r"target_"),
    ("name", r"host not found"),
    ("refused", r"connection refused"),
    ("tls", r"TLS"),
    ("timeout", r"no connection to .* in time|no connection within|handshake timed out"),
    ("address", r"not a WebSocket address"),
    ("descriptors", r"this simulator host has no file descriptor"),
    ("http", r"HTTP "),
    ("handshake", r".*\bhandshake\b|no WebSocket at|the CSMS chose"),
    ("protocol", r"closed with 10"),
    ("csms", r"closed by the CSMS|the CSMS ended the connection"),
    ("silent", r"the CSMS (does not read|has not read|did not answer)"),
    ("broken", r"connection (reset|lost)|no connection to"),
    ("ours", r"closed\b|stopped|.*\bhost was stopped|internal error"),
    ("lease", r"no beat|others declared|the lease was lost|claimed anew|its row is not live"),
)


@lru_cache(maxsize=1024)
def kind_of(why: str) -> str:
    """The kind of a reason that a connection was not made or ended for; `other` for one that has none."""
    return next((kind for kind, beginning in _KINDS if re.match(beginning, why)), OTHER)


KINDS: Final = (*(kind for kind, _ in _KINDS), OTHER)
