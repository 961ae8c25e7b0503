"""Whom a lab may connect to: one language for the CSMSs that chargers dial and the servers they exchange files with.

A setting is a list of words; what none of them allows is refused. A word names a place, and may end in a port or a
range of ports (`public:443`, `10.0.0.0/8:9000-9100`, `[fd00::/8]:443`):

- `public`: addresses of the Internet; `private`: those of local networks; `loopback`: this machine
- a network or an address: `192.168.0.0/16`, `10.1.2.3`, `fd00::/8`
- a name or a pattern of names: `csms.internal`, `*.example.com`, wherever they lead
- `*`: everything

Addresses that no word but their own network opens: link-local ones and those where clouds hand out their credentials
to whoever asks. What is no address of a host (0.0.0.0, multicast) is refused whatever is listed.
"""

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final

from ocpplab.common.addresses import GUARDED, Address, Kind, Network, address_of, kind_of, literal, plain_name

LAST_PORT: Final = 65535
#: the word for the host that the charger dials, in a setting that knows one
CSMS: Final = "csms"
_LONGEST_SHOWN: Final = 150
_SAMPLES: Final = ("1.1.1.1", "10.0.0.1", "127.0.0.1")  #: one address of each kind that a word opens
_MEANING: Final = {
    Kind.PUBLIC: "an address of the Internet",
    Kind.PRIVATE: "an address of a private network",
    Kind.LOOPBACK: "an address of the lab's own machine",
    Kind.GUARDED: "a link-local address or one where a cloud hands out credentials",
    Kind.NOWHERE: "no address of a host",
}


class BadWord(ValueError):
    """A word that means nothing; the message says what could be written."""


class TargetNotAllowed(ValueError):
    """A lab does not connect there; the message says why and what to do (`Targets.refusal`)."""

    code = "target_not_allowed"


@dataclass(slots=True, frozen=True)
class _Word:
    """One word: at most one of `kind`, `network`, `pattern`, `csms` is set; none for `*`."""

    first: int
    last: int
    kind: Kind | None = None
    network: Network | None = None
    pattern: str = ""
    csms: bool = False

    def takes(self, port: int | None) -> bool:
        return port is None or self.first <= port <= self.last


class Targets:
    """The words of one setting. Never changes."""

    def __init__(self, setting: str, words: Sequence[str], *, csms: "Targets | None" = None) -> None:
        """`csms` gives the word `csms` its meaning: the host that the charger dials, where these allow it.

        Raises `BadWord`.
        """
        self.setting = setting
        self.words = tuple(words)
        self._csms = csms
        self._parsed = tuple(_parsed(word, own_csms=csms is not None) for word in words)

    def __str__(self) -> str:
        return ",".join(self.words)

    @property
    def everything(self) -> bool:
        """Whether any host of any kind may be connected to at any port."""
        return all(self.allows("host.invalid", address, port) for address in _SAMPLES for port in (1, LAST_PORT))

    def allows(self, name: str, address: str, port: int | None, *, csms: str = "") -> bool:
        """Whether `address`, which is one of the host `name`, may be connected to at `port` (None: at some port).

        `csms` is the name of the host that the charger dials.
        """
        ip = address_of(address)
        if kind_of(ip) is Kind.NOWHERE:
            return False
        plain, own = plain_name(name), plain_name(csms)
        return any(word.takes(port) and self._opens(word, plain, ip, own) for word in self._parsed)

    def may_allow(self, host: str, port: int) -> bool:
        """Whether `host` could be allowed by what is known before its name is looked up."""
        ip = literal(host)
        if ip is not None:
            return self.allows(host, str(ip), port)
        plain = plain_name(host)
        return any(word.takes(port) and (not word.pattern or fnmatchcase(plain, word.pattern)) for word in self._parsed)

    def refusal(self, host: str, port: int, address: str = "") -> str:
        """The sentence for whoever asked: what is refused and why, and what to do. `address` is the host's if known."""
        ip = literal(host) or (address_of(address) if address else None)
        kind = kind_of(ip) if ip is not None else None
        what = own = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        if ip is not None and kind is not None:
            what += f"{f' ({ip})' if literal(host) is None else ''} is {_MEANING[kind]};"
            if kind is Kind.NOWHERE:
                return f"{what} give the address of the CSMS itself."
            if kind is Kind.GUARDED:
                own = str(ip)  # a name opens none of these
        shown = str(self) if len(str(self)) <= _LONGEST_SHOWN else f"{str(self)[:_LONGEST_SHOWN]}…"
        return (
            f"{what} {self.setting} of this lab ({shown}) does not allow it. "
            f"Whoever runs the lab can add it: {self.setting}={shown},{own}"
        )

    def _opens(self, word: _Word, name: str, ip: Address, csms: str) -> bool:
        kind = kind_of(ip)
        if word.network is not None:
            return ip in word.network and (kind is not Kind.GUARDED or _is_guarded(word.network))
        if kind is Kind.GUARDED:
            return False
        if word.csms:
            # What the charger may dial by that name: a name that leads somewhere else by now opens nothing.
            return self._csms is not None and name == csms and self._csms.allows(name, str(ip), None)
        if word.kind is not None:
            return kind is word.kind
        return not word.pattern or fnmatchcase(name, word.pattern)


def _is_guarded(network: Network) -> bool:
    """Whether somebody who lists this network means guarded addresses and nothing else."""
    return any(network.version == one.version and network.subnet_of(one) for one in GUARDED)  # type: ignore[arg-type]


_BRACKETED: Final = re.compile(r"\[([^\]]*)\](?::(.*))?")
_PORTS: Final = re.compile(r"([0-9]{1,5})(?:-([0-9]{1,5}))?")
_NAME: Final = re.compile(r"(?=.*[a-z])[a-z0-9_*?.-]+")


def _parsed(text: str, *, own_csms: bool) -> _Word:
    place, ports = _split(text.strip().lower())
    first, last = _ports(text, ports)
    if place == "*":
        return _Word(first, last)
    if place == CSMS and own_csms:
        return _Word(first, last, csms=True)
    if place in {Kind.PUBLIC, Kind.PRIVATE, Kind.LOOPBACK}:
        return _Word(first, last, kind=Kind(place))
    try:
        return _Word(first, last, network=ipaddress.ip_network(place, strict=False))
    except ValueError:
        pass
    if not _NAME.fullmatch(place):
        raise BadWord(
            f"{text!r} names no place: write public, private, loopback, a network (10.0.0.0/8), a name or "
            "*.example.com, each with or without :PORT or :FIRST-LAST ([fd00::/8]:443 for IPv6)"
        )
    return _Word(first, last, pattern=place.rstrip("."))


def _split(text: str) -> tuple[str, str | None]:
    """Cut off the ports. More than one colon without brackets is an IPv6 network."""
    if bracketed := _BRACKETED.fullmatch(text):
        return bracketed[1], bracketed[2]
    if text.count(":") == 1:
        place, _, ports = text.partition(":")
        return place, ports
    return text, None


def _ports(text: str, ports: str | None) -> tuple[int, int]:
    if ports is None:
        return 1, LAST_PORT
    found = _PORTS.fullmatch(ports)
    first = int(found[1]) if found else 0
    last = int(found[2] or first) if found else 0
    if not 1 <= first <= last <= LAST_PORT:
        raise BadWord(f"{text!r} has no port behind its colon: write :PORT or :FIRST-LAST, from 1 to {LAST_PORT}")
    return first, last
