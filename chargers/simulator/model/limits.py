"""The charging profiles of one station, and the limits that follow from them (OCPP 1.6 §3.13)."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from .power import GRID_PHASES, to_amps, to_watts
from .profiles import NEVER, Bounds, Period, Problem, Profile, Purpose, Schedule, Unit

_STATION: Final = 0  #: the connector number that means the whole station
_MOST_PERIODS: Final = 1000  #: a composite schedule is cut short after this many periods
_MOST_STEPS: Final = 1500  #: the same, after this many looks at a connector at which something may have changed


@dataclass(slots=True, frozen=True)
class Supply:
    """What the hardware of one connector gives: `watts` over `phases` phases (0: DC). Share one between chargers.

    Connectors of the same `evse` never charge at the same time.
    """

    watts: float
    phases: int
    evse: int


class Running(NamedTuple):
    """A transaction: charging began at `since`; `transaction` is its id, None while it is not known.

    An `imagined` one is for looking ahead: what would be allowed if charging began then. It has no profile of its own.
    """

    since: float
    transaction: int | str | None = None
    imagined: bool = False


class Limit(NamedTuple):
    """`watts` in all over `phases` phases (0: DC); below `minimum_w` charging is not worth while."""

    watts: float
    phases: int
    minimum_w: float = 0.0


class Installed(NamedTuple):
    """A profile in its place: `connector` 0 is the whole station, or each connector for a default profile."""

    connector: int
    profile: Profile
    at: float


class Composite(NamedTuple):
    """Limits from `start` on for `duration` seconds, in `unit`; every period has its phases."""

    start: int
    duration: int
    unit: Unit
    periods: tuple[Period, ...]


class _Said(NamedTuple):
    """What prevails at an instant."""

    schedule: Schedule
    period: Period


class Limits:
    """Keeps profiles and answers what is allowed.

    `running` names the running transactions by connector; the rules of precedence need them. Stacking: at any instant
    the highest level that says something counts, within each purpose. A default profile of a connector goes before
    one of the whole station at the same level. A transaction's profile goes before the default ones while it says
    something. The station's maximum goes with all of them: the lower limit counts.
    """

    __slots__ = ("_installed", "_supplies", "bounds")

    def __init__(self, supplies: Sequence[Supply], bounds: Bounds) -> None:
        self._supplies = supplies
        self.bounds = bounds  #: of what is installed from now on
        self._installed: tuple[Installed, ...] = ()  # highest level first, a connector's before the station's

    @property
    def installed(self) -> tuple[Installed, ...]:
        """All profiles, in order of precedence."""
        return self._installed

    def install(
        self, now: float, connector: int, profile: Profile, running: Mapping[int, Running] | None = None
    ) -> Problem | None:
        """Install a profile, or say why not (then nothing changes).

        It replaces the one with the same id wherever that is, and the one with the same purpose and level in its place.
        """
        problem = self._misplaced(connector, profile, (running or {}).get(connector)) or self.bounds.problem(profile)
        if problem is not None:
            return problem
        kept = [
            one
            for one in self._installed
            if not one.profile.over(now)
            and one.profile.id != profile.id
            and (one.connector, one.profile.purpose, one.profile.level) != (connector, profile.purpose, profile.level)
        ]
        if len(kept) >= self.bounds.max_installed:
            return Problem.TOO_MANY_PROFILES
        kept.append(Installed(connector, profile, now))
        self._installed = tuple(sorted(kept, key=lambda one: (-one.profile.level, -one.connector)))
        return None

    def clear(
        self,
        *,
        profile_id: int | None = None,
        connector: int | None = None,
        purpose: Purpose | None = None,
        level: int | None = None,
    ) -> int:
        """Remove the profiles that match all that is given, all of them when nothing is. Returns how many."""
        kept = tuple(
            one
            for one in self._installed
            if (profile_id is not None and one.profile.id != profile_id)
            or (connector is not None and one.connector != connector)
            or (purpose is not None and one.profile.purpose is not purpose)
            or (level is not None and one.profile.level != level)
        )
        removed = len(self._installed) - len(kept)
        self._installed = kept
        return removed

    def drop_foreign(self, connector: int, transaction: int | str) -> int:
        """The id of a connector's transaction is known now: remove what was meant for another. Returns how many."""
        running = Running(0.0, transaction)
        kept = tuple(
            one
            for one in self._installed
            if one.connector != connector
            or one.profile.purpose is not Purpose.TRANSACTION
            or _belongs(one.profile, running)
        )
        removed = len(self._installed) - len(kept)
        self._installed = kept
        return removed

    def transaction_ended(self, connector: int) -> int:
        """Remove what was installed for the transaction of a connector. Returns how many."""
        return self.clear(connector=connector, purpose=Purpose.TRANSACTION)

    def dump(self) -> list[dict[str, Any]]:
        """As JSON, for the memory."""
        return [{"connector": one.connector, "at": one.at, "profile": one.profile.dump()} for one in self._installed]

    def load(self, memory: list[dict[str, Any]]) -> None:
        """Take back what `dump` gave, as far as the connectors still exist."""
        rows = [Installed(row["connector"], Profile.load(row["profile"]), row["at"]) for row in memory]
        self._installed = tuple(one for one in rows if one.connector <= len(self._supplies))

    def limit_at(self, now: float, connector: int, running: Mapping[int, Running] | None = None) -> Limit | None:
        """What the profiles allow at a connector, or for connector 0 at the whole station; None: no limit.

        The station's maximum is part of it as if the connector were alone; `power.allot` shares it.
        """
        own = self._own(now, connector, running) if connector != _STATION else None
        return self._limit(connector, own, self._prevailing(now, _STATION, Purpose.STATION_MAX, None))

    def own_limit_at(self, now: float, connector: int, running: Mapping[int, Running] | None = None) -> Limit | None:
        """The same without the station's maximum: what the default and the transaction's profiles allow."""
        return self._limit(connector, self._own(now, connector, running), None)

    def next_change(self, now: float, connector: int, running: Mapping[int, Running] | None = None) -> float:
        """The next instant after `now` when a limit of this connector may change; infinite when it never will.

        For connector 0: when any limit may change, of the station or of a connector.
        """
        places = range(len(self._supplies) + 1) if connector == _STATION else (connector,)
        running = running or {}
        untils = [
            one.profile.at(now, _since(one, running.get(place))).until
            for place in places
            for one in self._installed
            if one.profile.purpose is Purpose.STATION_MAX or _concerns(one, place, running.get(place))
        ]
        return min(untils, default=NEVER)

    def composite(
        self,
        start: int,
        duration: int,
        unit: Unit,
        connector: int,
        running: Mapping[int, Running] | None = None,
        *,
        station_w: float = NEVER,
    ) -> Composite:
        """What may be drawn in the `duration` seconds from `start` on, with the hardware's own limits in it.

        Where no profile says anything, the hardware's limit stands. For connector 0 it is the sum of what the EVSEs
        may draw, below the station's maximum. `station_w` is the hardware's limit of the whole station. Charging that
        has not begun is taken to begin at `start`. Limits are rounded down to a tenth, because that is the step of
        the wire. A schedule of very many changes is cut short; its `duration` says where.
        """
        imagined = {place: Running(start, imagined=True) for place in range(1, len(self._supplies) + 1)}
        running = {**imagined, **(running or {})}
        periods: list[Period] = []
        second, steps = 0, _MOST_STEPS // (len(self._supplies) + 1 if connector == _STATION else 1)
        while second < duration and steps > 0:
            steps -= 1
            watts, phases = self._allowed(start + second, connector, running, station_w)
            amount = watts if unit is Unit.WATTS else to_amps(watts, phases or GRID_PHASES)
            period = Period(second, math.floor(amount * 10 + 1e-6) / 10, phases or GRID_PHASES)
            if not periods or period[1:] != periods[-1][1:]:
                if len(periods) == _MOST_PERIODS:
                    break
                periods.append(period)
            # only whole seconds can be named: a change within a second shows from the next one on
            change = self.next_change(start + second, connector, running) - start
            second = math.ceil(change) if change < duration else duration
        return Composite(start, max(min(second, duration), 0), unit, tuple(periods))

    def _allowed(
        self, now: float, connector: int, running: Mapping[int, Running], station_w: float
    ) -> tuple[float, int]:
        """Watts and phases by profiles and hardware together."""
        if connector != _STATION:
            supply = self._supplies[connector - 1]
            limit = self.limit_at(now, connector, running)
            if limit is None:
                return min(supply.watts, station_w), supply.phases
            part = limit.phases / supply.phases if supply.phases else 1.0
            return min(limit.watts, supply.watts * part, station_w), limit.phases
        evses: dict[int, float] = {}
        for place, supply in enumerate(self._supplies, 1):
            own = self.own_limit_at(now, place, running)
            watts = supply.watts if own is None else min(own.watts, supply.watts)
            evses[supply.evse] = max(watts, evses.get(supply.evse, 0.0))
        station = self.limit_at(now, _STATION)
        most = min(sum(evses.values()), station_w)
        return (most if station is None else min(most, station.watts)), self._phases(_STATION)

    def _misplaced(self, connector: int, profile: Profile, transaction: Running | None) -> Problem | None:
        if not 0 <= connector <= len(self._supplies):
            return Problem.UNKNOWN_CONNECTOR
        if profile.purpose is Purpose.STATION_MAX and connector != _STATION:
            return Problem.WRONG_PLACE
        if profile.purpose is Purpose.TRANSACTION:
            if connector == _STATION:
                return Problem.WRONG_PLACE
            if transaction is None or not _belongs(profile, transaction):
                return Problem.NO_TRANSACTION
        return None

    def _limit(self, connector: int, own: _Said | None, station: _Said | None) -> Limit | None:
        """The lower of both; one that names fewer phases takes the others away from both."""
        found = [said for said in (own, station) if said is not None]
        if not found:
            return None
        phases = min(self._phases(connector), *(said.period.phases or GRID_PHASES for said in found))
        watts = min(_watts(said.period.limit, said, phases) for said in found)
        return Limit(watts, phases, 0.0 if own is None else _watts(own.schedule.least, own, phases))

    def _own(self, now: float, connector: int, running: Mapping[int, Running] | None) -> _Said | None:
        transaction = (running or {}).get(connector)
        return self._prevailing(now, connector, Purpose.TRANSACTION, transaction) or self._prevailing(
            now, connector, Purpose.DEFAULT, transaction
        )

    def _prevailing(self, now: float, connector: int, purpose: Purpose, transaction: Running | None) -> _Said | None:
        """The highest level of a purpose that says something at `now`, and what."""
        for one in self._installed:
            if one.profile.purpose is purpose and _concerns(one, connector, transaction):
                period = one.profile.at(now, _since(one, transaction)).period
                if period is not None:
                    return _Said(one.profile.schedule, period)
        return None

    def _phases(self, connector: int) -> int:
        """The phases of a connector (0: DC), or those that the station loads the grid with."""
        if connector != _STATION:
            return self._supplies[connector - 1].phases
        return max(supply.phases or GRID_PHASES for supply in self._supplies)


def _concerns(one: Installed, connector: int, transaction: Running | None) -> bool:
    """Whether a profile counts for a connector."""
    if one.profile.purpose is Purpose.TRANSACTION:
        return one.connector == connector and transaction is not None and _belongs(one.profile, transaction)
    return one.connector in {connector, _STATION}


def _belongs(profile: Profile, transaction: Running) -> bool:
    """Whether a transaction's profile is for this one; an id that is not known yet fits any."""
    if transaction.imagined:
        return False
    return None in {profile.transaction, transaction.transaction} or profile.transaction == transaction.transaction


def _since(one: Installed, transaction: Running | None) -> float | None:
    """What a schedule without a start counts from: for the station's maximum, when it was installed."""
    if one.profile.purpose is Purpose.STATION_MAX:
        return one.at
    return None if transaction is None else transaction.since


def _watts(amount: float, said: _Said, phases: int) -> float:
    """An amount of a schedule's unit over the phases in use; a DC charger counts those of its grid connection."""
    if said.schedule.unit is Unit.WATTS:
        return amount
    return to_watts(amount, phases or said.period.phases or GRID_PHASES)
