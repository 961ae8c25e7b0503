"""What a charger's values must look like: one set of rules for the API, the imports, the admin and the jobs.

Each function returns the value as it is stored, or raises `ValueError` with a sentence that tells what to do.
"""

import ipaddress
import re
from urllib.parse import urlsplit

from django.conf import settings

from chargers.choices import ConnectorType, OcppVersion
from ocpplab.common.targets import TargetNotAllowed

IDENTITY_MAX = 48
WS_URL_MAX = 500

#: what RFC 3986 lets stand in a URL unescaped; everything else would reach the CSMS in some other form than given
_URL_TEXT = re.compile(r"[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]*")
_BROKEN_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_PORTS = {"ws": 80, "wss": 443}
_HOST_LABEL = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")


def ws_url_clean(text: str) -> str:
    """Check the address of a CSMS.

    The scheme is lowered and trailing slashes go, because a session dials `ws_url` + `/` + identity.
    """
    if len(text) > WS_URL_MAX:
        raise ValueError(f"The address may have {WS_URL_MAX} characters at most.")
    if not _URL_TEXT.fullmatch(text) or _BROKEN_ESCAPE.search(text):
        raise ValueError(
            "The address may hold URL characters only: no spaces, and percent-encode what is not ASCII "
            "(a host name in its xn-- form)."
        )
    scheme, colon, rest = text.partition(":")
    if scheme.lower() not in {"ws", "wss"} or not colon or not rest.startswith("//"):
        raise ValueError("The address must start with ws:// or wss://.")
    if "@" in rest.removeprefix("//").partition("/")[0]:
        raise ValueError("The address must not hold a user name or password.")
    if "#" in rest or "?" in rest:
        raise ValueError(
            "The address must not hold a query or a fragment: the identity is appended to it as its last path segment."
        )
    clean = f"{scheme.lower()}:{rest}".rstrip("/")
    _check_host(clean)
    return clean


def ws_url_dialable(text: str) -> str:
    """Check the address of a CSMS as `ws_url_clean` does, and that this lab may dial it (CSMS_TARGETS).

    Raises `TargetNotAllowed` for what is certain by now; what a name leads to is checked whenever it is dialled.
    """
    clean = ws_url_clean(text)
    parts, targets = urlsplit(clean), settings.CSMS_TARGETS
    host, port = parts.hostname or "", parts.port or _PORTS[parts.scheme]
    if not targets.may_allow(host, port):
        raise TargetNotAllowed(targets.refusal(host, port))
    return clean


def _check_host(url: str) -> None:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port  # both raise ValueError for what they cannot read
    except ValueError:
        raise ValueError("The address has a malformed host or port (a port is 1 to 65535).") from None
    if not host:
        raise ValueError("The address names no host: write ws://HOST:PORT/PATH.")
    if port == 0 or parts.netloc.endswith(":"):
        raise ValueError("The port must be 1 to 65535 (or leave the colon out).")
    if not (_is_ipv6(parts.netloc, host) if parts.netloc.startswith("[") else _is_name(host)):
        raise ValueError(f"{_shown(host)} is not a host name or IP address.")


def _is_name(host: str) -> bool:
    return len(host) <= 253 and all(_HOST_LABEL.fullmatch(label) for label in host.removesuffix(".").split("."))


def _is_ipv6(netloc: str, host: str) -> bool:
    try:
        ipaddress.IPv6Address(host)
    except ValueError:
        return False
    return re.fullmatch(r"\[[^\]]*\](:\d+)?", netloc) is not None


def identity_clean(text: str) -> str:
    """Check an OCPP identity: 1 to 48 printable characters that survive as one path segment of a URL."""
    if not text:
        raise ValueError("The identity must not be empty.")
    if len(text) > IDENTITY_MAX:
        raise ValueError(f"The identity {_shown(text)} has {len(text)} characters; at most {IDENTITY_MAX} are allowed.")
    if not text.isprintable():
        # also true for lone surrogates, which have no UTF-8 form
        raise ValueError("The identity must not hold control or invisible characters.")
    if text != text.strip():
        raise ValueError("The identity must not start or end with a space.")
    if text in {".", ".."}:
        raise ValueError("The identity must not be '.' or '..': as a path segment they mean another address.")
    return text


def ocpp_version_clean(text: str) -> OcppVersion:
    """Read an OCPP version in either spelling (`OCPP1.6`, `ocpp1.6`) and any letter case."""
    try:
        return OcppVersion(text.upper())
    except ValueError:
        raise ValueError(f"{_shown(text)} is not a known OCPP version: use {_listed(OcppVersion.values)}.") from None


def connector_type_clean(text: str) -> ConnectorType:
    """Check a connector type. It need not be one of the model's: the contract's own example pairs CCS2 with AC."""
    try:
        return ConnectorType(text)
    except ValueError:
        raise ValueError(
            f"{_shown(text)} is not a known connector type: use {_listed(ConnectorType.values)}."
        ) from None


def _shown(text: str) -> str:
    """Quote a value in a message; one of megabytes is cut."""
    return repr(text if len(text) <= 100 else f"{text[:100]}…")


def _listed(values: list[str]) -> str:
    return f"{', '.join(values[:-1])} or {values[-1]}"
