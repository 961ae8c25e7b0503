"""Whom a lab may connect to: the words of the settings, and addresses that pretend to be others."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocpplab.common.addresses import Kind, kind_of, literal
from ocpplab.common.targets import BadWord, Targets

LAB = ("public", "private", "loopback")


def targets(*words):
    return Targets("CSMS_TARGETS", words)


@pytest.mark.parametrize(
    ("words", "name", "address", "allowed"),
    [
        (("public",), "h", "8.8.8.8", True),
        (("public",), "h", "2606:4700::1111", True),
        (("public",), "h", "10.0.0.1", False),
        (("public",), "h", "127.0.0.1", False),
        (("public",), "h", "::1", False),
        (("public",), "h", "100.64.0.1", False),
        (("public",), "h", "fc00::1", False),
        (("private",), "h", "10.0.0.1", True),
        (("private",), "h", "172.17.0.1", True),
        (("private",), "h", "192.168.1.7", True),
        (("private",), "h", "100.64.0.1", True),
        (("private",), "h", "fd12::7", True),
        (("private",), "h", "127.0.0.1", False),
        (("private",), "h", "8.8.8.8", False),
        (("loopback",), "h", "127.8.9.1", True),
        (("loopback",), "h", "::1", True),
        (("10.0.0.0/8",), "h", "10.2.3.4", True),
        (("10.0.0.0/8",), "h", "11.2.3.4", False),
        (("10.1.2.3",), "h", "10.1.2.3", True),
        (("fd00::/8",), "h", "fd12::7", True),
        (("fd00::/8",), "h", "10.0.0.1", False),
        (("*.Example.com",), "FILES.example.com.", "10.0.0.1", True),
        (("*.example.com",), "example.com.evil.org", "10.0.0.1", False),
        (("csms",), "csms", "10.0.0.1", True),
        ((), "h", "8.8.8.8", False),
        (("*",), "h", "127.0.0.1", True),
    ],
)
def test_each_word_opens_what_it_says(words, name, address, allowed):
    assert targets(*words).allows(name, address, 9000) is allowed


@pytest.mark.parametrize(
    "address",
    [
        *(
            "169.254.169.254",
            "169.254.1.1",
            "fe80::1",
            "fe80::1%eth0",
            "fd00:ec2::254",
            "fd00:ec2::23",
            "64:ff9b:1::a9fe:a9fe",
            "::ffff:0:169.254.169.254",
            "fd20:ce::254",
        ),
        *("100.100.100.200", "192.0.0.192", "168.63.129.16"),
        *("::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "::a9fe:a9fe", "2002:a9fe:a9fe::1"),
    ],
)
def test_where_clouds_hand_out_credentials_no_general_word_leads(address):
    for words in (LAB, ("*",), ("0.0.0.0/0", "::/0"), ("h",), ("fc00::/7", "100.64.0.0/10")):
        assert not targets(*words).allows("h", address, 80)


def test_a_link_local_network_opens_when_it_is_listed_itself():
    assert targets("169.254.10.0/24").allows("h", "169.254.10.5", 80)
    assert not targets("169.254.10.0/24").allows("h", "169.254.169.254", 80)
    assert targets("fe80::/10").allows("h", "fe80::1%eth0", 80)


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "0.1.2.3", "224.0.0.1", "ff02::1", "255.255.255.255"])
def test_what_is_no_address_of_a_host_is_never_allowed(address):
    assert not targets("*", "0.0.0.0/0", "::/0").allows("h", address, 80)


@pytest.mark.parametrize(
    ("written", "address"),
    [
        *(("2130706433", "127.0.0.1"), ("0x7f.1", "127.0.0.1"), ("0177.0.0.1", "127.0.0.1"), ("127.1", "127.0.0.1")),
        *(("LOCALHOST.", "127.0.0.1"), ("app.localhost", "127.0.0.1"), ("::ffff:10.0.0.1", "10.0.0.1")),
        *(("0xA9FEA9FE", "169.254.169.254"), ("0", "0.0.0.0"), ("::ffff:a9fe:a9fe", "169.254.169.254")),
    ],
)
def test_an_address_in_disguise_is_the_address(written, address):
    assert str(literal(written)) == address
    assert not targets("public").may_allow(written, 80)


@pytest.mark.parametrize("name", ["csms.example.com", "fade", "a.b", "10.0.0.1.example.com", "x127.1"])
def test_a_name_is_no_address(name):
    assert literal(name) is None


@pytest.mark.parametrize(
    ("word", "open_ports", "closed"),
    [
        ("public:443", (443,), (442, 444)),
        ("8.8.8.8:9000-9010", (9000, 9010), (8999, 9011)),
        ("8.8.0.0/16:80", (80,), (81,)),
        ("*:80", (80,), (443,)),
        ("dns.google:80", (80,), (443,)),
        ("public", (1, 65535), ()),
    ],
)
def test_a_word_may_end_in_ports(word, open_ports, closed):
    rules = targets(word)
    assert all(rules.allows("dns.google", "8.8.8.8", port) for port in open_ports)
    assert not any(rules.allows("dns.google", "8.8.8.8", port) for port in closed)
    assert not any(rules.may_allow("dns.google", port) for port in closed)


def test_ports_of_an_ipv6_network_stand_behind_brackets():
    assert targets("[fd00::/8]:443").allows("h", "fd00::1", 443)
    assert not targets("[fd00::/8]:443").allows("h", "fd00::1", 80)
    assert targets("[fd00::1]").allows("h", "fd00::1", 80)


def test_a_name_is_refused_beforehand_only_when_no_address_of_it_could_be_allowed():
    assert targets("public").may_allow("csms.example.com", 80)
    assert targets("10.0.0.0/8").may_allow("csms.example.com", 80)
    assert targets("*.example.com").may_allow("csms.example.com", 80)
    assert not targets("*.example.com").may_allow("csms.other.com", 80)
    assert not targets().may_allow("csms.example.com", 80)


@pytest.mark.parametrize(
    "word",
    ["10.0.0.0/33", "10.*", "1.2.3", "", "a b", "http://x", "public:0", "public:", "public:70000", "h:9-8", "[fd00::"],
)
def test_a_word_that_means_nothing_is_refused(word):
    with pytest.raises(BadWord):
        targets(word)


def test_the_word_of_the_csms_needs_the_rules_for_csms_as_well():
    rules = Targets("TRANSFER_HOSTS", ["csms"], csms=targets("private:9000"))
    assert rules.allows("CSMS.local", "10.0.0.1", 8080, csms="csms.LOCAL.")
    assert not rules.allows("other.local", "10.0.0.1", 8080, csms="csms.local")
    assert not rules.allows("csms.local", "127.0.0.1", 8080, csms="csms.local")
    assert not rules.allows("csms.local", "169.254.169.254", 80, csms="csms.local")


@pytest.mark.parametrize(
    ("host", "address", "said", "add"),
    [
        ("10.1.2.3", "", "10.1.2.3:80 is an address of a private network", "CSMS_TARGETS=public,10.1.2.3:80"),
        (
            "csms.lan",
            "10.1.2.3",
            "csms.lan:80 (10.1.2.3) is an address",
            "CSMS_TARGETS=public,csms.lan:80",
        ),
        ("csms.lan", "", "csms.lan:80 CSMS_TARGETS", "CSMS_TARGETS=public,csms.lan:80"),
        ("localhost", "", "localhost:80 is an address of the lab's own machine", "CSMS_TARGETS=public,localhost:80"),
        ("fd00::1", "", "[fd00::1]:80 is an address of a private network", "CSMS_TARGETS=public,[fd00::1]:80"),
        ("meta.lan", "169.254.1.1", "meta.lan:80 (169.254.1.1) is a link-local", "CSMS_TARGETS=public,169.254.1.1"),
    ],
)
def test_a_refusal_says_why_and_what_to_add_and_that_helps(host, address, said, add):
    sentence = targets("public").refusal(host, 80, address)
    assert sentence.startswith(said)
    assert sentence.endswith(add)
    helped = targets(*add.partition("=")[2].split(","))
    assert helped.allows(host, address or str(literal(host) or "10.9.9.9"), 80)


def test_a_refusal_of_what_is_never_allowed_promises_nothing():
    assert "add it" not in targets("public").refusal("0.0.0.0", 80)


def test_a_list_that_opens_everything_is_known():
    for words in (("*",), ("public", "*"), ("0.0.0.0/0",), LAB):
        assert targets(*words).everything
    for words in (("public", "private"), ("*:443",), ("*.com",), ("10.0.0.0/8",), ()):
        assert not targets(*words).everything


@given(st.ip_addresses())
def test_every_address_is_of_one_kind_and_the_lab_opens_three_of_them(ip):
    assert targets(*LAB).allows("h", str(ip), 80) is (kind_of(ip) not in {Kind.GUARDED, Kind.NOWHERE})


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_is_of_one_kind_however_it_is_wrapped(ip):
    number = int(ip)
    wraps = (f"::ffff:{ip}", f"64:ff9b::{ip}", f"2002:{number >> 16:x}:{number & 0xFFFF:x}::1")
    for wrapped in wraps:
        for words in (("public",), LAB, ("0.0.0.0/0",)):
            assert targets(*words).allows("h", wrapped, 80) is targets(*words).allows("h", str(ip), 80)
