"""Charging transactions as the built-in CSMS heard of them, checked while they go on. Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from hashlib import blake2b
from math import isfinite
from typing import Any, Final

import orjson

from chargers.protocol import Payload, Version, parse_time

_KILO: Final = {"kWh": 1000.0, "Wh": 1.0}
_ENERGY: Final = "Energy.Active.Import.Register"
_TRIGGERED: Final = "Trigger"
_SLACK_WH: Final = 0.5  #: a register in kWh may be rounded
_MAX_TEXT: Final = 500
_REGISTERS: Final = frozenset({"meter_start", "last_wh", "meter_stop"})
_ROOM: Final = {"id_token": 255, "last_disorder": _MAX_TEXT}  #: characters; 64 for the rest


@dataclass(slots=True)
class Transaction:
    """One transaction. Times are what the station said, meter values in Wh.

    `token_status` is how its id tag was answered at the start. `messages` counts what the station sent for it, without
    repeats; a repeat of the last one is known by `digest`. `samples` counts the energy registers among the meter
    values, `last_wh` and `last_at` are the latest one's. `disorders` counts what cannot be: a register that falls, a
    time that runs back, a message after the end; `last_disorder` says which.
    """

    id: str
    connector: str = ""
    id_token: str = ""
    started_at: str | None = None
    meter_start: float | None = None
    stopped_at: str | None = None
    meter_stop: float | None = None
    reason: str = ""
    token_status: str = ""
    reservation_id: int | None = None
    last_seq_no: int | None = None
    messages: int = 0
    samples: int = 0
    last_wh: float | None = None
    last_at: str | None = None
    disorders: int = 0
    last_disorder: str = ""
    digest: str = ""

    @property
    def is_open(self) -> bool:
        """Whether it was started and did not end."""
        return self.stopped_at is None

    def is_repeat(self, payload: Payload) -> bool:
        """Whether a message is the one before it once more: the station did not get our answer (1.6 §3.7.1).

        Counts it when it is not.
        """
        digest = blake2b(orjson.dumps(payload, option=orjson.OPT_SORT_KEYS), digest_size=8).hexdigest()
        if digest == self.digest:
            return True
        self.digest = digest
        self.messages += 1
        return False

    def sample(self, wh: float, at: str) -> None:
        """A register came, in its turn."""
        self.samples += 1
        floor = self.last_wh if self.last_wh is not None else self.meter_start
        if floor is not None and wh < floor - _SLACK_WH:
            self.disorder(f"the register fell from {floor:g} to {wh:g} Wh at {at}")
        before = self.last_at or self.started_at
        if before is not None and _earlier(at, before):
            self.disorder(f"a value of {at} came after one of {before}")
        self.last_wh, self.last_at = wh, at

    def stop(self, *, at: str, wh: float | None, reason: str) -> None:
        """It ended."""
        self.stopped_at, self.meter_stop, self.reason = at, wh, reason
        floor = self.last_wh if self.last_wh is not None else self.meter_start
        if wh is not None and floor is not None and wh < floor - _SLACK_WH:
            self.disorder(f"meterStop {wh:g} is below {floor:g} Wh")
        before = self.last_at or self.started_at
        if before is not None and _earlier(at, before):
            self.disorder(f"it ended at {at}, before {before}")

    def check_within(self, wh: float) -> None:
        """A register that is told once more with the end must lie between start and stop."""
        low, high = self.meter_start, self.meter_stop
        if (low is not None and wh < low - _SLACK_WH) or (high is not None and wh > high + _SLACK_WH):
            self.disorder(f"transaction data has {wh:g} Wh, outside of {low} to {high}")

    def disorder(self, text: str) -> None:
        """Count one thing that cannot be."""
        self.disorders += 1
        self.last_disorder = f"transaction {self.id}: {text}"[:_MAX_TEXT]

    def as_dict(self) -> dict[str, Any]:
        """JSON for `csms_status`."""
        return {name: getattr(self, name) for name in COLUMNS}

    def as_columns(self) -> dict[str, Any]:
        """The columns of its row. Values of a station have one type, fit, and hold nothing that a database refuses."""
        return {name: _fit(name, value) for name, value in self.as_dict().items()}


COLUMNS: Final = tuple(one.name for one in fields(Transaction))


@dataclass(slots=True, frozen=True)
class Entry:
    """A transaction as it stands, to be kept: `columns` are named as in `Transaction`."""

    station: str
    version: Version
    columns: dict[str, Any]


def _fit(name: str, value: object) -> object:
    if isinstance(value, str):
        return value.replace("\x00", "\ufffd")[: _ROOM.get(name, 64)]
    return float(value) if name in _REGISTERS and isinstance(value, int) else value


def _earlier(at: str, than: str) -> bool:
    one, other = parse_time(at), parse_time(than)
    return one is not None and other is not None and one < other


def is_triggered(meter_values: Iterable[dict[str, Any]]) -> bool:
    """Whether the CSMS asked for these values: such ones may overtake those that wait for their turn (1.6 §3.7)."""
    return all(value.get("context") == _TRIGGERED for entry in meter_values for value in entry["sampledValue"])


def registers(meter_values: Iterable[dict[str, Any]]) -> Iterator[tuple[str, float]]:
    """The times and energy registers (Wh) among meter values of either version; triggered ones are left out."""
    for entry in meter_values:
        for value in entry["sampledValue"]:
            if value.get("measurand", _ENERGY) != _ENERGY or "phase" in value or value.get("context") == _TRIGGERED:
                continue
            unit = value.get("unitOfMeasure", {})  # 2.0.1
            try:
                factor = _KILO[value.get("unit") or unit.get("unit", "Wh")] * 10.0 ** unit.get("multiplier", 0)
                wh = float(value["value"]) * factor
            except (KeyError, ValueError, OverflowError):  # another unit, or signed data
                continue
            if isfinite(wh):
                yield entry["timestamp"], wh
