"""Dialling with credentials: HTTP Basic, roots of one's own, a certificate of one's own."""

import asyncio
import base64
import datetime as dt
import ipaddress
import ssl
import time
from contextlib import asynccontextmanager

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import NameOID
from websockets.asyncio.server import serve

from chargers.simulator.effects import Credentials
from chargers.simulator.host.dialler import Dialler
from chargers.simulator.host.timers import Timers
from ocpplab.common.targets import Targets
from tests.support import pki
from tests.unit.host.test_transport import Ear

NOW = time.time()


@pytest.fixture(scope="module")
def root():
    return pki.Paper.root("Central", now=NOW)


def server_paper(root):
    """A certificate for 127.0.0.1."""
    key = pki.make("x", now=NOW).key
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")]))
        .issuer_name(root.certificate.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(dt.datetime.fromtimestamp(NOW - 60, dt.UTC))
        .not_valid_after(dt.datetime.fromtimestamp(NOW + 3600, dt.UTC))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
    )
    return pki.Paper(builder.sign(root.key, hashes.SHA256()), key)


@asynccontextmanager
async def csms(tmp_path, root=None, *, clients=None):
    """A server that keeps what it is shown: headers, and the certificates of clients."""
    shown = []

    async def handle(connection):
        transport = connection.transport.get_extra_info("ssl_object")
        peer = transport.getpeercert() if transport is not None else None
        shown.append((connection.request.headers.get("Authorization"), peer))
        await connection.wait_closed()

    context = None
    if root is not None:
        paper = server_paper(root)
        path = tmp_path / "server.pem"
        path.write_text(paper.key_pem + paper.pem)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        if clients is not None:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(cadata=clients.pem)
    async with serve(handle, "127.0.0.1", 0, subprotocols=["ocpp1.6"], ssl=context) as server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}", shown


async def dialled(address, credentials):
    """Dial; returns what was heard: `opened` or the reason of the end."""
    loop, ear = asyncio.get_running_loop(), Ear()
    link = Dialler(loop, Timers(loop), Targets("CSMS_TARGETS", ["loopback"]))(address, "ocpp1.6", ear, credentials)
    async with asyncio.timeout(10):
        while not ear.all("opened") and not ear.all("closed"):
            await asyncio.sleep(0.01)
    opened = bool(ear.all("opened"))
    link.close(1000, "")
    await ear.until("closed")
    return "opened" if opened else str(ear.all("closed")[0])


def test_profile_1_shows_the_password(run, tmp_path):
    async def scenario():
        async with csms(tmp_path) as (address, shown):
            header = "Basic " + base64.b64encode(b"CP1:\x00\xff").decode()
            assert await dialled(f"ws://{address}/CP1", Credentials(header)) == "opened"
            assert await dialled(f"ws://other:login@{address}/CP1", Credentials(header)) == "opened"
            assert await dialled(f"ws://{address}/CP1", None) == "opened"
            assert [one for one, _ in shown] == [header, header, None]

    run(scenario())


def test_profile_2_trusts_its_own_roots_only_and_encrypts_whatever_the_address_says(run, tmp_path, root):
    async def scenario():
        async with csms(tmp_path, root) as (address, shown):
            trusted = Credentials("Basic eA==", tls=True, roots=(root.pem,))
            assert await dialled(f"wss://{address}/CP1", trusted) == "opened"
            assert await dialled(f"ws://{address}/CP1", trusted) == "opened"
            other = Credentials("Basic eA==", tls=True, roots=(pki.Paper.root("Central", now=NOW).pem,))
            assert "certificate" in (await dialled(f"wss://{address}/CP1", other)).lower()
            assert "certificate" in (await dialled(f"wss://{address}/CP1", None)).lower()
            assert len(shown) == 2

    run(scenario())


def test_profile_3_shows_the_certificate_of_the_charger(run, tmp_path, root):
    own = root.issue("SN-1", now=NOW)

    async def scenario():
        async with csms(tmp_path, root, clients=root) as (address, shown):
            good = Credentials(tls=True, roots=(root.pem,), certificate=own.pem, key=own.key_pem)
            assert await dialled(f"wss://{address}/CP1", good) == "opened"
            assert (("commonName", "SN-1"),) in shown[0][1]["subject"]
            assert await dialled(f"wss://{address}/CP1", Credentials(tls=True, roots=(root.pem,))) != "opened"

    run(scenario())


@pytest.mark.parametrize("broken", [{"roots": ("nonsense",)}, {"certificate": "nonsense", "key": "nonsense"}])
def test_broken_credentials_are_a_failed_dial(run, tmp_path, root, broken):
    async def scenario():
        async with csms(tmp_path, root) as (address, _):
            assert await dialled(f"wss://{address}/CP1", Credentials(tls=True, **broken)) != "opened"

    run(scenario())
