"""Every sentence about a connection has a kind, and a kind says nothing of hosts and ports."""

import errno
import socket

import pytest

from chargers.simulator.host import reasons
from chargers.simulator.host.kinds import KINDS, OTHER, kind_of
from ocpplab.common.targets import TargetNotAllowed


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (TargetNotAllowed("not listed"), "target"),
        (socket.gaierror(), "name"),
        (ConnectionRefusedError(), "refused"),
        (ConnectionResetError(), "handshake"),
        (TimeoutError(), "timeout"),
        (ValueError("no scheme"), "address"),
        (OSError(errno.EMFILE, "too many"), "descriptors"),
        (OSError(errno.ENETUNREACH, "Network is unreachable"), "broken"),
    ],
)
def test_what_a_dial_can_meet_has_a_kind(error, kind):
    assert kind_of(reasons.of_dial_error(error, "csms.example", 9000)) == kind


@pytest.mark.parametrize(
    ("why", "kind"),
    [
        ("TLS: certificate of csms.example:443 not accepted: self-signed certificate", "tls"),
        ("TLS with csms.example:443 failed: WRONG_VERSION_NUMBER", "tls"),
        ("HTTP 404 Not Found", "http"),
        ("no connection within 20 s", "timeout"),
        ("handshake timed out: the CSMS did not answer within 20 s", "timeout"),
        ("the answer to the handshake is not HTTP", "handshake"),
        ("connection closed by the CSMS before it answered the handshake", "handshake"),
        ("closed by the CSMS: 1001 (going away)", "csms"),
        ("the CSMS ended the connection without a close frame", "csms"),
        ("closed with 1009: the CSMS sent a message above 1 MiB", "protocol"),
        ("the CSMS did not answer a WebSocket ping within 20 s", "silent"),
        ("connection reset by the CSMS", "broken"),
        ("closed: 1000 (OK) stopped", "ours"),
        ("no beat for 26 s", "lease"),
        ("something new", OTHER),
    ],
)
def test_an_end_has_a_kind(why, kind):
    assert kind_of(why) == kind
    assert kind in KINDS
