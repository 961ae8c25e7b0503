"""How connections are made: name look-up, TCP, TLS, then the connection goes on by itself."""

import asyncio
import os
import ssl
from functools import lru_cache
from typing import Final

from websockets.client import ClientProtocol
from websockets.exceptions import WebSocketException
from websockets.typing import Subprotocol
from websockets.uri import WebSocketURI, parse_uri

from chargers.simulator.effects import Credentials
from chargers.simulator.host import reasons
from chargers.simulator.host.port import Listener
from chargers.simulator.host.resolver import Resolver
from chargers.simulator.host.timers import Timers
from chargers.simulator.host.transport import OPEN_TIMEOUT, Connection, wire_log
from ocpplab.common.targets import TargetNotAllowed, Targets

#: seconds for one address of a name that has several, so that a dead IPv6 route leaves time for IPv4
ADDRESS_TIMEOUT: Final = 5.0


class Dialler:
    """Dials for all sessions of a process; one TLS context, one resolver.

    A name is looked up, and what it leads to is checked: the address that is dialled is the one that was allowed.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, timers: Timers, targets: Targets) -> None:
        self._loop = loop
        self._timers = timers
        self._targets = targets
        self._resolver = Resolver(loop)
        self._tls: ssl.SSLContext | None = None

    def __call__(
        self, address: str, subprotocol: str, listener: Listener, credentials: Credentials | None = None
    ) -> Connection:
        """Begin to dial and return at once (`port.Dial`)."""
        connection = Connection(listener, self._timers)
        credentials = credentials or Credentials()
        connection.begin(self._loop.create_task(self._dial(connection, address, subprotocol, credentials)))
        return connection

    async def _dial(self, connection: Connection, address: str, subprotocol: str, credentials: Credentials) -> None:
        host, port = address, 0
        try:
            if credentials.tls and address.startswith("ws:"):
                address = f"wss:{address.removeprefix('ws:')}"
            uri = parse_uri(address)
            host, port = uri.host, uri.port
            await self._connect(connection, uri, credentials)
        except (OSError, ValueError, WebSocketException) as error:
            connection.fail(reasons.of_dial_error(error, host, port))
        else:
            offered = [Subprotocol(subprotocol)]
            client = ClientProtocol(uri, subprotocols=offered, max_size=None, logger=wire_log)
            connection.shake(client, credentials.authorization)

    async def _connect(self, connection: Connection, uri: WebSocketURI, credentials: Credentials) -> None:
        found = await self._resolver.resolve(uri.host, uri.port)
        addresses = [ip for ip in found if self._targets.allows(uri.host, ip, uri.port)]
        if not addresses:
            raise TargetNotAllowed(self._targets.refusal(uri.host, uri.port, found[0]))
        last = len(addresses) - 1
        tls = self._context(credentials) if uri.secure else None
        for number, ip in enumerate(addresses):
            try:
                async with asyncio.timeout(OPEN_TIMEOUT if number == last else ADDRESS_TIMEOUT):
                    await self._loop.create_connection(
                        lambda: connection,
                        ip,
                        uri.port,
                        ssl=tls,
                        server_hostname=uri.host if uri.secure else None,
                    )
            except OSError:
                if number == last:
                    raise
            else:
                return

    def _context(self, credentials: Credentials) -> ssl.SSLContext:
        """One context for all: loading the trusted certificates takes 20 ms and 500 KB. SSL_CERT_FILE adds a CA.

        A charger with security profile 2 or 3 trusts its own roots only (A00.FR.309 "CPO root"); one with a
        certificate of its own has a context of its own.
        """
        if credentials.certificate:
            return _own_context(credentials)
        if credentials.tls:
            return _rooted_context(credentials.roots)
        if self._tls is None:
            self._tls = ssl.create_default_context()
        return self._tls


@lru_cache(maxsize=64)
def _rooted_context(roots: tuple[str, ...]) -> ssl.SSLContext:
    return _new_context(roots)


def _new_context(roots: tuple[str, ...]) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if roots:
        context.load_verify_locations(cadata="\n".join(roots))
    return context


def _own_context(credentials: Credentials) -> ssl.SSLContext:
    context = _new_context(credentials.roots)
    # The ssl module takes keys from files only: one that is in memory and never on a disk.
    handle = os.memfd_create("credentials")
    try:
        os.write(handle, f"{credentials.key}\n{credentials.certificate}".encode())
        context.load_cert_chain(f"/proc/self/fd/{handle}")
    finally:
        os.close(handle)
    return context
