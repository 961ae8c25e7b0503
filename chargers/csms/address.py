"""What the path of a WebSocket says: which station it is. Pure."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

PREFIX = "/csms/"
MAX_IDENTITY = 48  #: characters, as in the row of a charger; OCPP itself allows 48 in 2.0.1 and 20 or more in 1.6
MAX_KEY = 300


@dataclass(slots=True, frozen=True)
class Address:
    """`identity` is the last segment of the path, percent-decoded: who the station says that it is.

    `key` is all that follows `/csms/`, decoded: what tells two stations apart. Anything may stand before the identity,
    so that two organizations which use the same identities can keep them apart
    (`ws://HOST/csms/one/SITE_A_001`, `ws://HOST/csms/two/SITE_A_001`).
    """

    key: str
    identity: str


def read_address(scope: dict[str, Any]) -> Address | None:
    """The address in an ASGI scope; None when it can be no station's."""
    # `raw_path`, because in `path` an encoded slash of an identity looks like one that parts segments.
    raw: bytes | None = scope.get("raw_path")
    path = raw.decode("ascii", errors="replace") if raw is not None else str(scope["path"])
    _, found, rest = path.partition(PREFIX)
    encoded = rest.rsplit("/", 1)[-1]
    key, identity = (unquote(rest), unquote(encoded)) if raw is not None else (rest, encoded)
    if not found or not identity or "\x00" in key or len(identity) > MAX_IDENTITY or len(key) > MAX_KEY:
        return None
    return Address(key, identity)


def station_key(ws_url: str, identity: str) -> str | None:
    """The key of a station that dials `ws_url` + `/` + `identity`; None when that is no address of a built-in CSMS."""
    _, found, before = f"{urlsplit(ws_url).path}/".partition(PREFIX)
    return unquote(before) + identity if found else None
