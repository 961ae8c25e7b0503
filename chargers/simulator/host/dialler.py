"""How connections are made: name look-up, TCP, TLS, then the connection goes on by itself."""

import asyncio
import os
import ssl
from functools import lru_cache
from typing import Final

from chargers.simulator.effects import Credentials
from chargers.simulator.host import handshake, reasons
from chargers.simulator.host.doors import AT_ONCE, Doors
from chargers.simulator.host.handshake import Opening, Origin
from chargers.simulator.host.port import Listener
from chargers.simulator.host.resolver import Resolver
from chargers.simulator.host.timers import Timers
from chargers.simulator.host.transport import Connection
from ocpplab.common.targets import TargetNotAllowed, Targets

#: seconds for one address of a name that has several, so that a dead IPv6 route leaves time for IPv4
ADDRESS_TIMEOUT: Final = 5.0


class Dialler:
    """Dials for all sessions of a process; one TLS context, one resolver, one door for each CSMS.

    A name is looked up, and what it leads to is checked: the address that is dialled is the one that was allowed.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, timers: Timers, targets: Targets, *, at_once: int = AT_ONCE
    ) -> None:
        """`at_once` is how many dials to one CSMS may be under way."""
        self._loop = loop
        self._timers = timers
        self._targets = targets
        self._allows = lru_cache(maxsize=1024)(targets.allows)  # always the same answer, and 20 µs to find it
        self._doors = Doors(at_once)
        self._resolver = Resolver(loop)
        self._tls: ssl.SSLContext | None = None

    def __call__(
        self, address: str, subprotocol: str, listener: Listener, credentials: Credentials | None = None
    ) -> Connection:
        """Begin to dial, or wait for the turn to, and return at once (`port.Dial`)."""
        credentials = credentials or Credentials()
        if credentials.tls and address.startswith("ws:"):
            address = f"wss:{address.removeprefix('ws:')}"
        try:
            origin, resource = handshake.split(address)
        except ValueError as error:
            connection = Connection(listener, self._timers)
            connection.abort(reasons.of_dial_error(error, address, 0))
            return connection
        # A login in the address is for those who have no password of their own.
        opening = Opening(origin.header, resource, subprotocol, credentials.authorization or origin.authorization)
        connection = Connection(listener, self._timers, opening)
        door = self._doors.of(origin.host, origin.port)

        def go() -> bool:
            if not connection.waits:
                return False
            connection.begin(self._loop.create_task(self._dial(connection, origin, credentials)), door)
            return True

        door.enter(go)
        return connection

    async def _dial(self, connection: Connection, origin: Origin, credentials: Credentials) -> None:
        try:
            tls = self._context(credentials) if origin.secure else None
            addresses = await self._addresses(origin)
            for ip in addresses[:-1]:
                if await self._reached(connection, origin, ip, tls):
                    return
            await self._connect(connection, origin, addresses[-1], tls)
        except (OSError, ValueError) as error:
            connection.fail(reasons.of_dial_error(error, origin.host, origin.port))

    async def _addresses(self, origin: Origin) -> list[str]:
        """The addresses of a CSMS that may be dialled, at least one."""
        host, port = origin.host, origin.port
        found = self._resolver.known(host) or await self._resolver.resolve(host, port)
        addresses = [ip for ip in found if self._allows(host, ip, port)]
        if not addresses:
            raise TargetNotAllowed(self._targets.refusal(host, port, found[0]))
        return addresses

    async def _reached(self, connection: Connection, origin: Origin, ip: str, tls: ssl.SSLContext | None) -> bool:
        """Try one of several addresses. The time for the last one is the connection's own."""
        try:
            async with asyncio.timeout(ADDRESS_TIMEOUT):
                await self._connect(connection, origin, ip, tls)
        except OSError:
            if connection.dialling:
                return False
            raise
        return True

    async def _connect(self, connection: Connection, origin: Origin, ip: str, tls: ssl.SSLContext | None) -> None:
        name = origin.host if tls is not None else None
        await self._loop.create_connection(lambda: connection, ip, origin.port, ssl=tls, server_hostname=name)

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
