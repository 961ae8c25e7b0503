"""Which station an address names."""

from urllib.parse import quote

import pytest

from chargers.csms.address import Address, read_address, station_key


def address(raw: bytes, root: str = "") -> Address | None:
    return read_address({"raw_path": root.encode() + raw, "path": "misleading", "root_path": root})


@pytest.mark.parametrize(
    ("raw", "key", "identity"),
    [
        (b"/csms/CP1", "CP1", "CP1"),
        (b"/csms/a%20b%2Fc", "a b/c", "a b/c"),
        (b"/csms/%C3%BC%25", "ü%", "ü%"),
        (b"/csms/one/CP1", "one/CP1", "CP1"),
        (b"/csms/one/a%2Fb", "one/a/b", "a/b"),
        (b"/csms//CP1", "/CP1", "CP1"),
        (b"/csms/csms/CP1", "csms/CP1", "CP1"),
    ],
)
def test_the_last_segment_is_the_identity_and_all_of_it_the_key(raw, key, identity):
    assert address(raw) == Address(key, identity)
    assert address(raw, root="/lab") == Address(key, identity)


@pytest.mark.parametrize(
    "raw",
    [b"/csms/", b"/csms/one/", b"/other/CP1", b"/csms/a%00b", b"/csms/" + b"x" * 49, b"/csms/" + b"x/" * 150 + b"y"],
)
def test_what_can_be_no_station_has_no_address(raw):
    assert address(raw) is None


@pytest.mark.parametrize("identity", ["CP1", "a/b", "50%", "ü"])
@pytest.mark.parametrize("path", ["/csms", "/csms/one", "/csms/one%20two", "/lab/csms"])
def test_the_key_of_a_charger_is_that_of_the_address_that_it_dials(path, identity):
    dialled = address(f"{path}/{quote(identity, safe='')}".encode())
    assert dialled is not None
    assert station_key(f"wss://lab.example{path}", identity) == dialled.key


def test_a_charger_that_dials_another_csms_has_no_key():
    assert station_key("ws://csms.test:9000/ocpp", "CP1") is None


def test_without_a_raw_path_the_decoded_one_must_do():
    assert read_address({"path": "/csms/a b"}) == Address("a b", "a b")
