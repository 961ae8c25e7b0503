"""Real files over HTTP and FTP, with good and bad servers."""

import base64
import hashlib
import threading
import time

import pytest

from chargers.simulator.effects import Verdict
from chargers.simulator.host import transfers
from chargers.simulator.host.transfers import Errand, bring, fetch
from ocpplab.common.targets import Targets
from tests.support.file_servers import FileServer, FtpServer, closed_port

DATA = bytes(range(256)) * 1000


@pytest.fixture
def http():
    with FileServer() as server:
        server.files["/fw.bin"] = DATA
        yield server


@pytest.fixture
def ftp():
    with FtpServer() as server:
        server.files["fw.bin"] = DATA
        yield server


def errand(*words, csms=""):
    made = Errand(Targets("TRANSFER_HOSTS", words or ("*",), csms=Targets("CSMS_TARGETS", ["loopback"])), csms)
    made.begin()
    return made


def test_a_file_is_fetched_over_http(http):
    transfer = fetch(errand(), f"{http.url}/fw.bin")
    assert (transfer.verdict, transfer.size) == (Verdict.DONE, len(DATA))
    assert transfer.sha256 == hashlib.sha256(DATA).hexdigest()


def test_a_file_is_fetched_over_ftp_from_the_host_that_was_checked(ftp):
    for login in ("", "user:secret@"):
        transfer = fetch(errand(), f"ftp://{login}{ftp.address}/fw.bin")
        assert transfer.sha256 == hashlib.sha256(DATA).hexdigest(), transfer


def test_a_file_is_brought_by_put(http):
    transfer = bring(errand(), f"{http.url}/in/?a=b", "a.log", b"content")
    assert transfer.verdict is Verdict.DONE
    assert http.received == {"/in/a.log?a=b": b"content"}


@pytest.mark.parametrize("status", [404, 405, 501])
def test_a_file_is_brought_by_post_where_there_is_no_put(http, status):
    http.habits["PUT /in/a.log"] = status
    assert bring(errand(), f"{http.url}/in", "a.log", b"content").verdict is Verdict.DONE
    assert http.received == {"/in": b"content"}
    assert http.headers["Content-Disposition"] == 'attachment; filename="a.log"'


def test_a_file_is_brought_over_ftp(ftp):
    assert bring(errand(), f"ftp://user:secret@{ftp.address}/in", "a.log", DATA).verdict is Verdict.DONE
    assert bring(errand(), f"ftp://{ftp.address}", "b.log", b"").verdict is Verdict.DONE
    assert ftp.received == {"in/a.log": DATA, "b.log": b""}


def test_a_login_in_the_address_is_shown(http):
    fetch(errand(), f"{http.url.replace('//', '//us%20er:p%3Aw@')}/fw.bin")
    assert base64.b64decode(http.headers["Authorization"][6:]) == b"us er:p:w"
    assert "@" not in http.headers["Host"]


@pytest.mark.parametrize(
    ("status", "verdict"), [(401, Verdict.DENIED), (403, Verdict.DENIED), (404, Verdict.FAILED), (500, Verdict.FAILED)]
)
def test_http_statuses_are_understood(http, status, verdict):
    http.habits |= {"/fw.bin": status, "PUT /in/a": status, "POST /in": status}
    assert fetch(errand(), f"{http.url}/fw.bin").verdict is verdict
    assert bring(errand(), f"{http.url}/in", "a", b"").verdict is verdict


def test_a_server_that_takes_no_uploads_is_told_apart(http):
    http.habits |= {"PUT /in/a": 405, "POST /in": 405}
    assert bring(errand(), f"{http.url}/in", "a", b"").verdict is Verdict.UNSUPPORTED


@pytest.mark.parametrize(
    ("command", "answer", "verdict"),
    [
        ("PASS", "530 no", Verdict.DENIED),
        ("STOR", "553 not here", Verdict.DENIED),
        ("STOR", "502 no", Verdict.UNSUPPORTED),
        ("STOR", "452 full", Verdict.FAILED),
        ("TYPE", "what", Verdict.BAD),
    ],
)
def test_ftp_answers_are_understood(ftp, command, answer, verdict):
    ftp.refuse[command] = answer
    assert bring(errand(), f"ftp://{ftp.address}/in", "a", b"x").verdict is verdict


def test_an_ftp_file_that_is_not_there_fails(ftp):
    assert fetch(errand(), f"ftp://{ftp.address}/other.bin").verdict is Verdict.FAILED


@pytest.mark.parametrize(
    ("location", "verdict"),
    [
        ("", Verdict.BAD),
        ("fw.bin", Verdict.BAD),
        ("http://", Verdict.BAD),
        ("http:///x", Verdict.BAD),
        ("http://[::1", Verdict.BAD),
        ("http://127.0.0.1:99999/", Verdict.BAD),
        ("http://127.0.0.1:x/", Verdict.BAD),
        ("http://a\x00b/", Verdict.BAD),
        (f"http://{'a' * 70}.invalid/", Verdict.BAD),
        ("http://" + "x." * 2000, Verdict.FAILED),
        ("file:///etc/passwd", Verdict.BAD),
        ("file://localhost/etc/passwd", Verdict.UNSUPPORTED),
        ("sftp://host/x", Verdict.UNSUPPORTED),
        ("gopher://host/x", Verdict.UNSUPPORTED),
        ("http://no-such-host.invalid/x", Verdict.FAILED),
    ],
)
def test_locations_that_lead_nowhere(location, verdict):
    for transfer in (fetch(errand(), location), bring(errand(), location, "a", b"")):
        assert transfer.verdict is verdict, transfer
        assert transfer.why


def test_nobody_listens():
    assert fetch(errand(), f"http://127.0.0.1:{closed_port()}/x").verdict is Verdict.FAILED
    assert fetch(errand(), f"ftp://127.0.0.1:{closed_port()}/x").verdict is Verdict.FAILED


def test_odd_paths_cannot_smuggle_anything(http, ftp):
    http.files["/a%20b%0D%0AX:%20y"] = b"odd"
    assert fetch(errand(), f"{http.url}/a b%0D%0AX: y").size == 3
    assert fetch(errand(), f"ftp://{ftp.address}/a%0D%0ADELE%20fw.bin").verdict is Verdict.BAD
    assert fetch(errand(), f"{http.url}/ü").verdict is Verdict.FAILED


@pytest.mark.parametrize(("habit", "verdict"), [("cut", Verdict.FAILED), ("nonsense", Verdict.BAD)])
def test_broken_answers_are_no_files(http, habit, verdict):
    http.habits["/x"] = habit
    assert fetch(errand(), f"{http.url}/x").verdict is verdict


def test_a_server_that_hangs_is_given_up(http, monkeypatch):
    monkeypatch.setattr(transfers, "SILENCE", 0.3)
    http.habits["/x"] = "hang"
    assert fetch(errand(), f"{http.url}/x").verdict is Verdict.FAILED


def test_a_server_that_drips_is_given_up(http, monkeypatch):
    monkeypatch.setattr(transfers, "LONGEST", 0.5)
    http.habits["/x"] = "drip"
    started = time.monotonic()
    assert fetch(errand(), f"{http.url}/x").verdict is Verdict.FAILED
    assert time.monotonic() - started < 3


def test_a_file_that_never_ends_is_too_big(http, monkeypatch):
    monkeypatch.setattr(transfers, "MAX_BYTES", 10_000_000)
    http.habits["/x"] = "endless"
    transfer = fetch(errand(), f"{http.url}/x")
    assert transfer.verdict is Verdict.FAILED
    assert "bigger" in transfer.why


def test_an_errand_can_be_given_up_while_it_waits(http):
    http.habits["/x"] = "hang"
    made = errand()
    threading.Timer(0.3, made.give_up).start()
    started = time.monotonic()
    assert fetch(made, f"{http.url}/x").verdict is Verdict.FAILED
    assert time.monotonic() - started < 3


def test_redirects_are_followed_but_not_for_ever(http):
    http.habits |= {"/a": "/fw.bin", "/loop": "/loop", "PUT /in/f": f"{http.url}/other"}
    assert fetch(errand(), f"{http.url}/a").size == len(DATA)
    assert fetch(errand(), f"{http.url}/loop").verdict is Verdict.FAILED
    assert bring(errand(), f"{http.url}/in", "f", b"x").verdict is Verdict.DONE
    assert http.received == {"/other": b"x"}


# whom the lab allows


def test_a_host_that_the_lab_does_not_allow_is_not_even_asked(http):
    assert fetch(errand("public"), f"{http.url}/fw.bin").verdict is Verdict.DENIED
    assert fetch(errand("csms", csms="localhost"), f"{http.url}/fw.bin").verdict is Verdict.DENIED
    assert not http.asked


def test_a_redirect_does_not_lead_around_the_rules(http):
    with FileServer("127.0.0.2") as hidden:
        hidden.files["/secret"] = b"secret"
        http.habits["/a"] = f"{hidden.url}/secret"
        assert fetch(errand("127.0.0.1"), f"{http.url}/a").verdict is Verdict.DENIED
        assert not hidden.asked
        assert fetch(errand("127.0.0.0/8"), f"{http.url}/a").verdict is Verdict.DONE


def test_the_host_of_the_csms_is_allowed_by_its_word(http):
    assert fetch(errand("csms", csms="127.0.0.1"), f"{http.url}/fw.bin").verdict is Verdict.DONE


def test_the_word_of_the_csms_opens_nothing_that_chargers_may_not_dial(http):
    """Its name may lead somewhere else by now: into the network of the lab, say."""
    rules = Targets("TRANSFER_HOSTS", ["csms"], csms=Targets("CSMS_TARGETS", ["public"]))
    made = Errand(rules, "127.0.0.1")
    made.begin()
    transfer = fetch(made, f"{http.url}/fw.bin")
    assert transfer.verdict is Verdict.DENIED
    assert "TRANSFER_HOSTS" in transfer.why
    assert not http.asked
