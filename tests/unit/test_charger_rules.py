"""The rules of a charger's values."""

from urllib.parse import quote, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargers.rules import connector_type_clean, identity_clean, ocpp_version_clean, ws_url_clean


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ("ws://h", "ws://h"),
        ("wss://ocpp.ocpplab.com", "wss://ocpp.ocpplab.com"),
        ("WSS://Host.Test:443/A/b/", "wss://Host.Test:443/A/b"),
        ("ws://h///", "ws://h"),
        ("ws://127.0.0.1:9000/csms", "ws://127.0.0.1:9000/csms"),
        ("ws://[::1]:80/x", "ws://[::1]:80/x"),
        ("ws://built_in-csms.local./x", "ws://built_in-csms.local./x"),
        ("ws://h/a%20b/@c;d=e", "ws://h/a%20b/@c;d=e"),
        ("ws://h:65535", "ws://h:65535"),
        ("ws://h/" + "x" * 493, "ws://h/" + "x" * 493),
    ],
)
def test_an_address_is_stored_so_that_slash_and_identity_can_follow(given, stored):
    assert ws_url_clean(given) == stored


@pytest.mark.parametrize(
    "address",
    [
        "",
        "h",
        "//h",
        "ws:",
        "ws:h",
        "ws:/h",
        "ws://",
        "ws:///x",
        "http://h",
        "https://h",
        "wsss://h",
        " ws://h",
        "ws://h\n",
        "ws://h\t/x",
        "ws://a b",
        "ws://h/a b",
        "ws://h\\x",
        "ws://h/\x00",
        "ws://u@h",
        "ws://u:p@h/x",
        "ws://:p@h",
        "ws://h#",
        "ws://h/#f",
        "ws://h?",
        "ws://h/?q=1",
        "ws://h:",
        "ws://h:0",
        "ws://h:65536",
        "ws://h:x",
        "ws://h:-1",
        "ws://h:8_0",
        "ws://h:80:80",
        "ws://[::1",
        "ws://::1",
        "ws://[zz]",
        "ws://[::1]x",
        "ws://[v1.x]",
        "ws://a..b",
        "ws://-a",
        "ws://a-",
        "ws://" + "a" * 64,
        "ws://" + ".".join(["a" * 60] * 5),
        "ws://h/%zz",
        "ws://h/%2",
        "ws://h/ü",
        "ws://münchen.test",
        "ws://h:\uff18\uff10",
        "ws://h/" + "x" * 494,
        "ws://h/\ud800",
    ],
)
def test_an_address_that_could_not_be_dialled_is_refused_with_a_sentence(address):
    with pytest.raises(ValueError, match=r"^The address .*|is not a host name|^The port "):
        ws_url_clean(address)


@given(st.text(max_size=40) | st.from_regex(r"wss?://[a-z0-9.:\[\]@/%-]{0,40}", fullmatch=True))
def test_whatever_is_accepted_stays_and_can_be_dialled(text):
    try:
        clean = ws_url_clean(text)
    except ValueError:
        return
    assert ws_url_clean(clean) == clean
    parts = urlsplit(f"{clean}/{quote('A/1 ü', safe='')}")
    assert parts.scheme in {"ws", "wss"}
    assert parts.hostname
    assert parts.port is None or 1 <= parts.port <= 65535
    assert (parts.username, parts.password, parts.query, parts.fragment) == (None, None, "", "")
    assert unquote(parts.path.rsplit("/", 1)[1]) == "A/1 ü"


@pytest.mark.parametrize(
    "identity", ["A", "x" * 48, "a b", "a/b", "50%", "Säule-1", "充電器", "🔌", "...", "a:b", "?#"]
)
def test_an_identity_may_be_any_text_that_can_be_seen(identity):
    assert identity_clean(identity) == identity


@pytest.mark.parametrize(
    "identity",
    [
        "",
        " ",
        " a",
        "a ",
        "x" * 49,
        "a\n",
        "a\x00b",
        "\x7f",
        "\ud800",
        "a\u200bb",
        "a\u00a0b",
        "\u2028",
        ".",
        "..",
        "\t",
    ],
)
def test_any_other_identity_is_refused_with_a_sentence(identity):
    with pytest.raises(ValueError, match=r"^The identity "):
        identity_clean(identity)


@given(st.text())
def test_an_accepted_identity_survives_as_one_path_segment(text):
    try:
        identity = identity_clean(text)
    except ValueError:
        return
    assert 1 <= len(identity) <= 48
    segment = quote(identity, safe="")
    assert urlsplit(f"ws://h/{segment}").path == f"/{segment}"
    assert unquote(segment) == identity


@pytest.mark.parametrize("text", ["OCPP1.6", "ocpp1.6", "Ocpp1.6"])
def test_a_version_is_read_in_any_letter_case(text):
    assert ocpp_version_clean(text) == "OCPP1.6"


@pytest.mark.parametrize("text", ["", "1.6", "OCPP1.5", "OCPP2.0", "OCPP2.0.1 ", "ocpp16", "\x00", "x" * 1_000_000])
def test_an_unknown_version_is_refused_with_the_known_ones(text):
    with pytest.raises(ValueError, match=r"use OCPP1\.6 or OCPP2\.0\.1\.$") as caught:
        ocpp_version_clean(text)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("text", ["", "type2", "Type 2", "Type9", "x" * 1_000_000])
def test_an_unknown_connector_type_is_refused_with_the_known_ones(text):
    with pytest.raises(ValueError, match="is not a known connector type: use Type1, Type2") as caught:
        connector_type_clean(text)
    assert len(str(caught.value)) < 400
