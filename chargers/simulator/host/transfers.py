"""Fetching and bringing files over HTTP, HTTPS and FTP, as a charger does: blocking code for a thread of its own.

The location comes from a CSMS, so nothing in it is trusted. The host is looked up once, its addresses are checked
against what the lab allows, and the connection goes to the address that was checked; a redirect is checked again.
"""

import base64
import contextlib
import ftplib
import hashlib
import http.client
import io
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Final
from urllib.parse import SplitResult, quote, unquote, urljoin, urlsplit

from chargers.simulator.effects import Transfer, Verdict
from ocpplab.common.targets import Targets

#: seconds without a sign of life, seconds for all of it, bytes of a file, redirects in a row
SILENCE: Final = 15.0
LONGEST: Final = 300.0
MAX_BYTES: Final = 256 * 2**20
MAX_REDIRECTS: Final = 5
_CHUNK: Final = 64 * 1024
_PORTS: Final = {"http": 80, "https": 443, "ftp": 21}
_SAFE: Final = "/%:@!$&'()*+,;=~-._"
_DENIED: Final = frozenset({401, 403, 407})
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_NO_SUCH_METHOD: Final = frozenset({404, 405, 501})
_NO_UPLOADS: Final = frozenset({405, 501})


class TransferError(Exception):
    """A transfer that came to nothing, and what that means for the charger."""

    def __init__(self, verdict: Verdict, why: str) -> None:
        super().__init__(why)
        self.verdict = verdict


@dataclass(slots=True)
class Errand:
    """One transfer under way. Its end can be brought about from another thread."""

    rules: Targets
    csms: str = ""  #: the host that the charger dials
    until: float = float("inf")
    given_up: threading.Event = field(default_factory=threading.Event)
    _socket: socket.socket | None = None

    def begin(self) -> None:
        """From now on the clock runs."""
        self.until = time.monotonic() + LONGEST

    def give_up(self) -> None:
        """End it now: whatever waits on its connection wakes up with an error."""
        self.given_up.set()
        connection = self._socket
        if connection is not None:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def check(self) -> None:
        """Raise TransferError when it was given up or took too long."""
        if self.given_up.is_set():
            raise TransferError(Verdict.FAILED, "given up")
        if time.monotonic() > self.until:
            raise TransferError(Verdict.FAILED, f"not done after {LONGEST:.0f} s")

    def connect(self, url: SplitResult) -> socket.socket:
        """A TCP connection to the host of a URL, if the rules allow it."""
        name, port = url.hostname or "", url.port or _PORTS[url.scheme]
        found = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        allowed = [one for one in addresses if self.rules.allows(name, one, port, csms=self.csms)]
        if not allowed:
            raise TransferError(Verdict.DENIED, self.rules.refusal(name, port, addresses[0]))
        for place, address in enumerate(allowed, 1):
            self.check()
            try:
                return self.hold(socket.create_connection((address, port), timeout=SILENCE))
            except OSError:
                if place == len(allowed):
                    raise
        raise AssertionError("there is at least one address")

    def hold(self, connection: socket.socket) -> socket.socket:
        """Know the connection that `give_up` is to end."""
        self._socket = connection
        if self.given_up.is_set():
            connection.close()
            self.check()
        return connection


def fetch(errand: Errand, location: str) -> Transfer:
    """Download a file, and keep its size and digest only. Never raises for anything that a server or a URL does."""
    return _settled(lambda: _fetch(errand, location))


def bring(errand: Errand, location: str, name: str, content: bytes) -> Transfer:
    """Upload a file into a directory. Never raises for anything that a server or a URL does."""
    return _settled(lambda: _bring(errand, location, name, content))


def _settled(work: Callable[[], Transfer]) -> Transfer:
    try:
        return work()
    except TransferError as error:
        return Transfer(error.verdict, why=str(error))
    except ftplib.error_perm as error:
        return Transfer(_ftp_verdict(str(error)), why=f"FTP: {error}"[:200])
    except (ftplib.error_temp, EOFError, OSError) as error:
        return Transfer(Verdict.FAILED, why=(str(error) or repr(error))[:200])
    except (http.client.HTTPException, ftplib.Error, ValueError) as error:
        return Transfer(Verdict.BAD, why=repr(error)[:200])


def _split(location: str) -> SplitResult:
    try:
        url = urlsplit(location.strip())
        _ = url.port  # raises ValueError for one out of range
    except ValueError:  # its message may quote a login
        raise TransferError(Verdict.BAD, "the location is no URL") from None
    if not url.scheme or not url.hostname:
        raise TransferError(Verdict.BAD, "the location is no URL with a host")
    if url.scheme not in _PORTS:
        raise TransferError(Verdict.UNSUPPORTED, f"{url.scheme} is not supported, {', '.join(sorted(_PORTS))} are")
    return url


def _fetch(errand: Errand, location: str) -> Transfer:
    url = _split(location)
    if url.scheme == "ftp":
        return _fetch_ftp(errand, url)
    for _ in range(MAX_REDIRECTS + 1):
        with _asked(errand, url, "GET") as answer:
            if answer.status in _REDIRECTS:
                url = _redirected(url, answer)
                continue
            if answer.status != 200:
                raise _http_error(answer)
            length = answer.headers.get("Content-Length", "")
            if length.isdecimal() and int(length) > MAX_BYTES:
                raise TransferError(Verdict.FAILED, f"the file is bigger than {MAX_BYTES} bytes")
            sink = _Sink(errand)
            while chunk := answer.read1(_CHUNK):
                sink.take(chunk)
            if answer.length:  # http.client reports a connection that was cut by an end of the file
                raise TransferError(Verdict.FAILED, f"cut off {answer.length} bytes before the end")
            return sink.done()
    raise TransferError(Verdict.FAILED, f"more than {MAX_REDIRECTS} redirects")


def _bring(errand: Errand, location: str, name: str, content: bytes) -> Transfer:
    """By PUT to a file in the directory; where the server has no PUT or no such place, by POST to the location."""
    url = _split(location)
    if url.scheme == "ftp":
        return _bring_ftp(errand, url, name, content)
    file = url._replace(path=f"{url.path.rstrip('/')}/{name}")
    status = 0
    for method, first in (("PUT", file), ("POST", url)):
        target = first
        for _ in range(MAX_REDIRECTS + 1):
            with _asked(errand, target, method, content, name) as answer:
                status = answer.status
                if status in {307, 308}:
                    target = _redirected(target, answer)
                    continue
                if 200 <= status < 300:
                    return Transfer(Verdict.DONE, len(content))
                if status not in _NO_SUCH_METHOD:
                    raise _http_error(answer)
                break
    if status in _NO_UPLOADS:
        raise TransferError(Verdict.UNSUPPORTED, f"HTTP {status}: the server takes no uploads")
    raise TransferError(Verdict.FAILED, f"HTTP {status}")


class _Sink:
    """Where a download goes."""

    def __init__(self, errand: Errand) -> None:
        self._errand = errand
        self._digest = hashlib.sha256()
        self._size = 0

    def take(self, chunk: bytes) -> None:
        self._errand.check()
        self._size += len(chunk)
        if self._size > MAX_BYTES:
            raise TransferError(Verdict.FAILED, f"the file is bigger than {MAX_BYTES} bytes")
        self._digest.update(chunk)

    def done(self) -> Transfer:
        self._errand.check()
        return Transfer(Verdict.DONE, self._size, self._digest.hexdigest())


# HTTP


@contextlib.contextmanager
def _asked(
    errand: Errand, url: SplitResult, method: str, body: bytes | None = None, name: str = ""
) -> Iterator[http.client.HTTPResponse]:
    connection = http.client.HTTPConnection(url.hostname or "", url.port or _PORTS[url.scheme], timeout=SILENCE)
    try:
        connection.sock = errand.connect(url)
        if url.scheme == "https":
            connection.sock = errand.hold(_tls().wrap_socket(connection.sock, server_hostname=url.hostname))
        path = quote(url.path or "/", safe=_SAFE)
        query = f"?{quote(url.query, safe=_SAFE + '?')}" if url.query else ""
        connection.request(method, path + query, body=body, headers=_headers(url, name))
        yield connection.getresponse()
    finally:
        connection.close()


def _headers(url: SplitResult, name: str) -> dict[str, str]:
    headers = {"Host": url.netloc.rpartition("@")[2], "User-Agent": "charger", "Accept-Encoding": "identity"}
    headers["Connection"] = "close"
    if name:
        headers |= {"Content-Type": "text/plain", "Content-Disposition": f'attachment; filename="{name}"'}
    if url.username:
        login = f"{unquote(url.username)}:{unquote(url.password or '')}"
        headers["Authorization"] = "Basic " + base64.b64encode(login.encode()).decode()
    return headers


def _redirected(url: SplitResult, answer: http.client.HTTPResponse) -> SplitResult:
    to = _split(urljoin(url.geturl(), answer.headers.get("Location", "")))
    if to.scheme == "ftp":
        raise TransferError(Verdict.UNSUPPORTED, "a redirect from HTTP to FTP")
    return to


def _http_error(answer: http.client.HTTPResponse) -> TransferError:
    verdict = Verdict.DENIED if answer.status in _DENIED else Verdict.FAILED
    return TransferError(verdict, f"HTTP {answer.status} {answer.reason}"[:200])


@cache
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()


# FTP


class _Ftp(ftplib.FTP):
    """ftplib on a connection that was checked; its data connections go to the same address (passive mode)."""

    def __init__(self, errand: Errand, url: SplitResult) -> None:
        super().__init__(timeout=SILENCE)
        connection = errand.connect(url)
        self.host = str(connection.getpeername()[0])
        self.port = int(connection.getpeername()[1])
        self.sock = connection
        self.af = connection.family
        self.file = connection.makefile("r", encoding=self.encoding)
        try:
            self.welcome = self.getresp()
            self.login(unquote(url.username or "anonymous"), unquote(url.password or "charger@"))
        except BaseException:
            self.close()
            raise


def _fetch_ftp(errand: Errand, url: SplitResult) -> Transfer:
    with contextlib.closing(_Ftp(errand, url)) as ftp:
        sink = _Sink(errand)
        ftp.retrbinary(f"RETR {_ftp_path(url)}", sink.take, blocksize=_CHUNK)
        return sink.done()


def _bring_ftp(errand: Errand, url: SplitResult, name: str, content: bytes) -> Transfer:
    with contextlib.closing(_Ftp(errand, url)) as ftp:
        folder = _ftp_path(url).rstrip("/")
        target = f"{folder}/{name}" if folder else name
        try:
            ftp.storbinary(f"STOR {target}", io.BytesIO(content), blocksize=_CHUNK, callback=lambda _: errand.check())
        except ftplib.error_perm as error:
            # 550 and 553 to STOR are about rights or names; to RETR, 550 is a file that is not there.
            raise TransferError(_ftp_verdict(str(error), upload=True), f"FTP: {error}"[:200]) from error
        return Transfer(Verdict.DONE, len(content))


def _ftp_path(url: SplitResult) -> str:
    return unquote(url.path).lstrip("/")


def _ftp_verdict(answer: str, *, upload: bool = False) -> Verdict:
    code = answer[:3]
    if code in {"500", "501", "502", "504"}:
        return Verdict.UNSUPPORTED
    return Verdict.DENIED if code in {"530", "532"} or (upload and code in {"550", "553"}) else Verdict.FAILED
