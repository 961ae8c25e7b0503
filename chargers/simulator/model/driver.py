"""The automatic driver of one charger: people come, plug in, show a tag, stay, stop and leave. Repeatable from a seed.

Whoever owns it waits until `due_at()`, then asks `due` for what to do, and tells it with `tell` what came of that.
Every plan is made from the instant of the last action and not from when that was planned, so after a long pause life
goes on from where it is: nothing that was missed is made up for.
"""

import math
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from enum import Enum
from typing import Any, Final, Self

from .behaviour import Behaviour, Tag
from .dice import Dice
from .specs import ConnectorSpec
from .vehicle import Vehicle
from .vehicles import arriving

NEVER: Final = math.inf
_HOUR: Final = 3600.0
_PATIENCE_S: Final = 180.0  #: how long a driver waits for charging to begin
_SHORTEST_S: Final = 60.0  #: of a stay
_CLOSEST_S: Final = 1.0  #: between two arrivals
_LEAST_IDLE_S: Final = 5.0  #: from the end of charging until the car is unplugged


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
    GIVE_UP = 3
    STOP = 4
    LEAVE = 5


class _Visit:
    """One driver at one connector: the next step, and when."""

    __slots__ = ("at", "plugged", "shown", "step", "tag", "true_tag")

    def __init__(self, at: float, step: _Step, tag: str, true_tag: str) -> None:
        self.at = at
        self.step = step
        self.tag = tag
        self.true_tag = true_tag
        self.plugged = False
        self.shown = False


class Driver:
    """Plans for all connectors of one charger; at most one visit at a connector at a time."""

    __slots__ = ("_arrival", "_behaviour", "_connectors", "_dice", "_visits")

    def __init__(self, behaviour: Behaviour, connectors: Mapping[int, ConnectorSpec], *, now: float, seed: int) -> None:
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

        `free` are the connectors that a visitor could plug in at: in service, not reserved, no car there.
        """
        if self._arrival <= now:
            self._arrive(now, free)
        while (connector := self._most_due(now)) is not None:
            action = self._act(now, connector, self._visits[connector], free)
            if action is not None:
                return action
        return None

    def tell(self, now: float, connector: int, outcome: Outcome) -> None:
        """What happened at a connector. Without anybody there it means nothing."""
        visit = self._visits.get(connector)
        if visit is None:
            return
        waiting = visit.step in {_Step.PLUG, _Step.SHOW, _Step.GIVE_UP}
        if outcome is Outcome.GONE:
            del self._visits[connector]
        elif outcome is Outcome.STARTED and waiting and visit.plugged:
            self._stay(now, visit)
        elif outcome is Outcome.REFUSED and waiting and visit.shown:
            self._refused(now, connector, visit)
        elif outcome is Outcome.ENDED and visit.step is _Step.STOP:
            self._plan(visit, now, _Step.LEAVE, self._idle())

    def take_over(self, now: float, connector: int, tag: str) -> None:
        """Put a driver to a car that is charging already, as after a restart, so that somebody will stop it."""
        visit = _Visit(now, _Step.STOP, tag, tag)
        visit.plugged = visit.shown = True
        self._visits[connector] = visit
        self._stay(now, visit)

    def dump(self) -> dict[str, Any]:
        """As JSON, for a charger that moves: who is here, who comes next, and the dice."""
        return {
            "behaviour": asdict(self._behaviour),
            "dice": self._dice.state,
            "arrival": None if self._arrival == NEVER else self._arrival,
            "visits": [
                [place, one.at, one.step.value, one.tag, one.true_tag, one.plugged, one.shown]
                for place, one in self._visits.items()
            ],
        }

    @classmethod
    def load(cls, memory: Mapping[str, Any], connectors: Mapping[int, ConnectorSpec]) -> Self:
        """From what `dump` gave: goes on as the one that was dumped would have."""
        told = memory["behaviour"]
        tags = tuple(Tag(**tag) for tag in told["tags"])
        behaviour = Behaviour(**{**told, "tags": tags, "wrong_tags": tuple(told["wrong_tags"])})
        driver = cls(behaviour, connectors, now=0.0, seed=0)
        driver._dice = Dice(memory["dice"])
        driver._arrival = NEVER if memory["arrival"] is None else memory["arrival"]
        for place, at, step, tag, true_tag, plugged, shown in memory["visits"]:
            visit = driver._visits[place] = _Visit(at, _Step(step), tag, true_tag)
            visit.plugged, visit.shown = plugged, shown
        return driver

    def _most_due(self, now: float) -> int | None:
        due = [(visit.at, connector) for connector, visit in self._visits.items() if visit.at <= now]
        return min(due)[1] if due else None

    def _arrive(self, now: float, free: Collection[int]) -> None:
        self._arrival = self._next_arrival(now)
        places = [place for place in self._connectors if place in free and place not in self._visits]
        if not places:
            return
        behaviour = self._behaviour
        true_tag = tag = self._pick(behaviour.tags)
        if self._happens(behaviour.wrong_tag):
            tag = behaviour.wrong_tags[self._dice.draw() % len(behaviour.wrong_tags)]
        first = _Step.SHOW if self._happens(behaviour.tag_first) else _Step.PLUG
        self._visits[places[self._dice.draw() % len(places)]] = _Visit(now, first, tag, true_tag)

    def _act(self, now: float, connector: int, visit: _Visit, free: Collection[int]) -> Action | None:
        if visit.step is _Step.PLUG and connector in free:
            visit.plugged = True
            self._plan_start(now, visit)
            return Plug(connector, self._vehicle(self._connectors[connector]))
        if visit.step is _Step.SHOW:
            visit.shown = True
            self._plan_start(now, visit)
            return Authorize(connector, visit.tag)
        if visit.step is _Step.STOP:
            self._plan(visit, now, _Step.LEAVE, self._idle())
            return StopCharging(connector, visit.tag)
        del self._visits[connector]  # patience is at an end, the place is taken, or it is time to leave
        return Unplug(connector) if visit.plugged else None

    def _plan_start(self, now: float, visit: _Visit) -> None:
        """What is still missing before charging can begin; with all done, it is for the charger to act."""
        if not visit.plugged:
            self._plan(visit, now, _Step.PLUG, self._dice.between(3.0, 20.0))
        elif not visit.shown:
            self._plan(visit, now, _Step.SHOW, self._dice.between(5.0, 30.0))
        else:
            self._plan(visit, now, _Step.GIVE_UP, _PATIENCE_S)

    def _refused(self, now: float, connector: int, visit: _Visit) -> None:
        visit.shown = False
        if visit.tag != visit.true_tag and self._happens(0.5):
            visit.tag = visit.true_tag
            self._plan(visit, now, _Step.SHOW, self._dice.between(5.0, 30.0))
        elif visit.plugged:
            self._plan(visit, now, _Step.LEAVE, self._dice.between(10.0, 60.0))
        else:
            del self._visits[connector]

    def _stay(self, now: float, visit: _Visit) -> None:
        stay = max(_SHORTEST_S, self._about(self._behaviour.mean_minutes * 60.0))
        if self._happens(self._behaviour.early_unplug):
            self._plan(visit, now, _Step.LEAVE, max(_SHORTEST_S, stay * self._dice.between(0.1, 0.9)))
        else:
            self._plan(visit, now, _Step.STOP, stay)

    def _vehicle(self, connector: ConnectorSpec) -> Vehicle:
        wish = self._behaviour.mean_wish_wh
        return arriving(self._dice, connector, wish_wh=None if wish is None else self._about(wish))

    def _plan(self, visit: _Visit, now: float, step: _Step, after: float) -> None:
        visit.step, visit.at = step, now + after

    def _next_arrival(self, now: float) -> float:
        rate = self._behaviour.arrivals_per_hour
        return NEVER if rate == 0 else now + max(_CLOSEST_S, self._exponential(_HOUR / rate))

    def _idle(self) -> float:
        return _LEAST_IDLE_S + self._exponential(self._behaviour.mean_idle_minutes * 60.0)

    def _about(self, mean: float) -> float:
        """Something around `mean`: rarely near nothing, rarely beyond three times (an Erlang distribution of two)."""
        return 0.5 * (self._exponential(mean) + self._exponential(mean))

    def _exponential(self, mean: float) -> float:
        return -mean * math.log1p(-self._dice.between(0.0, 1.0))

    def _happens(self, chance: float) -> bool:
        return self._dice.between(0.0, 1.0) < chance

    def _pick(self, tags: tuple[Tag, ...]) -> str:
        left = self._dice.between(0.0, sum(tag.weight for tag in tags))
        for tag in tags:
            left -= tag.weight
            if left < 0:
                return tag.id
        return tags[-1].id
