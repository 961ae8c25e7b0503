"""The automatic driver of one charger: people come, plug in, show a tag, stay, stop and leave. Repeatable from a seed.

Whoever owns it waits until `due_at()`, then asks `due` for what to do, and tells it with `tell` what came of that.
Every plan is made from the instant of the last action and not from when that was planned, so after a long pause life
goes on from where it is: nothing that was missed is made up for.
"""

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final

from .behaviour import Behaviour, Tag
from .dice import Dice
from .specs import ConnectorSpec
from .vehicle import Vehicle
from .vehicles import arriving

NEVER: Final = math.inf
_HOUR: Final = 3600.0
_PATIENCE_S: Final = 180.0  #: how long a driver waits for charging to begin
_SHORTEST_S: Final = 60.0  #: of a stay
_WEEK_S: Final = 7 * 24 * _HOUR  #: a plan never reaches further


@dataclass(slots=True, frozen=True)
class Plug:
    """Plug `vehicle` to a connector."""

    connector: int
    vehicle: Vehicle


@dataclass(slots=True, frozen=True)
class Authorize:
    """Show a tag at a connector, to start charging."""

    connector: int
    tag: str


@dataclass(slots=True, frozen=True)
class StopCharging:
    """Show the tag again, to stop charging."""

    connector: int
    tag: str


@dataclass(slots=True, frozen=True)
class Unplug:
    """Take the car away from a connector."""

    connector: int


Action = Plug | Authorize | StopCharging | Unplug


class Outcome(Enum):
    """What became of a visit, told by the charger."""

    STARTED = "started"  #: charging began
    REFUSED = "refused"  #: the tag was not accepted, or the station would not start
    ENDED = "ended"  #: charging ended, whoever ended it
    GONE = "gone"  #: the car was taken away by someone else


class _Step(Enum):
    PLUG = 1
    SHOW = 2
    WAIT = 3
    STOP = 4
    LEAVE = 5


class _Visit:
    """One driver at one connector: the next step, and when."""

    __slots__ = ("at", "step", "tag", "true_tag", "vehicle")

    def __init__(self, at: float, step: _Step, tag: str, true_tag: str) -> None:
        self.at = at
        self.step = step
        self.tag = tag
        self.true_tag = true_tag
        self.vehicle: Vehicle | None = None  # once it is plugged in


class Driver:
    """Plans for all connectors of one charger; at most one visit at a connector at a time."""

    __slots__ = ("_arrival", "_behaviour", "_connectors", "_dice", "_visits")

    def __init__(
        self, behaviour: Behaviour, connectors: Mapping[int, ConnectorSpec], *, now: float, seed: int
    ) -> None:
        self._behaviour = behaviour
        self._connectors = connectors
        self._dice = Dice(seed)
        self._visits: dict[int, _Visit] = {}
        self._arrival = self._next_arrival(now)

    def due_at(self) -> float:
        """When `due` has something to do next; never, when nobody is there and nobody comes."""
        return min(self._arrival, min((visit.at for visit in self._visits.values()), default=NEVER))

    @property
    def visiting(self) -> Collection[int]:
        """The connectors that somebody is at."""
        return self._visits.keys()

    def close(self) -> None:
        """Let nobody come any more; who is there still leaves in their own time."""
        self._arrival = NEVER

    def due(self, now: float, free: Collection[int]) -> Action | None:
        """The next action that is due at `now`, if any; ask again until there is none.

        `free` are the connectors that a visitor could use: in service, not reserved, no car, no transaction.
        """
        if self._arrival <= now:
            self._arrive(now, free)
        connector = min(
            (place for place, visit in self._visits.items() if visit.at <= now),
            key=lambda place: (self._visits[place].at, place),
            default=None,
        )
        return None if connector is None else self._act(now, connector, self._visits[connector])

    def tell(self, now: float, connector: int, outcome: Outcome) -> None:
        """What happened at a connector. Says nothing to a driver that is not there."""
        visit = self._visits.get(connector)
        if visit is None:
            return
        if outcome is Outcome.GONE:
            del self._visits[connector]
        elif outcome is Outcome.REFUSED and visit.step is _Step.WAIT:
            self._refused(now, visit)
        elif outcome is Outcome.STARTED and visit.step is _Step.WAIT:
            self._stay(now, visit)
        elif outcome is Outcome.ENDED and visit.step is _Step.STOP:
            self._plan(visit, now, _Step.LEAVE, self._idle())

    def _arrive(self, now: float, free: Collection[int]) -> None:
        self._arrival = self._next_arrival(now)
        places = [place for place in self._connectors if place in free and place not in self._visits]
        if not places:
            return
        behaviour = self._behaviour
        true_tag = self._pick(behaviour.tags)
        wrong = self._dice.between(0.0, 1.0) < behaviour.wrong_tag
        tag = behaviour.wrong_tags[self._dice.draw() % len(behaviour.wrong_tags)] if wrong else true_tag
        first = _Step.SHOW if self._dice.between(0.0, 1.0) < behaviour.tag_first else _Step.PLUG
        self._visits[places[self._dice.draw() % len(places)]] = _Visit(now, first, tag, true_tag)

    def _act(self, now: float, connector: int, visit: _Visit) -> Action:
        if visit.step is _Step.PLUG:
            return self._plug(now, connector, visit)
        if visit.step is _Step.SHOW:
            if visit.vehicle is None:
                self._plan(visit, now, _Step.PLUG, self._dice.between(3.0, 20.0))
            else:
                self._plan(visit, now, _Step.WAIT, _PATIENCE_S)
            return Authorize(connector, visit.tag)
        if visit.step is _Step.STOP:
            self._plan(visit, now, _Step.LEAVE, self._idle())
            return StopCharging(connector, visit.tag)
        del self._visits[connector]  # patience is at an end, or it is time to leave
        return Unplug(connector)
