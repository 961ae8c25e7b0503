"""One real simulator host, chargers at CSMSs that do everything wrong, and good ones that notice nothing of it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chargers.models import Charger, Message
from ocpplab.accounts.models import Organization
from tests.support.bad_csms import BadCsms
from tests.support.chargers import make_charger, make_chargers
from tests.support.processes import Process, Processes
from tests.support.waiting import eventually

pytestmark = [pytest.mark.system]

GOOD = 20

#: behaviour of the CSMS: the state that its charger ends up in, and what is said about it
BAD = {
    "http_401": ("offline", "HTTP 401 Unauthorized"),
    "http_500": ("offline", "HTTP 500 Internal Server Error"),
    "not_http": ("offline", "the answer to the handshake is not HTTP"),
    "endless_head": ("offline", "the answer to the handshake is too long"),
    "wrong_accept": ("offline", "no WebSocket at this address"),
    "closes_in_handshake": ("offline", "before it answered the handshake"),
    "other_subprotocol": ("offline", "unsupported subprotocol: mqtt"),
    "no_subprotocol": ("offline", "selected no subprotocol"),
    "silent": ("connecting", ""),
    "closes_at_once": ("offline", "1008 (policy violation) not today"),
    "resets_at_once": ("offline", "the CSMS"),
    "never_answers": ("connecting", ""),
    "garbage": ("online", ""),
    "binary": ("online", ""),
    "fragments": ("online", ""),
    "giant": ("offline", "message above 1 MiB"),
    "not_utf8": ("offline", "not UTF-8"),
    "reserved_bits": ("offline", "reserved bits must be 0"),
    "never_closes": ("online", ""),
    "stops_reading": ("online", ""),
}


@pytest.fixture
def csms() -> Iterator[BadCsms]:
    with BadCsms() as server:
        yield server


def states(**filters: Any) -> dict[str, tuple[str, str]]:
    rows = Charger.objects.filter(**filters)
    return {row.identity: (row.connection_state, row.connection_error) for row in rows}


def open_files(process: Process) -> int:
    return len(list(Path(f"/proc/{process.pid}/fd").iterdir()))


def test_a_bad_csms_is_named_and_no_other_charger_notices(
    organization: Organization, processes: Processes, csms: BadCsms
) -> None:
    good = make_chargers(organization, GOOD, ws_url=csms.url("good"))
    for behaviour in BAD:
        make_charger(organization, identity=behaviour, ws_url=csms.url(behaviour))
    make_charger(organization, identity="refused", ws_url="ws://127.0.0.1:1/ocpp")
    make_charger(organization, identity="unknown", ws_url="ws://no-such-host.invalid/ocpp")
    make_charger(organization, identity="nonsense", ws_url="ws://[bad/ocpp")
    make_charger(organization, identity="guarded", ws_url="ws://169.254.169.254/ocpp")
    expected = {
        **BAD,
        "refused": ("offline", "connection refused by 127.0.0.1:1"),
        "unknown": ("offline", "host not found: no-such-host.invalid"),
        "nonsense": ("offline", "not a WebSocket address"),
        "guarded": ("offline", "target_not_allowed: 169.254.169.254:80 is a link-local address"),
    }
    simulator = processes.simulator()

    seen: set[str] = set()

    def all_seen() -> bool:
        # Those that reconnect pass through `connecting` again and again: each must be seen as expected once.
        now = states(identity__in=expected)
        for identity, (state, detail) in expected.items():
            if now[identity][0] == state and detail in now[identity][1]:
                seen.add(identity)
        return seen == expected.keys()

    try:
        eventually(all_seen, timeout=40)
    except AssertionError:
        wrong = {identity: row for identity, row in states(identity__in=expected).items() if identity not in seen}
        raise AssertionError(f"not as expected: {wrong}") from None
    online = eventually(lambda: Charger.objects.filter(connection_state="online", id__gt=0, identity__startswith="CP-"))
    assert online.count() == GOOD
    assert Charger.objects.filter(provisioning_status="READY", host__name="simulator-1").count() == len(expected) + GOOD
    for charger in good:
        assert csms.opened[charger.identity] == 1, "a good charger reconnected"
        assert csms.live(charger.identity) == 1
    assert "Traceback" not in simulator.text()
    for identity, (state, detail) in expected.items():
        if state == "offline":
            log = Message.objects.filter(charger__identity=identity, direction="connection", action="Disconnected")
            eventually(log.filter(message__contains=detail).exists)


def test_the_log_holds_every_frame_as_it_was(organization: Organization, processes: Processes, csms: BadCsms) -> None:
    charger = make_charger(organization, ws_url=csms.url("garbage"))
    processes.simulator()
    eventually(lambda: states() == {charger.identity: ("online", "")})
    eventually(lambda: Message.objects.filter(charger=charger, direction="csms_to_cp").count() >= 11)
    rows = list(Message.objects.filter(charger=charger).order_by("id"))
    texts = [row.message for row in rows if row.direction == "csms_to_cp"]
    assert {"", "\ufffd", "{", "[]", "null", '[2,"\\u0000",7,[]]'} <= set(texts)
    (big,) = [row for row in rows if len(row.message) > 50_000]
    assert len(big.message) < 150_000, "a giant frame must be cut"
    assert len(big.action) <= 50
    assert rows[0].action == "BootNotification"
    assert rows[0].direction == "cp_to_csms"
    assert [row.at for row in rows] == sorted(row.at for row in rows)


def test_hundreds_of_reconnects_leave_nothing_behind(
    organization: Organization, processes: Processes, csms: BadCsms
) -> None:
    chargers = make_chargers(organization, 100, ws_url=csms.url("good"))
    simulator = processes.simulator()
    online = Charger.objects.filter(connection_state="online")
    eventually(lambda: online.count() == 100)
    before = open_files(simulator)
    for round_number in range(2, 5):
        csms.drop()
        eventually(lambda number=round_number: all(csms.opened[c.identity] >= number for c in chargers), timeout=60)
        eventually(lambda: online.count() == 100, timeout=30)
    eventually(lambda: open_files(simulator) <= before + 2)
    assert max(csms.most[charger.identity] for charger in chargers) == 1
