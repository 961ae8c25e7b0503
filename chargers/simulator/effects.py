"""What a session wants done, and what can be asked of it.

A session is a state machine without I/O: every call to it returns a list of effects, and the shell
(`chargers.simulator.host`) carries them out in order. Intents are the orders that reach a session from outside.
Nothing here knows OCPP, Django or the network.
"""

from dataclasses import field
from enum import StrEnum
from typing import Any, Final

from chargers.values import value


class ConnectionState(StrEnum):
    """Where a charger stands with its CSMS."""

    OFFLINE = "offline"  #: no connection and none being made (stopped, not held, or waiting for the next try)
    CONNECTING = "connecting"  #: dialling, or connected and waiting for the answer to BootNotification
    PENDING = "pending"  #: the CSMS answered BootNotification with Pending
    REJECTED = "rejected"  #: the CSMS answered BootNotification with Rejected
    ONLINE = "online"  #: accepted by the CSMS


class Direction(StrEnum):
    """Which way a logged frame went, in the contract's spelling; and a word of ours for rows that are no frames."""

    TO_CSMS = "cp_to_csms"
    FROM_CSMS = "csms_to_cp"
    CONNECTION = "connection"  #: why the connection ended, or never came to be


@value
class Credentials:
    """How a charger proves who it is, and whom it trusts (security profiles 1 to 3); never shown to people.

    `authorization` is the value of that HTTP header ("" for none). `tls`: the connection must be encrypted, whatever
    the address says. `roots` are the trusted certificates, in PEM; `certificate` (with its chain) and `key` are the
    charger's own, in PEM ("" for none).
    """

    authorization: str = field(default="", repr=False)
    tls: bool = False
    roots: tuple[str, ...] = ()
    certificate: str = ""
    key: str = field(default="", repr=False)


@value
class Connect:
    """Dial the CSMS now. Answered by `Session.connected` or `Session.disconnected`."""

    credentials: Credentials | None = None


@value
class Send:
    """Put one text frame on the socket, and keep it in the message log.

    `action` is the OCPP action of a CALL, and for an answer the action of the CALL that it answers ("" when that is
    not known).
    """

    text: str
    action: str = ""


@value
class Close:
    """Close the socket with a WebSocket close code. Answered by `Session.disconnected`."""

    code: int = 1000
    reason: str = ""


@value
class Received:
    """Keep one frame of the CSMS in the message log.

    `action` as in `Send`. `waited`: for an answer, how many seconds after its CALL was sent it came; None for every
    other frame.
    """

    text: str
    action: str
    waited: float | None = None


@value
class State:
    """The connection state changed; `detail` says why when it is not online ("" otherwise)."""

    state: ConnectionState
    detail: str = ""


@value
class Booted:
    """The CSMS answered BootNotification; `status` is its word: accepted, pending or rejected."""

    status: str


@value
class SetPing:
    """Send WebSocket pings every `interval` seconds from now on (0: none)."""

    interval: int


@value
class Settled:
    """An intent has its outcome: `ok`, a stable `code`, and `data` for whoever asked."""

    intent_id: str
    ok: bool
    code: str
    data: dict[str, Any]


@value
class Remember:
    """What the session must not forget changed: keep `Session.memory()`.

    `urgent`: a transaction, the queue of its messages, a setting, a list. Not urgent: the register moved on while
    charging; said at most once a minute.
    """

    urgent: bool


@value
class TransactionStarted:
    """A transaction began. `key` is the charger's own UUID for it, `at` its own time; `offline`: without a CSMS."""

    key: str
    connector: int
    id_tag: str
    at: float
    meter_start: int
    offline: bool
    reservation_id: int | None = None


@value
class TransactionSampled:
    """The register of a running transaction, in Wh, as told to the CSMS (or to be told, when offline)."""

    key: str
    at: float
    meter_wh: int


@value
class TransactionStopped:
    """A transaction ended. `reason` is a word of the charger's OCPP version."""

    key: str
    at: float
    meter_stop: int
    reason: str
    offline: bool


@value
class MessageAccepted:
    """The CSMS answered a transaction message with a result.

    `sequence` counts the messages of one transaction from 1 as they were made; `at` is the message's own time;
    `transaction_id` is the CSMS's id of the transaction, said with its start and its end as far as it is known then;
    None in others.
    """

    key: str
    action: str
    sequence: int
    at: float
    accepted_at: float
    transaction_id: str | None


@value
class MessageDropped:
    """A transaction message will never be sent (again); `why`: `attempts` used up, or `thinned` to bound the queue."""

    key: str
    action: str
    sequence: int
    at: float
    why: str


LedgerEvent = TransactionStarted | TransactionSampled | TransactionStopped | MessageAccepted | MessageDropped


@value
class Ledger:
    """What the charger knows to be true about its transactions. The same event may come again after a restart."""

    event: LedgerEvent


@value
class Download:
    """Fetch a file and throw it away: what counts is whether it came, and its digest. Answered by `transferred`."""

    id: str
    location: str


@value
class Upload:
    """Bring a file to a location. Answered by `Session.transferred`.

    It is called `name` there and begins with `head`; with `frames` the frames that the charger sent and received from
    `since` to `until` follow (seconds since the epoch by the charger's clock, None for no bound). `clock` is how much
    the charger's clock is ahead of the true time, in seconds.
    """

    id: str
    location: str
    name: str
    head: str
    frames: bool
    since: float | None = None
    until: float | None = None
    clock: float = 0.0


@value
class Abandon:
    """Give up a transfer: nobody waits for its end any more."""

    id: str


@value
class MakeKey:
    """Make a key pair and a certificate signing request for it. Answered by `Session.key_made`."""

    id: str
    common_name: str
    organization: str


class Verdict(StrEnum):
    """How a transfer ended."""

    DONE = "done"
    FAILED = "failed"  #: no such host, no such file, broken off, too big, too slow
    DENIED = "denied"  #: the server, or the lab, does not allow it
    UNSUPPORTED = "unsupported"  #: a scheme that the charger does not speak, or a server that takes no uploads
    BAD = "bad"  #: no usable address, or a server that speaks nonsense


@value
class Transfer:
    """The end of a transfer: `sha256` is the digest of a downloaded file in hex, `why` is for people."""

    verdict: Verdict
    size: int = 0
    sha256: str = ""
    why: str = ""


@value
class KeyPair:
    """A new private key and the signing request made with it, both in PEM."""

    key: str = field(repr=False)
    csr: str


Effect = (
    Connect
    | Send
    | Close
    | Received
    | State
    | Booted
    | SetPing
    | Settled
    | Remember
    | Ledger
    | Download
    | Upload
    | Abandon
    | MakeKey
)


@value
class Intent:
    """An order to one charger.

    `kind` names what is wanted (`reset`, …), `data` holds its arguments. `id` comes back in `Settled`.
    An intent that the session does not know is settled with `ok=False` and code `unknown_intent`.
    """

    id: str
    kind: str
    data: dict[str, Any]


NEVER: Final = float("inf")
