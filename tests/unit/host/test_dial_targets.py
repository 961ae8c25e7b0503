"""The gate at the moment of dialling: what a name leads to is what counts."""

import asyncio

import pytest

from chargers.simulator.host.dialler import Dialler
from chargers.simulator.host.resolver import Resolver
from chargers.simulator.host.timers import Timers
from ocpplab.common.targets import Targets
from tests.unit.host.test_transport import Ear


class Knocks:
    """A server on a port of its own that counts who comes."""

    def __init__(self):
        self.count = 0

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._knock, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *exc):
        self._server.close()

    async def _knock(self, reader, writer):
        self.count += 1
        writer.close()


async def ending(address, *words):
    """Dial under these rules; return why it ended."""
    loop, ear = asyncio.get_running_loop(), Ear()
    Dialler(loop, Timers(loop), Targets("CSMS_TARGETS", words))(address, "ocpp1.6", ear)
    return await ear.until("closed")


def leading_to(monkeypatch, *addresses):
    """Every name leads there from now on: whoever owns a name may change its mind at any time."""

    async def resolve(self, host, port):
        return list(addresses)

    monkeypatch.setattr(Resolver, "resolve", resolve)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "[::ffff:127.0.0.1]", "0.0.0.0"])
def test_a_refused_address_is_not_dialled_however_it_is_written(run, host):
    async def scenario():
        async with Knocks() as server:
            why = await ending(f"ws://{host}:{server.port}/x", "public", "private")
            assert why.startswith("target_not_allowed: ")
            assert server.count == 0

    run(scenario())


def test_a_name_that_turns_to_the_labs_own_machine_is_not_dialled(run, monkeypatch):
    async def scenario():
        async with Knocks() as server:
            leading_to(monkeypatch, "127.0.0.1", "169.254.169.254")
            why = await ending(f"ws://csms.example.com:{server.port}/x", "public")
            assert why.startswith(
                f"target_not_allowed: csms.example.com:{server.port} (127.0.0.1) is an address of the"
            )
            assert why.endswith(f"CSMS_TARGETS=public,csms.example.com:{server.port}")
            assert server.count == 0

    run(scenario())


def test_of_several_addresses_only_the_allowed_ones_are_dialled(run, monkeypatch):
    async def scenario():
        async with Knocks() as server:
            leading_to(monkeypatch, "10.255.255.1", "127.0.0.1")
            why = await ending(f"ws://csms.example.com:{server.port}/x", "loopback")
            assert "target_not_allowed" not in why
            assert server.count == 1

    run(scenario())


def test_a_port_that_is_not_listed_is_not_dialled(run):
    async def scenario():
        async with Knocks() as server:
            assert (await ending(f"ws://127.0.0.1:{server.port}/x", "loopback:1")).startswith("target_not_allowed: ")
            assert server.count == 0
            await ending(f"ws://127.0.0.1:{server.port}/x", f"loopback:{server.port}")
            assert server.count == 1

    run(scenario())
