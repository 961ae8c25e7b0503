"""Why a connection could not be made or ended, in words that a person can act on."""

import errno
import socket
import ssl
from typing import Final

from chargers.simulator.host.frames import NO_CODE, PROTOCOL_ERROR
from ocpplab.common.targets import TargetNotAllowed

#: RFC 6455 section 7.4.1 and the registry that it opens
CLOSE_CODES: Final = {
    1000: "OK",
    1001: "going away",
    1002: "protocol error",
    1003: "unsupported data",
    1007: "invalid frame payload data",
    1008: "policy violation",
    1009: "message too big",
    1010: "mandatory extension",
    1011: "internal error",
    1012: "service restart",
    1013: "try again later",
    1014: "bad gateway",
}


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
        case ValueError():
            return f"not a WebSocket address: {error}"
        case OSError() if error.errno == errno.EMFILE:
            return "this simulator host has no file descriptor left"
        case OSError():
            return f"no connection to {where}: {(error.strerror or str(error)).lower()}"
        case _:
            return f"no connection to {where}: {error!r}"


def of_loss(error: Exception | None) -> str:
    """Name why an open connection ended without a closing handshake."""
    if error is None:
        return "the CSMS ended the connection without a close frame"
    if isinstance(error, ConnectionResetError):
        return "connection reset by the CSMS"
    return f"connection lost: {error}"


def of_breach(code: int, why: str) -> str:
    """Name how the CSMS broke the rules of WebSocket, so that we closed with `code`."""
    return f"the CSMS broke the WebSocket protocol: {why}" if code == PROTOCOL_ERROR else f"the CSMS sent {why}"


def of_close(code: int, reason: str) -> str:
    """Name what a close frame says (RFC 6455 section 7.4)."""
    if code == NO_CODE:
        return "no code given"
    if code >= 4000:
        meaning = "private use"
    elif code >= 3000:
        meaning = "registered"
    else:
        meaning = CLOSE_CODES.get(code, "unknown")
    return f"{code} ({meaning}) {reason}".rstrip()
