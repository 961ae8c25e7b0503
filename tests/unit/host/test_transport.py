"""One WebSocket connection against servers that do everything wrong."""

import asyncio
import socket
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from chargers.simulator.host import dialler as dialling
from chargers.simulator.host import transport
from chargers.simulator.host.dialler import Dialler
from chargers.simulator.host.doors import Door
from chargers.simulator.host.port import Link
from chargers.simulator.host.timers import Timers
from chargers.simulator.host.transport import Connection
from ocpplab.common.targets import Targets
from tests.support.bad_csms import BadCsms

ANYWHERE = Targets("CSMS_TARGETS", ["*"])


class Ear:
    """A listener that keeps what it hears and may act on it."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, Any]] = []
        self.changed = asyncio.Event()
        self.on_open: Callable[[Link], None] = lambda link: None

    def _hear(self, what: str, value: Any) -> None:
        self.heard.append((what, value))
        self.changed.set()

    def opened(self, link: Link, subprotocol: str | None) -> None:
        self._hear("opened", subprotocol)
        self.on_open(link)

    def received(self, link: Link, text: str) -> None:
        self._hear("text", text)

    def refused(self, link: Link, reason: str) -> None:
        self._hear("refused", reason)

    def closed(self, link: Link, why: str) -> None:
        self._hear("closed", why)

    def all(self, what: str) -> list[Any]:
        return [value for name, value in self.heard if name == what]

    async def until(self, what: str, count: int = 1, timeout: float = 10.0) -> Any:
        async with asyncio.timeout(timeout):
            while len(self.all(what)) < count:
                self.changed.clear()
                await self.changed.wait()
        return self.all(what)[-1]


def dial(address: str, ear: Ear, subprotocol: str = "ocpp1.6") -> Link:
    loop = asyncio.get_running_loop()
    return Dialler(loop, Timers(loop), ANYWHERE)(address, subprotocol, ear)


async def ending(address: str, **settings: Any) -> str:
    """Dial, wait for the end, and return the reason given."""
    ear = Ear()
    dial(address, ear, **settings)
    why = await ear.until("closed")
    await asyncio.sleep(0.05)
    assert len(ear.all("closed")) == 1
    assert "\n" not in why
    return str(why)


def test_a_bug_in_a_dial_ends_that_dial_and_gives_its_place_to_another(run):
    async def scenario() -> None:
        async def broken() -> None:
            raise RuntimeError("a bug")

        ear, door, loop = Ear(), Door(1), asyncio.get_running_loop()
        connection = Connection(ear, Timers(loop))
        door.enter(lambda: True)
        connection.begin(loop.create_task(broken()), door)
        assert await ear.until("closed") == "dialling failed: RuntimeError('a bug')"
        assert door.idle

    run(scenario())


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_it_opens_talks_and_closes_cleanly(csms, run):
    async def scenario():
        ear = Ear()
        link = dial(csms.url("good") + "/clean", ear)
        assert await ear.until("opened") == "ocpp1.6"
        link.send('[2,"1","Heartbeat",{}]')
        assert '"currentTime"' in await ear.until("text")
        link.close(1000, "bye")
        assert await ear.until("closed") == "closed: 1000 (OK) bye"

    run(scenario())


def test_the_identity_may_hold_anything_that_was_percent_encoded(csms, run):
    async def scenario():
        ear = Ear()
        link = dial(csms.url("good") + "/A%20%2F%C3%A9%23%3F", ear)
        await ear.until("opened")
        assert csms.opened["A /é#?"] == 1
        link.close(1000, "")
        await ear.until("closed")

    run(scenario())


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [
        ("http_401", "HTTP 401 Unauthorized"),
        ("http_500", "HTTP 500 Internal Server Error"),
        ("not_http", "the answer to the handshake is not HTTP"),
        ("endless_head", "the answer to the handshake is too long"),
        ("wrong_accept", "no WebSocket at this address: invalid Sec-WebSocket-Accept header"),
        ("closes_in_handshake", "connection closed by the CSMS before it answered the handshake"),
        ("other_subprotocol", "the CSMS chose what was not offered: unsupported subprotocol: mqtt"),
        ("closes_at_once", "closed by the CSMS: 1008 (policy violation) not today"),
        ("giant", "closed with 1009: the CSMS sent a message above 1 MiB"),
        ("not_utf8", "closed with 1007: the CSMS sent text that is not UTF-8"),
        ("reserved_bits", "closed with 1002: the CSMS broke the WebSocket protocol: reserved bits must be 0"),
    ],
)
def test_it_says_what_was_wrong_with_the_server(csms, run, behaviour, reason):
    assert run(ending(f"{csms.url(behaviour)}/x")).startswith(reason)


def test_a_reset_after_the_handshake_is_reported(csms, run):
    why = run(ending(f"{csms.url('resets_at_once')}/x"))
    assert why in {"connection reset by the CSMS", "the CSMS ended the connection without a close frame"}


def test_a_refused_connection_is_reported(run):
    port = free_port()
    assert run(ending(f"ws://127.0.0.1:{port}/x")) == f"connection refused by 127.0.0.1:{port}"


def test_an_unknown_host_is_reported(run):
    assert run(ending("ws://no-such-host.invalid/x")) == "host not found: no-such-host.invalid"


@pytest.mark.parametrize("address", ["http://127.0.0.1/x", "ws:///x", "ws://127.0.0.1:99999/x", "nonsense"])
def test_what_is_no_address_is_reported(run, address):
    assert run(ending(address)).startswith("not a WebSocket address: ")


def test_a_server_that_never_answers_the_handshake_is_given_up(csms, run, monkeypatch):
    monkeypatch.setattr(transport, "OPEN_TIMEOUT", 0.3)
    why = run(ending(f"{csms.url('silent')}/x"))
    assert why.startswith("handshake timed out: the CSMS did not answer within")


def test_a_server_that_does_not_accept_tcp_is_given_up(run, monkeypatch):
    monkeypatch.setattr(transport, "OPEN_TIMEOUT", 0.3)
    with socket.socket() as full, socket.socket() as first, socket.socket() as second:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for filler in (first, second):
            filler.setblocking(False)
            filler.connect_ex(full.getsockname())
        assert run(ending(f"ws://127.0.0.1:{full.getsockname()[1]}/x")).startswith("no connection within")


def test_a_binary_message_is_refused_and_the_connection_lives(csms, run):
    async def scenario():
        ear = Ear()
        link = dial(csms.url("binary") + "/b", ear)
        assert await ear.until("refused") == "a binary message of 256 bytes"
        link.send('[2,"1","Heartbeat",{}]')
        await ear.until("text")
        link.close(1000, "")
        await ear.until("closed")

    run(scenario())


def test_a_giant_message_is_reported_before_the_end(csms, run):
    async def scenario():
        ear = Ear()
        dial(csms.url("giant") + "/g", ear)
        await ear.until("closed")
        assert ear.all("refused") == ["a message above 1 MiB"]

    run(scenario())


def test_messages_that_are_sent_together_arrive_as_they_were(csms, run):
    async def scenario():
        ear = Ear()
        link = dial(csms.url("good") + "/together", ear)
        await ear.until("opened")
        data = f'[2,"2","DataTransfer",{{"vendorId":"{"ö" * 200}"}}]'
        link.send('[2,"1","Heartbeat",{}]', data, '[2,"3","Heartbeat",{}]')
        link.send()
        await ear.until("text", 3)
        said = csms.received["together"]
        assert [message[1:3] for message in said] == [["1", "Heartbeat"], ["2", "DataTransfer"], ["3", "Heartbeat"]]
        assert said[1][3] == {"vendorId": "ö" * 200}
        link.close(1000, "")
        await ear.until("closed")

    run(scenario())


def test_fragments_with_pings_between_them_become_one_message(csms, run):
    async def scenario():
        ear = Ear()
        link = dial(csms.url("fragments") + "/f", ear)
        await ear.until("opened")
        link.send('[2,"äö","BootNotification",{}]')
        assert '"äö"' in await ear.until("text")
        assert len(ear.all("text")) == 1
        link.close(1000, "")
        await ear.until("closed")

    run(scenario())


def test_a_server_that_never_answers_the_close_is_cut_off(csms, run, monkeypatch):
    monkeypatch.setattr(transport, "CLOSE_TIMEOUT", 0.2)

    async def scenario():
        ear = Ear()
        link = dial(csms.url("never_closes") + "/n", ear)
        await ear.until("opened")
        link.close(1000, "bye")
        link.send("too late")
        assert await ear.until("closed") == "closed: 1000 (OK) bye"

    run(scenario())


def test_a_missing_pong_ends_the_connection(csms, run, monkeypatch):
    monkeypatch.setattr(transport, "PONG_TIMEOUT", 0.2)

    async def scenario():
        ear = Ear()
        dead, good = dial(csms.url("never_closes") + "/p1", ear), Ear()
        link = dial(csms.url("good") + "/p2", good)
        await ear.until("opened")
        await good.until("opened")
        dead.set_ping(1)
        link.set_ping(1)
        assert (await ear.until("closed")).startswith("the CSMS did not answer a WebSocket ping")
        await asyncio.sleep(1.2)
        assert not good.all("closed")
        link.close(1000, "")
        await good.until("closed")

    run(scenario())


def test_pings_can_be_switched_off(csms, run, monkeypatch):
    monkeypatch.setattr(transport, "PONG_TIMEOUT", 0.1)

    async def scenario():
        ear = Ear()
        link = dial(csms.url("never_closes") + "/off", ear)
        await ear.until("opened")
        link.set_ping(1)
        link.set_ping(0)
        await asyncio.sleep(1.4)
        assert not ear.all("closed")
        link.abort("enough")
        assert await ear.until("closed") == "enough"

    run(scenario())


def test_a_peer_that_stops_reading_is_cut_off_by_the_clock(csms, run, monkeypatch):
    monkeypatch.setattr(transport, "STALLED_AFTER", 0.3)
    why = run(_flood(csms, 300_000, 20))
    assert why.startswith("the CSMS has not read anything for")


def test_a_peer_that_stops_reading_is_cut_off_by_the_amount(csms, run):
    why = run(_flood(csms, 900_000, 40))
    assert why.startswith("the CSMS does not read: ")


async def _flood(csms: BadCsms, size: int, most: int) -> str:
    ear = Ear()
    link = dial(csms.url("stops_reading") + "/flood", ear)
    await ear.until("opened")
    link.send('[2,"1","BootNotification",{}]')
    await ear.until("text")
    for _ in range(most):
        link.send("x" * size)
        await asyncio.sleep(0.02)
        if link._transport is None or link._transport.get_write_buffer_size() > transport.HIGH_WATER:  # type: ignore[attr-defined]
            break
    if size > 500_000:
        link.send("x" * size)
        link.send("x" * size)
    return str(await ear.until("closed"))


@pytest.mark.parametrize("wait", [0.0, 0.002, 0.05])
def test_dialling_can_be_given_up_at_any_moment(csms, run, wait):
    async def scenario():
        ears = []
        for behaviour in ("silent", "good", "http_401", "closes_at_once"):
            ear = Ear()
            link = dial(f"{csms.url(behaviour)}/abort", ear)
            await asyncio.sleep(wait)
            link.abort("given up")
            ears.append(ear)
        for ear in ears:
            await ear.until("closed")
        await asyncio.sleep(0.05)
        assert [len(ear.all("closed")) for ear in ears] == [1, 1, 1, 1]

    run(scenario())


def test_dials_that_wait_for_their_turn_can_be_given_up_and_the_others_get_it(csms, run):
    async def scenario():
        loop = asyncio.get_running_loop()
        dialler = Dialler(loop, Timers(loop), ANYWHERE, at_once=1)
        silent, waiting, good, elsewhere = Ear(), Ear(), Ear(), Ear()
        first = dialler(f"{csms.url('silent')}/turn", "ocpp1.6", silent)
        link = dialler(f"{csms.url('good')}/turn", "ocpp1.6", waiting)
        last = dialler(f"{csms.url('good')}/turn", "ocpp1.6", good)
        other = dialler(f"{csms.url('good').replace('127.0.0.1', 'localhost')}/turn", "ocpp1.6", elsewhere)
        link.abort("given up")
        assert not waiting.heard  # the end never comes from within the call
        assert await waiting.until("closed") == "given up"
        await elsewhere.until("opened")  # another CSMS has a door of its own
        assert not good.heard
        first.abort("enough")
        await silent.until("closed")
        await good.until("opened")
        for one in (last, other):
            one.close(1000, "")
        await good.until("closed")
        await elsewhere.until("closed")

    run(scenario())


def test_nothing_is_left_of_hundreds_of_connections_that_end_in_every_way(csms, run, monkeypatch):
    monkeypatch.setattr(transport, "CLOSE_TIMEOUT", 0.1)  # several of these never answer the close
    ways = [
        "http_401", "not_http", "wrong_accept", "closes_in_handshake", "other_subprotocol", "closes_at_once",
        "resets_at_once", "giant", "not_utf8", "reserved_bits",
    ]  # fmt: skip

    async def churn(dialler: Dialler) -> None:
        ears = []
        for number in range(100):
            ear = Ear()
            dialler(f"{csms.url(ways[number % len(ways)])}/leak", "ocpp1.6", ear)
            ears.append(ear)
            if number % 20 == 19:
                await asyncio.gather(*(one.until("closed") for one in ears[-20:]))
        for number in range(50):
            ear = Ear()
            link = dialler(f"{csms.url('good')}/leak", "ocpp1.6", ear)
            await asyncio.sleep(0.001 * (number % 5))
            link.abort("given up")
            ears.append(ear)
        for ear in ears:
            await ear.until("closed")
            assert len(ear.all("closed")) == 1

    async def settled(most: int) -> int:
        for _ in range(100):
            await asyncio.sleep(0.05)
            if csms.live("leak") == 0 and open_files() <= most:
                break
        return open_files()

    async def scenario():
        loop = asyncio.get_running_loop()
        dialler = Dialler(loop, Timers(loop), ANYWHERE)
        await churn(dialler)  # what is opened once and kept (threads, wake-up pipes) is not a leak
        before, tasks = await settled(0), len(asyncio.all_tasks())
        for _ in range(2):
            await churn(dialler)
        assert await settled(before) <= before
        assert len(asyncio.all_tasks()) == tasks

    run(scenario())


def test_one_name_is_looked_up_once_for_all(run, monkeypatch):
    async def scenario():
        loop = asyncio.get_running_loop()
        asked = []

        async def count(self, host, port):
            asked.append(host)
            await asyncio.sleep(0.1)
            raise socket.gaierror(socket.EAI_NONAME, "no such name")

        monkeypatch.setattr(dialling.Resolver, "_ask", count)
        dialler = Dialler(loop, Timers(loop), ANYWHERE)
        ears = [Ear() for _ in range(50)]
        links = [dialler("ws://slow.example/x", "ocpp1.6", ear) for ear in ears]
        links[0].abort("one gives up")
        for ear in ears:
            await ear.until("closed")
        assert asked == ["slow.example"]
        assert ears[0].all("closed") == ["one gives up"]
        assert ears[1].all("closed") == ["host not found: slow.example"]

    run(scenario())


def test_a_certificate_that_nobody_vouches_for_is_refused(run):
    async def scenario():
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(Path(__file__).parent / "localhost.pem")
        server = await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0, ssl=context)
        port = server.sockets[0].getsockname()[1]
        try:
            return await ending(f"wss://localhost:{port}/x")
        finally:
            server.close()

    assert run(scenario()).startswith("TLS: certificate of localhost:")


def test_a_server_without_tls_at_a_tls_address_is_reported(run):
    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    async def scenario():
        server = await asyncio.start_server(plain, "127.0.0.1", 0)
        try:
            return await ending(f"wss://127.0.0.1:{server.sockets[0].getsockname()[1]}/x")
        finally:
            server.close()

    assert run(scenario()).startswith("TLS with 127.0.0.1:")
