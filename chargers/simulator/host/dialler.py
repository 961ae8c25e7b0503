"""How connections are made: name look-up, TCP, TLS, then the connection goes on by itself."""

import asyncio
import ssl
from typing import Final

from websockets.client import ClientProtocol
from websockets.exceptions import WebSocketException
from websockets.typing import Subprotocol
from websockets.uri import WebSocketURI, parse_uri

from chargers.simulator.host import reasons
from chargers.simulator.host.port import Listener
from chargers.simulator.host.resolver import Resolver
from chargers.simulator.host.timers import Timers
from chargers.simulator.host.transport import OPEN_TIMEOUT, Connection, wire_log

#: seconds for one address of a name that has several, so that a dead IPv6 route leaves time for IPv4
ADDRESS_TIMEOUT: Final = 5.0


class Dialler:
    """Dials for all sessions of a process; one TLS context, one resolver."""

    def __init__(self, loop: asyncio.AbstractEventLoop, timers: Timers) -> None:
        self._loop = loop
        self._timers = timers
        self._resolver = Resolver(loop)
        self._tls: ssl.SSLContext | None = None

    def __call__(self, address: str, subprotocol: str, listener: Listener) -> Connection:
        """Begin to dial and return at once (`port.Dial`)."""
        connection = Connection(listener, self._timers)
        connection.begin(self._loop.create_task(self._dial(connection, address, subprotocol)))
        return connection

    async def _dial(self, connection: Connection, address: str, subprotocol: str) -> None:
        host, port = address, 0
        try:
            uri = parse_uri(address)
            host, port = uri.host, uri.port
            await self._connect(connection, uri)
        except (OSError, ValueError, WebSocketException) as error:
            connection.fail(reasons.of_dial_error(error, host, port))
        else:
            offered = [Subprotocol(subprotocol)]
            connection.shake(ClientProtocol(uri, subprotocols=offered, max_size=None, logger=wire_log))

    async def _connect(self, connection: Connection, uri: WebSocketURI) -> None:
        addresses = await self._resolver.resolve(uri.host, uri.port)
        last = len(addresses) - 1
        for number, ip in enumerate(addresses):
            try:
                async with asyncio.timeout(OPEN_TIMEOUT if number == last else ADDRESS_TIMEOUT):
                    await self._loop.create_connection(
                        lambda: connection,
                        ip,
                        uri.port,
                        ssl=self._context() if uri.secure else None,
                        server_hostname=uri.host if uri.secure else None,
                    )
            except OSError:
                if number == last:
                    raise
            else:
                return

    def _context(self) -> ssl.SSLContext:
        """One context for all: loading the trusted certificates takes 20 ms and 500 KB. SSL_CERT_FILE adds a CA."""
        if self._tls is None:
            self._tls = ssl.create_default_context()
        return self._tls
