"""What the built-in CSMS knows: stations, their transactions, and the rules that it answers by. Pure."""

from collections import OrderedDict, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from chargers.protocol import Fault, Version

from .tags import Tags
from .transactions import Transaction

MAX_CONNECTORS: Final = 256  #: per station; more distinct connector ids than that are not remembered
MAX_TRANSACTIONS: Final = 64  #: per station, finished ones forgotten first
RETRY_INTERVAL: Final = 10  #: seconds, told with Pending and Rejected when the policy names none
_MAX_TEXT: Final = 500


class Registration(StrEnum):
    """RegistrationStatus of 1.6 (§7.42) and RegistrationStatusEnumType of 2.0.1, which have the same words."""

    ACCEPTED = "Accepted"
    PENDING = "Pending"
    REJECTED = "Rejected"


class Refusal(Exception):
    """A handler cannot answer with a result: the CALLERROR to send instead."""

    def __init__(self, fault: Fault, description: str) -> None:
        super().__init__(description)
        self.fault = fault
        self.description = description


@dataclass(slots=True, frozen=True)
class BootPolicy:
    """How a BootNotification is answered. `interval` in seconds; None means the usual one for that status."""

    status: Registration = Registration.ACCEPTED
    interval: int | None = None


class Numbers:
    """A stock of transaction numbers for 1.6, where the CSMS gives them (StartTransaction.conf, §6.46).

    They come in blocks from outside (a database sequence), so that no two web processes and no two runs ever give the
    same one, without a query per transaction.
    """

    __slots__ = ("_blocks", "left")

    def __init__(self) -> None:
        self._blocks: deque[range] = deque()
        self.left = 0  #: how many can be taken before the stock is empty

    def add(self, first: int, count: int) -> None:
        """Put the numbers `first … first + count - 1` into the stock."""
        self._blocks.append(range(first, first + count))
        self.left += count

    def take(self) -> int:
        """The next number. Raises Refusal when the stock is empty: the charger will ask again."""
        if not self.left:
            raise Refusal(Fault.INTERNAL, "no transaction number at hand, the database is away: try again")
        block = self._blocks.popleft()
        if len(block) > 1:
            self._blocks.appendleft(block[1:])
        self.left -= 1
        return block[0]


@dataclass(slots=True)
class Rules:
    """What the CSMS answers by: boot policies by station, the heartbeat interval in seconds, numbers, id tags."""

    heartbeat_interval: int = 60
    policies: dict[str, BootPolicy] = field(default_factory=dict)
    numbers: Numbers = field(default_factory=Numbers)
    tags: Tags = field(default_factory=Tags)

    def boot(self, key: str) -> tuple[Registration, int]:
        """The status and the interval to answer the BootNotification of this station with."""
        policy = self.policies.get(key) or self.policies.get(EVERY_STATION) or BootPolicy()
        usual = self.heartbeat_interval if policy.status is Registration.ACCEPTED else RETRY_INTERVAL
        return policy.status, usual if policy.interval is None else policy.interval


EVERY_STATION: Final = "*"  #: the key of the policy for stations that have none of their own


@dataclass(slots=True)
class Station:
    """One station, over all of its connections to this process.

    `registration` is the last answer to a BootNotification, None when none came (a station that was accepted by an
    earlier run, or by another web process, need not boot again after a mere reconnect). Times are seconds since the
    epoch. `links` are open now, `connections` were ever opened. `connectors` is keyed by `0`, `1` … in 1.6 and by
    `evse.connector` in 2.0.1. `touched` is the transaction that the message under way is about.
    """

    key: str
    version: Version
    connections: int = 0
    links: int = 0
    connected_at: float | None = None
    last_seen: float | None = None
    registration: Registration | None = None
    boots: int = 0
    boot: dict[str, Any] = field(default_factory=dict)
    heartbeats: int = 0
    messages: int = 0
    connectors: dict[str, dict[str, str]] = field(default_factory=dict)
    transactions: OrderedDict[str, Transaction] = field(default_factory=OrderedDict)
    touched: Transaction | None = None
    breaches: int = 0
    last_breach: str = ""
    late_answers: int = 0

    def breach(self, text: str) -> None:
        """Count one thing that the station should not have sent."""
        self.breaches += 1
        self.last_breach = text[:_MAX_TEXT]

    def connector(self, name: str, **facts: str) -> None:
        """Remember the status of a connector."""
        if name in self.connectors or len(self.connectors) < MAX_CONNECTORS:
            self.connectors[name] = facts

    def transaction(self, transaction: Transaction) -> Transaction:
        """Remember a new transaction; forgets the oldest finished one (else the oldest) when there are too many."""
        if len(self.transactions) >= MAX_TRANSACTIONS:
            finished = (one.id for one in self.transactions.values() if one.stopped_at is not None)
            del self.transactions[next(finished, next(iter(self.transactions)))]
        self.transactions[transaction.id] = transaction
        return transaction

    def remember(self, history: Iterable[Transaction]) -> None:
        """Take over transactions from the database, oldest first: this process may not have heard all of them."""
        for one in history:
            known = self.transactions.get(one.id)
            if known is None:
                self.transaction(one)
            elif known.messages < one.messages:
                self.transactions[one.id] = one

    def touch(self, transaction: Transaction, disorders: int) -> None:
        """The message under way was about this transaction, which had so many disorders before."""
        self.touched = transaction
        if transaction.disorders > disorders:
            self.breach(transaction.last_disorder)

    def as_dict(self) -> dict[str, Any]:
        """JSON for `csms_status`."""
        return {
            "identity": self.key,
            "version": self.version.value,
            "connected": self.links > 0,
            "connections": self.connections,
            "connected_at": self.connected_at,
            "last_seen": self.last_seen,
            "registration": self.registration,
            "boots": self.boots,
            "boot": self.boot,
            "heartbeats": self.heartbeats,
            "messages": self.messages,
            "connectors": self.connectors,
            "transactions": [one.as_dict() for one in self.transactions.values()],
            "breaches": self.breaches,
            "last_breach": self.last_breach,
            "late_answers": self.late_answers,
        }
