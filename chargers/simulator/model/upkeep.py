"""What a charger keeps about its firmware, its logs and its certificates, made when it is first needed."""

import re
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, Final
from urllib.parse import unquote, urlsplit

MAX_EVENTS: Final = 200  #: security events that the log holds; the oldest make room (A04.FR.04 "rolling")
MAX_NOTICES: Final = 200  #: notices that wait for the CSMS; then the oldest are given up
LONGEST_WAIT: Final = 30 * 86_400.0  #: s between two tries, whatever the CSMS asks for
MOST_TRIES: Final = 100

_VERSION: Final = re.compile(r"\d+(?:\.\d+)+(?:[-+][0-9A-Za-z.]+)?", re.ASCII)
_SUFFIX: Final = re.compile(r"\.(?:bin|fw|img|zip|tar|gz|tgz|xz|bz2|swu|raucb|upd|pkg|hex|deb|dat)$", re.IGNORECASE)


class Step(StrEnum):
    """Where a firmware update or an upload stands."""

    SCHEDULED = "scheduled"  #: waits for the time to begin
    TRANSFER = "transfer"  #: the file is on its way, or pretends to be
    PAUSE = "pause"  #: waits for the next try
    HELD = "held"  #: downloaded, waits for the time to install
    WAITING = "waiting"  #: waits for the last transaction
    INSTALLING = "installing"
    LEAVING = "leaving"  #: installed, about to reboot
    REBOOTING = "rebooting"


@dataclass(slots=True)
class Signature:
    """What proves that firmware is genuine: PEM certificate, signature in base64, and the request it came with."""

    request_id: int
    certificate: str
    signature: str


@dataclass(slots=True)
class Update:
    """A firmware update under way. Times with `_at` are of the charger's clock, `ready` is the session's."""

    location: str
    start_at: float
    tries: int
    pause: float
    signed: Signature | None = None
    install_at: float | None = None
    step: Step = Step.SCHEDULED
    told: str = ""  #: the status that the CSMS was told last
    transfer: str = ""
    ready: float = 0.0
    failed: bool = False  #: the file did not come
    digest: str = ""  #: of the file, in hex; "" until it is there


@dataclass(slots=True)
class Log:
    """An upload under way. `request_id` is None for GetDiagnostics."""

    location: str
    name: str
    tries: int
    pause: float
    request_id: int | None = None
    security: bool = False
    since: float | None = None
    until: float | None = None
    step: Step = Step.TRANSFER
    told: str = ""
    transfer: str = ""
    ready: float = 0.0
    outcome: str = ""  #: the status that the end of the transfer means; "" until then


@dataclass(slots=True)
class Notice:
    """A message that must reach the CSMS, in order, whenever there is one."""

    action: str
    payload: dict[str, Any]
    tries: int = 0


@dataclass(slots=True)
class Credential:
    """The charger's own certificate: its chain and private key, in PEM, valid from `begins` (seconds since 1970)."""

    chain: str
    key: str
    begins: float


@dataclass(slots=True)
class Upkeep:
    """All of it. Everything but `sending` outlasts a restart."""

    update: Update | None = None
    last_plain: str = ""  #: what FirmwareStatusNotification said last
    last_signed: str = ""  #: what SignedFirmwareStatusNotification said last
    last_request: int | None = None  #: the request that it was about
    log: Log | None = None
    notices: list[Notice] = field(default_factory=list)
    sending: bool = False  #: the oldest notice is on its way
    events: list[list[str]] = field(default_factory=list)  #: security events, oldest first: time, type, words
    roots: dict[str, list[str]] = field(default_factory=dict)  #: PEM of installed certificates, by their use
    key: str = ""  #: private key that waits for its certificate
    making: str = ""  #: the key pair that is being made
    credentials: list[Credential] = field(default_factory=list)
    proved: str = "0"  #: the security profile that a connection was last made with
    failures: int = 0  #: dials that failed with a security profile that was never proved
    count: int = 0  #: of transfers and keys

    def next_id(self, kind: str) -> str:
        """A name for the next transfer or key."""
        self.count += 1
        return f"{kind}-{self.count}"

    def dump(self) -> dict[str, Any]:
        """As JSON, for the memory."""
        memory = asdict(self)
        del memory["sending"], memory["making"]
        return {name: value for name, value in memory.items() if value}

    @classmethod
    def load(cls, memory: dict[str, Any]) -> "Upkeep":
        """From what `dump` gave."""
        made = cls(**{name: value for name, value in memory.items() if name not in _NESTED})
        if "update" in memory:
            row = memory["update"]
            signed = Signature(**row["signed"]) if row["signed"] else None
            made.update = Update(**{**row, "signed": signed, "step": Step(row["step"])})
        if "log" in memory:
            made.log = Log(**{**memory["log"], "step": Step(memory["log"]["step"])})
        made.notices = [Notice(**row) for row in memory.get("notices", ())]
        made.credentials = [Credential(**row) for row in memory.get("credentials", ())]
        return made


_NESTED: Final = frozenset({"update", "log", "notices", "credentials"})


def tries_of(retries: int | None) -> int:
    """How often to try: what the CSMS asks for, once when it leaves that open."""
    return min(max(retries or 1, 1), MOST_TRIES)


def pause_of(seconds: int | None, otherwise: float) -> float:
    """How long to wait between two tries."""
    return otherwise if seconds is None else min(max(float(seconds), 0.0), LONGEST_WAIT)


def version_of(location: str, current: str) -> str:
    """The version of the firmware at a location: what its file name says, else the current one counted up."""
    name = unquote(urlsplit(location).path.rpartition("/")[2]) if _is_address(location) else ""
    while _SUFFIX.search(name):
        name = _SUFFIX.sub("", name)
    found = _VERSION.search(name)
    if found:
        return found.group()[:50]
    head, digits, tail = _last_number(current)
    return (f"{head}{int(digits) + 1}{tail}" if digits else f"{current}.1" if current else "1.1")[-50:]


def _is_address(location: str) -> bool:
    try:
        urlsplit(location)
    except ValueError:
        return False
    return True


def _last_number(text: str) -> tuple[str, str, str]:
    found = re.search(r"([0-9]{1,9})([^0-9]*)$", text)
    return (text[: found.start()], found.group(1), found.group(2)) if found else (text, "", "")
