"""Which dialect speaks which version."""

from typing import Final

from chargers.protocol import Version

from .base import Dialect
from .v16 import V16
from .v201 import V201

DIALECTS: Final = {Version.V16: V16, Version.V201: V201}


def dialect_of(ocpp_version: str) -> Dialect:
    """The dialect of a version (`OCPP1.6`, `OCPP2.0.1`). Raises ValueError for any other."""
    return DIALECTS[Version(ocpp_version)]
