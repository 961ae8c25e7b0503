"""The narrow port between a runner and whatever WebSocket engine carries its session."""

from typing import Protocol

from chargers.simulator.effects import Credentials


class Link(Protocol):
    """One connection, from the moment that it is dialled until its listener was told `closed`."""

    def send(self, *texts: str) -> None:
        """Put text frames on the wire, with one call to the system; does nothing when the connection is not open."""

    def close(self, code: int, reason: str) -> None:
        """Close with a WebSocket close code; cut off when the peer does not follow in time."""

    def abort(self, why: str) -> None:
        """Cut the connection off, or stop dialling, now. The listener hears `closed` with `why`."""

    def set_ping(self, interval: int) -> None:
        """Send WebSocket pings every `interval` seconds from now on (0: none). A missing pong ends the connection."""


class Listener(Protocol):
    """Who hears of a connection. No method may raise. `closed` comes exactly once, also for a failed dial."""

    def opened(self, link: Link, subprotocol: str | None) -> None:
        """The handshake is done; `subprotocol` is what the server chose, None when it chose none."""

    def received(self, link: Link, text: str) -> None:
        """One whole text message."""

    def refused(self, link: Link, reason: str) -> None:
        """A whole message that is no text arrived and was dropped."""

    def closed(self, link: Link, why: str) -> None:
        """The connection is over or never came to be; `why` is a sentence for a person."""


class Dial(Protocol):
    """How a connection is made."""

    def __call__(
        self, address: str, subprotocol: str, listener: Listener, credentials: Credentials | None = None
    ) -> Link:
        """Begin to dial `address` (`ws://` or `wss://`) and return at once."""
