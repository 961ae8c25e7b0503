"""What an IP address is, however it is written or wrapped: decides what a lab may connect to (`targets`)."""

import ipaddress
import re
import socket
from enum import StrEnum
from functools import lru_cache
from typing import Final

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Kind(StrEnum):
    """What an address is for."""

    PUBLIC = "public"  #: a host of the Internet
    PRIVATE = "private"  #: a host of a local network
    LOOPBACK = "loopback"  #: this machine
    GUARDED = "guarded"  #: link-local, or where a cloud hands out credentials to whoever asks
    NOWHERE = "nowhere"  #: no host at all


#: link-local (RFC 3927, RFC 4291), and the metadata services of AWS, Google, Alibaba, Oracle and Azure elsewhere
GUARDED: Final = tuple(
    ipaddress.ip_network(text)
    for text in (
        *("169.254.0.0/16", "fe80::/10", "fd00:ec2::/32", "fd20:ce::254"),
        *("100.100.100.200", "192.0.0.192", "168.63.129.16"),
    )
)
#: on Linux a connection to 0.0.0.0 or :: reaches this machine, so they are not merely useless
_NOWHERE: Final = tuple(map(ipaddress.ip_network, ("0.0.0.0/8", "240.0.0.0/4", "::/128")))
_GLOBAL_UNICAST: Final = ipaddress.ip_network("2000::/3")
#: networks whose last 32 bits are an IPv4 address: NAT64 (RFC 6052, RFC 8215), IPv4-translated (RFC 2765) and
#: IPv4-compatible (RFC 4291 section 2.5.5.1)
_EMBEDDING: Final = tuple(map(ipaddress.ip_network, ("64:ff9b::/96", "64:ff9b:1::/96", "::ffff:0:0:0/96", "::/96")))


@lru_cache(maxsize=1024)
def kind_of(ip: Address) -> Kind:
    """Tell what an address is; one that wraps an IPv4 address is what is wrapped."""
    ip = unwrapped(ip)
    if ip.is_loopback:
        return Kind.LOOPBACK
    if any(ip in network for network in GUARDED):
        return Kind.GUARDED
    if ip.is_multicast or any(ip in network for network in _NOWHERE):
        return Kind.NOWHERE
    if ip.is_global and (ip.version == 4 or ip in _GLOBAL_UNICAST):
        return Kind.PUBLIC
    return Kind.PRIVATE


def address_of(text: str) -> Address:
    """Read a numeric address as a resolver gives it, without its zone. Raises ValueError."""
    return unwrapped(ipaddress.ip_address(text.partition("%")[0]))


def literal(host: str) -> Address | None:
    """The address that a host is written as, in any way that a resolver understands (`2130706433`, `0x7f.1`)."""
    plain = plain_name(host)
    if plain == "localhost" or plain.endswith(".localhost"):
        return ipaddress.IPv4Address("127.0.0.1")  # RFC 6761 section 6.3
    try:
        return address_of(host)
    except ValueError:
        pass
    if re.fullmatch(r"[0-9a-fx.]+", plain):
        try:
            return ipaddress.IPv4Address(socket.inet_aton(plain))
        except OSError:
            return None
    return None


def plain_name(name: str) -> str:
    """A host name as names are compared."""
    return name.lower().rstrip(".")


def unwrapped(ip: Address) -> Address:
    """The IPv4 address that an IPv6 address stands for, or the address itself."""
    if isinstance(ip, ipaddress.IPv4Address) or ip.is_loopback or ip.is_unspecified:
        return ip
    inside = ip.ipv4_mapped or ip.sixtofour
    if inside is None and any(ip in network for network in _EMBEDDING):
        inside = ipaddress.IPv4Address(int(ip) & 0xFFFF_FFFF)
    return inside or ip
