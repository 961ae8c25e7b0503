"""Two books about the same transactions, the charger's and the CSMS's: do they agree?"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from math import floor
from typing import Any

from chargers.protocol import parse_time
from chargers.simulator.effects import (
    LedgerEvent,
    MessageAccepted,
    MessageDropped,
    TransactionSampled,
    TransactionStarted,
    TransactionStopped,
)
from tests.support.reference_csms import Charge

SLACK = 0.0015  # seconds: what is told is rounded to milliseconds


@dataclass
class Seen:
    """One transaction in one book. Times in seconds since the epoch, registers in Wh.

    `id` is the CSMS's number, None when it never gave one. `samples` of a charger are what it told; `messages` are the
    actions that the CSMS accepted, in the order of their acceptance (only in a charger's book).
    """

    id: str | None
    connector: int
    tag: str
    started_at: float | None
    meter_start: float | None
    stopped_at: float | None = None
    meter_stop: float | None = None
    reason: str | None = None
    samples: int = 0
    last_wh: float | None = None
    disorders: int = 0
    messages: list[tuple[int, str]] = field(default_factory=list)
    dropped: int = 0

    @property
    def key(self) -> tuple[Any, ...]:
        # Whole milliseconds, as they are told: cut off, not rounded.
        return (self.connector, self.tag, floor((self.started_at or 0.0) * 1000 + 0.01), self.meter_start)


def lived(events: Iterable[LedgerEvent]) -> list[Seen]:
    """The charger's book, from the events of its ledger. An event may come again: it counts once."""
    book: dict[str, Seen] = {}
    told: dict[str, set[tuple[int, str]]] = {}
    for event in events:
        match event:
            case TransactionStarted():
                book.setdefault(
                    event.key, Seen(None, event.connector, event.id_tag, event.at, float(event.meter_start))
                )
            case TransactionSampled():
                book[event.key].last_wh = float(event.meter_wh)
            case TransactionStopped():
                one = book[event.key]
                one.stopped_at, one.meter_stop, one.reason = event.at, float(event.meter_stop), event.reason
            case MessageAccepted():
                one = book[event.key]
                if (event.sequence, event.action) not in told.setdefault(event.key, set()):
                    told[event.key].add((event.sequence, event.action))
                    one.messages.append((event.sequence, event.action))
                    one.id = event.transaction_id or one.id
            case MessageDropped():
                book[event.key].dropped += 1
    return list(book.values())


def kept_by_built_in(row: dict[str, Any]) -> Seen:
    """A transaction of the built-in CSMS (`Transaction.as_dict`, or the columns of its row)."""
    return Seen(
        str(row.get("transaction_id", row["id"])),
        int(row["connector"] or 0),
        row["id_token"],
        _time(row["started_at"]),
        row["meter_start"],
        _time(row["stopped_at"]),
        row["meter_stop"],
        row["reason"] or None,
        row["samples"],
        row["last_wh"],
        row["disorders"],
    )


def kept_by_reference(one: Charge) -> Seen:
    """A transaction of the reference CSMS."""
    start, stop = one.start or {}, one.stop or {}
    samples = sorted(one.samples, key=lambda sample: _time(sample[0]) or 0.0)
    disorders = int(samples != one.samples) + int([wh for _, wh in samples] != sorted(wh for _, wh in samples))
    registers = [
        wh for wh in (start.get("meter_start"), *(wh for _, wh in samples), stop.get("meter_stop")) if wh is not None
    ]
    return Seen(
        str(one.id),
        int(start.get("connector_id", 0)),
        start.get("id_tag", ""),
        _time(start.get("timestamp")),
        start.get("meter_start"),
        _time(stop.get("timestamp")),
        stop.get("meter_stop"),
        stop.get("reason", "Local") if stop else None,
        len(one.samples),
        one.samples[-1][1] if one.samples else None,
        disorders + int(registers != sorted(registers)),
    )


def _time(text: str | None) -> float | None:
    return None if text is None else parse_time(text)


def compare(charger: list[Seen], csms: list[Seen]) -> list[str]:
    """How the books of one charger disagree, in words; empty when they agree on everything.

    Every transaction that the charger lived is in the CSMS's book exactly once, with the same times, registers and
    reason; nothing else is in it; its messages were accepted once each and in order.
    """
    complaints = [f"{count} transactions are {key}" for key, count in Counter(map(_key, csms)).items() if count > 1]
    there = {one.key: one for one in csms}
    for one in charger:
        other = there.pop(one.key, None)
        if other is None:
            complaints.append(f"the CSMS never saw {one}")
            continue
        complaints += _differences(one, other)
    complaints += [f"the charger never lived {one}" for one in there.values()]
    return complaints


def _key(one: Seen) -> tuple[Any, ...]:
    return one.key


def _differences(one: Seen, other: Seen) -> list[str]:
    found = [
        f"{name}: {getattr(one, name)} at the charger, {getattr(other, name)} at the CSMS: {other}"
        for name in ("id", "meter_stop", "reason")
        if getattr(one, name) != getattr(other, name)
    ]
    if abs((one.stopped_at or 0.0) - (other.stopped_at or 0.0)) > SLACK:
        found.append(f"it stopped at {one.stopped_at} for the charger, at {other.stopped_at} for the CSMS")
    if other.disorders:
        found.append(f"{other.disorders} disorders: {other}")
    values = sum(action == "MeterValues" for _, action in one.messages)
    if other.samples < values:
        found.append(f"{values} meter values were accepted, the CSMS has {other.samples}")
    numbers = [number for number, _ in one.messages]
    if numbers != sorted(set(numbers)):
        found.append(f"messages were accepted out of order: {one.messages}")
    actions = [action for _, action in one.messages]
    if one.stopped_at is not None and (actions[:1] != ["StartTransaction"] or actions[-1:] != ["StopTransaction"]):
        found.append(f"its messages are {actions}")
    return found
