"""A charging profile as neutral data: limits over time, and when they apply.

The rules are those of OCPP 1.6 §3.13 and §7.8; 2.x says the same in other words. Times are seconds since the Unix
epoch, UTC; so a day has 86,400 s and recurring schedules know no summer time.
"""

from bisect import bisect_right
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Final, NamedTuple, Self

NEVER: Final = float("inf")


class Purpose(StrEnum):
    """What a profile limits."""

    STATION_MAX = "station_max"  #: all connectors together
    DEFAULT = "default"  #: every transaction that has no profile of its own
    TRANSACTION = "transaction"  #: one transaction


class Kind(StrEnum):
    """What the times of a schedule count from."""

    ABSOLUTE = "absolute"  #: its start
    DAILY = "daily"  #: its start, again every 24 hours
    WEEKLY = "weekly"  #: its start, again every 7 days
    RELATIVE = "relative"  #: the start of charging


class Unit(StrEnum):
    """The unit of a limit."""

    WATTS = "W"
    AMPS = "A"  #: per phase


class Period(NamedTuple):
    """`limit` in the schedule's unit from `start` seconds after the schedule's beginning. `phases` None: not said."""

    start: int
    limit: float
    phases: int | None = None


class Span(NamedTuple):
    """What a profile says at an instant, until `until`: a period, or None when it says nothing."""

    period: Period | None
    until: float


_CYCLE: Final = {Kind.DAILY: 86_400.0, Kind.WEEKLY: 604_800.0}


@dataclass(slots=True, frozen=True)
class Schedule:
    """Limits over time. `start` None: counted from the start of charging; `duration` None: the last period stays.

    `least` is the rate (in `unit`) below which charging is not worth while.
    """

    unit: Unit
    periods: tuple[Period, ...]
    start: float | None = None
    duration: int | None = None
    least: float = 0.0


@dataclass(slots=True, frozen=True)
class Profile:
    """One charging profile. Valid from `valid_from` (included) to `valid_to` (not included).

    `transaction` is the dialect's own id of a transaction, for `Purpose.TRANSACTION` only; None: whichever runs.
    """

    id: int
    purpose: Purpose
    level: int
    kind: Kind
    schedule: Schedule
    valid_from: float | None = None
    valid_to: float | None = None
    transaction: int | str | None = None

    def at(self, now: float, since: float | None) -> Span:
        """What it says at `now` when charging began at `since`.

        Without a `since`, a schedule that counts from the start of charging stands at its beginning.
        """
        if self.valid_from is not None and now < self.valid_from:
            return Span(None, self.valid_from)
        ends = NEVER if self.valid_to is None else self.valid_to
        if now >= ends:
            return Span(None, NEVER)
        anchor = since if self.kind is Kind.RELATIVE or self.schedule.start is None else self.schedule.start
        if anchor is None:
            return Span(_first(self.schedule), ends)
        period, until = self._running(now, anchor)
        return Span(period, min(until, ends))

    def over(self, now: float) -> bool:
        """Whether it can never apply again."""
        if self.valid_to is not None and now >= self.valid_to:
            return True
        schedule = self.schedule
        if self.kind is not Kind.ABSOLUTE or schedule.start is None or schedule.duration is None:
            return False
        return now >= schedule.start + schedule.duration

    def dump(self) -> dict[str, Any]:
        """As JSON, for the memory."""
        row = asdict(self)
        row["schedule"]["periods"] = [list(period) for period in self.schedule.periods]
        return row

    @classmethod
    def load(cls, row: dict[str, Any]) -> Self:
        """Take back what `dump` gave."""
        told = row["schedule"]
        periods = tuple(Period(*period) for period in told["periods"])
        schedule = Schedule(**(told | {"unit": Unit(told["unit"]), "periods": periods}))
        return cls(**(row | {"purpose": Purpose(row["purpose"]), "kind": Kind(row["kind"]), "schedule": schedule}))

    def _running(self, now: float, anchor: float) -> Span:
        """The schedule laid down at `anchor`, again and again if it recurs. It has not begun before `anchor`."""
        if now < anchor:
            return Span(None, anchor)
        cycle = _CYCLE.get(self.kind)
        begin, end = anchor, NEVER
        if cycle is not None:
            round_ = int((now - anchor) // cycle)
            # the division may be one off by rounding; what counts is that begin <= now < end
            round_ += (anchor + (round_ + 1) * cycle <= now) - (anchor + round_ * cycle > now)
            begin, end = anchor + round_ * cycle, anchor + (round_ + 1) * cycle
        periods, duration = self.schedule.periods, self.schedule.duration
        stop = end if duration is None else min(end, begin + duration)
        if now >= stop:
            return Span(None, end)
        place = bisect_right(periods, now, key=lambda period: begin + period.start)
        until = min(stop, begin + periods[place].start) if place < len(periods) else stop
        return Span(periods[place - 1] if place else None, until)


def _first(schedule: Schedule) -> Period | None:
    first = schedule.periods[0]
    return first if first.start == 0 and schedule.duration != 0 else None


class Problem(StrEnum):
    """Why a profile cannot be installed."""

    UNKNOWN_CONNECTOR = "unknown_connector"
    WRONG_PLACE = "wrong_place"  #: a station's profile on a connector, or a transaction's on the whole station
    NO_TRANSACTION = "no_transaction"  #: none runs on the connector, or another one
    LEVEL_TOO_HIGH = "level_too_high"
    TOO_MANY_PROFILES = "too_many_profiles"
    BAD_PERIODS = "bad_periods"  #: none, too many, not in order, or with impossible values
    BAD_UNIT = "bad_unit"  #: one that the station does not take
    BAD_KIND = "bad_kind"  #: a relative one for the station, which has no start of charging


@dataclass(slots=True, frozen=True)
class Bounds:
    """How many profiles a station keeps, and of which sort. Share one instance."""

    max_level: int = 10
    max_installed: int = 20
    max_periods: int = 48
    units: frozenset[Unit] = frozenset(Unit)

    def problem(self, profile: Profile) -> Problem | None:
        """What is wrong with a profile, wherever it would be installed."""
        schedule, periods = profile.schedule, profile.schedule.periods
        if not 0 <= profile.level <= self.max_level:
            return Problem.LEVEL_TOO_HIGH
        if schedule.unit not in self.units:
            return Problem.BAD_UNIT
        if profile.purpose is Purpose.STATION_MAX and profile.kind is Kind.RELATIVE:
            return Problem.BAD_KIND
        starts = [period.start for period in periods]
        ordered = bool(starts) and starts[0] >= 0 and starts == sorted(set(starts))
        sound = all(0 <= period.limit < NEVER and period.phases in {None, 1, 2, 3} for period in periods)
        if not ordered or not sound or len(periods) > self.max_periods or (schedule.duration or 0) < 0:
            return Problem.BAD_PERIODS
        return None
