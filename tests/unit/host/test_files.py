"""Transfers for sessions: how many at once, what is given up, and that the loop goes on meanwhile."""

import asyncio
import threading
import time
from datetime import UTC, datetime

import pytest
from cryptography import x509

from chargers.simulator.effects import Download, MakeKey, Upload, Verdict
from chargers.simulator.host import files as module
from chargers.simulator.host.files import Files, Frame
from ocpplab.common.targets import Targets
from tests.support.file_servers import FileServer

NOW = datetime(2024, 1, 31, 12, tzinfo=UTC)
SECRET = '[2,"1","ChangeConfiguration",{"key":"AuthorizationKey","value":"00112233445566778899"}]'


@pytest.fixture
def http():
    with FileServer() as server:
        server.files["/fw.bin"] = b"firmware"
        yield server


class Desk:
    """Files, and what came of them."""

    def __init__(self, *frames, words=("*",)):
        self.frames = list(frames)
        self.asked = []
        self.over = []
        self.files = Files(
            asyncio.get_running_loop(),
            Targets("TRANSFER_HOSTS", words, csms=Targets("CSMS_TARGETS", ["loopback"])),
            self.history,
        )

    async def history(self, charger_id, since, until):
        self.asked.append((charger_id, since, until))
        if self.frames and isinstance(self.frames[0], Exception):
            raise self.frames[0]
        return self.frames

    async def wait(self, count):
        async with asyncio.timeout(20):
            while len(self.over) < count:
                await asyncio.sleep(0.01)


def test_it_fetches_and_says_how_it_ended(run, http):
    async def scenario():
        desk = Desk()
        desk.files.download(7, "", Download("d-1", f"{http.url}/fw.bin"), desk.over.append)
        await desk.wait(1)
        assert (desk.over[0].verdict, desk.over[0].size) == (Verdict.DONE, 8)
        await desk.files.close()

    run(scenario())


def test_a_few_at_once_and_the_loop_goes_on(run, http):
    http.habits["/slow"] = "hang"

    async def scenario():
        desk = Desk()
        for number in range(30):
            desk.files.download(number, "", Download("d", f"{http.url}/slow"), desk.over.append)
        longest, last = 0.0, time.monotonic()
        for _ in range(50):
            await asyncio.sleep(0.01)
            longest, last = max(longest, time.monotonic() - last), time.monotonic()
        assert longest < 0.2
        assert http.most <= module.AT_ONCE
        for number in range(30):
            desk.files.abandon_all(number)
        await asyncio.sleep(0.3)
        assert desk.over == [], "nobody hears of what was given up"
        desk.files.download(99, "", Download("d", f"{http.url}/fw.bin"), desk.over.append)
        await desk.wait(1)
        assert desk.over[0].verdict is Verdict.DONE, "the turns are free again"
        await desk.files.close()

    run(scenario())


def test_closing_does_not_wait_for_a_server_that_hangs(run, http):
    http.habits["/slow"] = "hang"

    async def scenario():
        desk = Desk()
        for number in range(20):
            desk.files.download(number, "", Download("d", f"{http.url}/slow"), desk.over.append)
        await asyncio.sleep(0.2)
        began = time.monotonic()
        await desk.files.close()
        assert time.monotonic() - began < 1
        assert desk.over == []

    run(scenario())
    assert all(thread.daemon for thread in threading.enumerate() if thread.name == "file transfer")


def test_a_transfer_with_a_name_used_again_belongs_to_the_later_one(run, http):
    http.habits["/slow"] = "hang"

    async def scenario():
        desk = Desk()
        desk.files.download(7, "", Download("d-1", f"{http.url}/slow"), lambda _: desk.over.append("first"))
        await asyncio.sleep(0.1)
        desk.files.abandon(7, "d-1")
        desk.files.download(7, "", Download("d-1", f"{http.url}/fw.bin"), lambda _: desk.over.append("second"))
        await desk.wait(1)
        await asyncio.sleep(0.1)
        assert desk.over == ["second"]
        await desk.files.close()

    run(scenario())


def test_an_upload_holds_the_head_and_the_frames_in_the_chargers_time_without_passwords(run, http):
    async def scenario():
        desk = Desk(Frame(NOW, "cp_to_csms", '[2,"1","Heartbeat",{}]'), Frame(NOW, "csms_to_cp", SECRET))
        start = NOW.timestamp()
        wanted = Upload("u-1", f"{http.url}/in", "a.log", "head\n", frames=True, since=start, until=None, clock=60.0)
        desk.files.upload(7, "", wanted, desk.over.append)
        await desk.wait(1)
        assert desk.over[0].verdict is Verdict.DONE
        assert desk.asked == [(7, start - 60, None)]
        text = http.received["/in/a.log"].decode()
        assert text.startswith("head\n## Messages\n2024-01-31T12:01:00.000Z -> [2,")
        assert "00112233445566778899" not in text
        await desk.files.close()

    run(scenario())


def test_an_upload_without_a_database_goes_without_frames(run, http):
    async def scenario():
        desk = Desk(TimeoutError("away"))
        desk.files.upload(7, "", Upload("u", f"{http.url}/in", "a.log", "head\n", frames=True), desk.over.append)
        await desk.wait(1)
        assert http.received["/in/a.log"].endswith(b"(the log cannot be read)\n")
        await desk.files.close()

    run(scenario())


def test_the_rules_of_the_lab_hold(run, http):
    async def scenario():
        desk = Desk(words=("csms",))
        desk.files.download(7, "elsewhere", Download("d-1", f"{http.url}/fw.bin"), desk.over.append)
        desk.files.download(7, "127.0.0.1", Download("d-2", f"{http.url}/fw.bin"), desk.over.append)
        await desk.wait(2)
        assert {one.verdict for one in desk.over} == {Verdict.DENIED, Verdict.DONE}
        await desk.files.close()

    run(scenario())


def test_a_key_is_made_off_the_loop(run):
    async def scenario():
        desk = Desk()
        desk.files.make_key(MakeKey("k", "SN", "Org"), desk.over.append)
        await desk.wait(1)
        assert x509.load_pem_x509_csr(desk.over[0].csr.encode()).is_signature_valid
        assert "PRIVATE" not in repr(desk.over[0])
        await desk.files.close()

    run(scenario())
