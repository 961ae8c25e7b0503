"""The OCPP versions that this project speaks, and how each is named on the wire."""

from enum import StrEnum


class Version(StrEnum):
    """An OCPP version; the value is the name that the API and the database use."""

    V16 = "OCPP1.6"
    V201 = "OCPP2.0.1"

    @property
    def subprotocol(self) -> str:
        """The WebSocket subprotocol of this version, as IANA registers it (`ocpp1.6`, `ocpp2.0.1`)."""
        return self.value.lower()

    @classmethod
    def of_subprotocol(cls, name: str) -> "Version | None":
        """The version that a WebSocket subprotocol names, or None when we do not speak it."""
        return _BY_SUBPROTOCOL.get(name)


_BY_SUBPROTOCOL = {version.subprotocol: version for version in Version}
