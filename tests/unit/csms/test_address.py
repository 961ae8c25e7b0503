"""Which station an address names."""

import pytest

from chargers.csms.address import Address, read_address


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


def test_without_a_raw_path_the_decoded_one_must_do():
    assert read_address({"path": "/csms/a b"}) == Address("a b", "a b")
