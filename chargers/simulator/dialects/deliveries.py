"""The queue of transaction messages: in order, kept while offline and over restarts, bounded."""

from collections import deque
from dataclasses import dataclass
from typing import Any, Final

from chargers.protocol import Payload
from chargers.simulator.model.flat import flattener

MAX_SAMPLES: Final = 240  #: meter values that may wait; then every second one of them is given up
MAX_ESSENTIAL: Final = 1_000  #: messages that are never given up; then no new transaction begins


@dataclass(slots=True)
class Delivery:
    """One transaction message. `key` is the transaction's, `sequence` counts its messages from 1.

    `at` is the message's own time by the charger's clock; `late`: it was made while there was no CSMS.
    `essential` ones (start, end) are never given up to save room. `due` is the session's time of the next try.
    """

    action: str
    payload: Payload
    key: str
    sequence: int
    at: float
    late: bool
    essential: bool
    turn: int = 0
    attempts: int = 0
    due: float = 0.0


_ROW: Final = flattener(Delivery, without=frozenset({"turn", "due"}))


class Deliveries:
    """Waiting messages of all transactions, oldest first, and the CSMS's ids of the transactions they belong to."""

    __slots__ = ("numbers", "waiting")

    def __init__(self) -> None:
        self.waiting: deque[Delivery] = deque()
        self.numbers: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self.waiting)

    @property
    def full(self) -> bool:
        """Whether no new transaction may begin."""
        return sum(one.essential for one in self.waiting) >= MAX_ESSENTIAL

    def due(self, now: float) -> Delivery | None:
        """The oldest one, if it may be tried now: no other ever overtakes it."""
        head = self.waiting[0] if self.waiting else None
        return head if head is not None and head.due <= now else None

    def add(self, delivery: Delivery) -> list[Delivery]:
        """Append a message. Returns those that were given up to make room."""
        self.waiting.append(delivery)
        if delivery.essential or sum(not one.essential for one in self.waiting) <= MAX_SAMPLES:
            return []
        return self._thin()

    def done(self, delivery: Delivery) -> None:
        """Take a message out, which is the oldest one."""
        if self.waiting and self.waiting[0] is delivery:
            self.waiting.popleft()

    def waits_for(self, key: str) -> bool:
        """Whether any message of a transaction waits."""
        return any(one.key == key for one in self.waiting)

    def dump(self) -> dict[str, Any]:
        """As JSON, for the memory."""
        return {"waiting": [_ROW(one) for one in self.waiting], "numbers": self.numbers}

    def load(self, memory: dict[str, Any]) -> int:
        """Take back what `dump` gave. Returns how many turns that uses up."""
        self.numbers = dict(memory["numbers"])
        self.waiting = deque(Delivery(**row, turn=turn) for turn, row in enumerate(memory["waiting"], 1))
        return len(self.waiting)

    def _thin(self) -> list[Delivery]:
        """Give up every second one that is not essential, but not the oldest, which may be on its way."""
        dropped: list[Delivery] = []
        kept: deque[Delivery] = deque()
        odd = False
        for place, one in enumerate(self.waiting):
            odd = odd if one.essential else not odd
            if place and not one.essential and not odd:
                dropped.append(one)
            else:
                kept.append(one)
        self.waiting = kept
        return dropped
