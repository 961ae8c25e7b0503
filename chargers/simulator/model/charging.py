"""Who uses a connector: the right to use it, the transaction, the fault that forbids it."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol


class Refused(StrEnum):
    """Why the station does not do what it was asked for."""

    UNKNOWN_CONNECTOR = "unknown_connector"
    UNAVAILABLE = "unavailable"  #: out of service
    FAULTED = "faulted"
    CONNECTOR_OCCUPIED = "connector_occupied"  #: by a car, a transaction or somebody who showed a tag
    RESERVED = "reserved"  #: for somebody else
    NOT_PLUGGED = "not_plugged"
    ID_TAG_REFUSED = "id_tag_refused"
    NO_TRANSACTION = "no_transaction"
    MEMORY_FULL = "memory_full"  #: too many transaction messages wait for the CSMS


class FaultKind(StrEnum):
    """What can go wrong at a connector (the lab's words)."""

    GROUND_FAULT = "GroundFault"
    OVER_CURRENT = "OverCurrent"
    OVER_VOLTAGE = "OverVoltage"
    UNDER_VOLTAGE = "UnderVoltage"
    OVER_TEMPERATURE = "OverTemperature"
    INTERNAL_ERROR = "InternalError"
    CONNECTOR_LOCK_FAILURE = "ConnectorLockFailure"
    EV_COMMUNICATION_ERROR = "EVCommunicationError"
    POWER_METER_FAILURE = "PowerMeterFailure"
    WEAK_SIGNAL = "WeakSignal"


@dataclass(slots=True)
class Claim:
    """Somebody may charge at a connector and has not begun. It ends at `until` (the session's time).

    `parent` is the group of the tag; `options` is what came with a remote start and is the dialect's business.
    """

    tag: str
    until: float
    parent: str | None = None
    remote: bool = False
    options: Any = None
    lasts: float | None = None  #: s that the transaction is to last
    target_wh: int | None = None  #: the energy wanted
    leaves: bool = False  #: the car leaves when it ends like that


@dataclass(slots=True)
class Transaction:
    """One transaction. `key` is the charger's own UUID, `number` the id that the CSMS gave (None: not yet).

    `since` and `until` are of the session's time, `started_at` is the charger's own clock at the start. `start_wh` is
    the register at the start. It ends on its own at `until`, or when `target_wh` were delivered.
    `cap_wh`: the CSMS does not accept the tag; no energy flows beyond this register.
    """

    key: str
    connector: int
    tag: str
    since: float
    started_at: float
    start_wh: int
    parent: str | None = None
    number: int | None = None
    reservation: int | None = None
    remote: bool = False
    until: float | None = None
    target_wh: int | None = None
    cap_wh: int | None = None
    leaves: bool = False
    broken_at: float | None = None  #: it was cut off by a power cut at this session time
    sample_at: float | None = None  #: when the next sample is due
    sequence: int = 0  #: messages made so far
    sampled_wh: int = 0  #: the register at the last periodic sample, for measurands of an interval
    aligned_wh: int = 0  #: the register at the last clock-aligned sample
    data: list[dict[str, Any]] | None = None  #: meter values for the last message, as the dialect says them
    options: Any = None  #: of the claim


class Reservations(Protocol):
    """What the station asks about reservations. See `Station.reservations`."""

    def reserved(self, connector: int) -> bool:
        """Whether the connector is kept for somebody (so that it shows as reserved)."""

    def may_use(self, connector: int, tag: str, parent: str | None) -> bool:
        """Whether the holder of a tag may use the connector now. `parent` is None as long as it is not known."""

    def kept_for(self, connector: int, tag: str, parent: str | None) -> bool:
        """Whether the connector is kept for the holder of a tag, by a reservation of it."""

    def asks_parent(self, connector: int) -> bool:
        """Whether it may depend on the parent of a tag who may use the connector now."""

    def consume(self, connector: int, tag: str, parent: str | None) -> int | None:
        """A transaction begins: end the reservation that it uses, and return its id."""

    def described(self) -> list[dict[str, Any]]:
        """Each reservation for people."""
