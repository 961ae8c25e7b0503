"""The opening handshake of a client (RFC 6455 sections 3, 4.1 and 4.2.2). Bytes in, bytes and a verdict out; no I/O."""

import os
import re
from base64 import b64encode
from functools import lru_cache
from hashlib import sha1
from ipaddress import IPv6Address
from typing import Final, NamedTuple
from urllib.parse import quote, unquote, urlsplit

#: bytes of the server's answer, headers only
MAX_HEAD: Final = 16 * 1024

_GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_ADDRESS: Final = re.compile(r"([^/?#]*//[^/?#]*)([^#]*)(#.*)?", re.DOTALL)
#: what may stand in a path or a query besides letters and digits (RFC 3986 section 3.3)
_DELIMITERS: Final = "%/?:@!$&'()*+,;=-._~"
_TOKEN: Final = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")


class NoHandshakeError(Exception):
    """The server's answer opens no WebSocket; the message says why, to a person."""


class Origin(NamedTuple):
    """Where a server is, without the path. `authorization` is from a login in the address ("" for none)."""

    secure: bool
    host: str
    port: int
    header: str  #: value of the Host header
    authorization: str


class Accepted(NamedTuple):
    """A good answer: the chosen subprotocol (None for none), and the bytes after it, the first frames."""

    subprotocol: str | None
    rest: bytes


def split(address: str) -> tuple[Origin, str]:
    """Take a `ws:` or `wss:` address (section 3) apart into where the server is and what is asked for there.

    Raises ValueError.
    """
    match = _ADDRESS.fullmatch(address)
    if match is None:
        raise ValueError("it does not begin with ws:// or wss://")
    base, resource, fragment = match.groups()
    if fragment is not None:
        raise ValueError("it must not have a fragment (#)")
    return _origin(base), quote(resource if resource.startswith("/") else f"/{resource}", safe=_DELIMITERS)


@lru_cache(maxsize=256)
def _origin(base: str) -> Origin:
    """One answer for all chargers of a CSMS."""
    parts = urlsplit(base)
    if parts.scheme not in {"ws", "wss"}:
        raise ValueError("it does not begin with ws:// or wss://")
    if not parts.hostname:
        raise ValueError("it names no host")
    secure = parts.scheme == "wss"
    standard = 443 if secure else 80
    host, port = parts.hostname.encode("idna").decode() if not parts.hostname.isascii() else parts.hostname, parts.port
    if any(not "!" <= character <= "~" for character in host):
        raise ValueError("its host has characters that no name has")
    header = f"[{IPv6Address(host)}]" if ":" in host else host
    if port not in {None, standard}:
        header = f"{header}:{port}"
    return Origin(secure, host, port or standard, header, _login(parts.username, parts.password))


def _login(username: str | None, password: str | None) -> str:
    if username is None:
        return ""
    if password is None:
        raise ValueError("it has a user and no password")
    return "Basic " + b64encode(f"{unquote(username)}:{unquote(password)}".encode()).decode()


class Opening:
    """One opening handshake: what to send, and what the answer says."""

    __slots__ = ("_head", "_key", "_subprotocol", "request")

    def __init__(self, host: str, resource: str, subprotocol: str, authorization: str = "") -> None:
        """`host` and `authorization` are values of these headers."""
        self._key = b64encode(os.urandom(16))
        self._subprotocol = subprotocol
        self._head = b""
        lines = [
            f"GET {resource} HTTP/1.1",
            f"Host: {host}",
            "Upgrade: websocket",
            "Connection: Upgrade",
            f"Sec-WebSocket-Key: {self._key.decode()}",
            "Sec-WebSocket-Version: 13",
            f"Sec-WebSocket-Protocol: {subprotocol}",
        ]
        if authorization:
            lines.append(f"Authorization: {authorization}")
        #: the bytes to send first
        self.request = "\r\n".join([*lines, "", ""]).encode()

    def feed(self, data: bytes | bytearray) -> Accepted | None:
        """Take a piece of the answer; None while it is not whole. Raises NoHandshakeError."""
        self._head = head = self._head + data
        end = head.find(b"\r\n\r\n", 0, MAX_HEAD)
        if not head.startswith(b"HTTP/"[: len(head)]):
            raise NoHandshakeError("the answer to the handshake is not HTTP")
        if end < 0:
            if len(head) > MAX_HEAD:
                raise NoHandshakeError("the answer to the handshake is too long")
            return None
        return Accepted(self._verdict(head[:end]), head[end + 4 :])

    def _verdict(self, head: bytes) -> str | None:
        """Check the answer (section 4.1 on the server's response) and return the chosen subprotocol."""
        first, *lines = head.split(b"\r\n")
        version, _, status = first.partition(b" ")
        if not (status == b"101" or status.startswith(b"101 ")):
            # Its body, which may never end, does not matter.
            raise NoHandshakeError(f"HTTP {status.decode('ascii', 'replace')}")
        if version != b"HTTP/1.1":
            raise NoHandshakeError("no WebSocket at this address: the answer to the handshake is not HTTP/1.1")
        headers = _headers(lines)
        if headers.get("upgrade", "").lower() != "websocket":
            raise NoHandshakeError("no WebSocket at this address: invalid Upgrade header")
        if "upgrade" not in _tokens(headers.get("connection", "").lower()):
            raise NoHandshakeError("no WebSocket at this address: invalid Connection header")
        if headers.get("sec-websocket-accept", "") != accept_of(self._key):
            raise NoHandshakeError("no WebSocket at this address: invalid Sec-WebSocket-Accept header")
        if headers.get("sec-websocket-extensions"):
            raise NoHandshakeError(
                f"the CSMS chose what was not offered: extension: {headers['sec-websocket-extensions']}"
            )
        chosen = headers.get("sec-websocket-protocol")
        if chosen not in {None, self._subprotocol}:
            raise NoHandshakeError(f"the CSMS chose what was not offered: unsupported subprotocol: {chosen}")
        return chosen


def accept_of(key: bytes) -> str:
    """What a server must put into Sec-WebSocket-Accept for that Sec-WebSocket-Key (section 4.2.2, 5.4)."""
    return b64encode(sha1(key + _GUID, usedforsecurity=False).digest()).decode()


def _headers(lines: list[bytes]) -> dict[str, str]:
    """Names in lower case and their values; several of one name are one list (RFC 9110 section 5.3)."""
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(b":")
        if not colon or _TOKEN.fullmatch(name) is None:
            raise NoHandshakeError("no valid answer to the handshake: a line of it is no header")
        key, text = name.decode().lower(), value.strip(b" \t").decode("latin-1")
        headers[key] = f"{headers[key]}, {text}" if key in headers else text
    return headers


def _tokens(value: str) -> set[str]:
    return {token.strip() for token in value.split(",")}
