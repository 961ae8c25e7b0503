"""Why a connection could not be made or ended, in words that a person can act on."""

import errno
import socket
import ssl

from websockets.exceptions import InvalidHandshake, InvalidURI, NegotiationError, PayloadTooBig, ProtocolError
from websockets.frames import Close
from websockets.protocol import Protocol

from ocpplab.common.targets import TargetNotAllowed


def of_dial_error(error: BaseException, host: str, port: int) -> str:
    """Name what went wrong between looking up the name and the end of the TLS handshake."""
    where = f"{host}:{port}"
    match error:
        case TargetNotAllowed():
            return f"{error.code}: {error}"
        case ssl.SSLCertVerificationError():
            return f"TLS: certificate of {where} not accepted: {error.verify_message}"
        case ssl.SSLError():
            return f"TLS with {where} failed: {error.reason or error}"
        case socket.gaierror():
            return f"host not found: {host}"
        case ConnectionRefusedError():
            return f"connection refused by {where}"
        case ConnectionResetError() | ConnectionAbortedError() | BrokenPipeError():
            return f"connection reset by {where} before the handshake"
        case TimeoutError():
            return f"no connection to {where} in time"
        case InvalidURI() | ValueError():
            return f"not a WebSocket address: {error}"
        case OSError() if error.errno == errno.EMFILE:
            return "this simulator host has no file descriptor left"
        case OSError():
            return f"no connection to {where}: {(error.strerror or str(error)).lower()}"
        case _:
            return f"no connection to {where}: {error!r}"


def of_handshake(error: Exception) -> str:
    """Name what was wrong with the server's answer to the opening handshake (RFC 6455 section 4.1)."""
    match error:
        case NegotiationError():
            return f"the CSMS chose what was not offered: {error}"
        case InvalidHandshake():
            return f"no WebSocket at this address: {error}"
        case _:
            return f"no valid answer to the handshake: {error}"


def of_end(wire: Protocol, error: Exception | None) -> str:
    """Name why an open connection ended: the close frames, what the parser refused, or the socket's own error."""
    received, sent = wire.close_rcvd, wire.close_sent
    match wire.parser_exc:
        case PayloadTooBig():
            return "closed with 1009: the CSMS sent a message above 1 MiB"
        case ProtocolError() as broken:
            return f"closed with 1002: the CSMS broke the WebSocket protocol: {broken}"
        case _:
            pass
    if received is not None and wire.close_rcvd_then_sent:
        return f"closed by the CSMS: {_close(received)}"
    if sent is not None:
        return f"closed: {_close(sent)}"
    if error is None:
        return "the CSMS ended the connection without a close frame"
    if isinstance(error, ConnectionResetError):
        return "connection reset by the CSMS"
    return f"connection lost: {error}"


def _close(frame: Close) -> str:
    return "no code given" if frame.code == 1005 else str(frame)
