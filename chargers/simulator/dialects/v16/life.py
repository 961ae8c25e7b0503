"""A charger with a life of its own: the automatic driver, switched on and off by the intent `behaviour`."""

from collections.abc import Mapping
from dataclasses import fields
from functools import partial
from typing import Any, Final
from zlib import crc32

from chargers.simulator.dialects.base import Block, Done, IntentHandler, TimerHandler
from chargers.simulator.dialects.context import Context
from chargers.simulator.effects import Intent
from chargers.simulator.model.behaviour import Behaviour, Tag
from chargers.simulator.model.charging import Refused, Transaction
from chargers.simulator.model.connector import Condition, Connector
from chargers.simulator.model.driver import NEVER, Authorize, Driver, Outcome, Plug, StopCharging, Unplug

from .transactions import unplug
from .user import plug, present

DRIVER_TIMER: Final = "driver"
MOST_ARRIVALS: Final = 1_000.0  #: an hour; more would only keep the process busy
_FREE: Final = frozenset({Condition.AVAILABLE, Condition.PREPARING})
_OPTIONS: Final = frozenset(one.name for one in fields(Behaviour))


class LifeBlock(Block):
    """Lets people come and go."""

    title = "Automatic driver"
    memory_key = "behaviour"

    def intents(self) -> Mapping[str, IntentHandler]:
        """`behaviour` with the fields of `model.behaviour.Behaviour` and `seed`, or `{"off": true}`."""
        return {"behaviour": self._behaviour}

    def timers(self) -> Mapping[str, TimerHandler]:
        """The driver has something to do."""
        return {DRIVER_TIMER: self._due}

    def remember(self, ctx: Context) -> Any:
        """The options; who was there at the time is gone after a restart."""
        return ctx.behaviour

    def restore(self, ctx: Context, memory: Any) -> None:
        """Live on from a seed that grows with each life, so that no life repeats the one before."""
        options = dict(memory, seed=int(memory.get("seed") or 0) + 1)
        if _described(options) is not None:
            ctx.behaviour = options

    def powered_on(self, ctx: Context) -> None:
        """After a power cut everybody has left."""
        behaviour = None if ctx.behaviour is None else _described(ctx.behaviour)
        if ctx.behaviour is None or behaviour is None:
            return
        for connector in ctx.station.connectors:
            if connector.transaction is None:
                unplug(ctx, connector)
        specs = {one.number: one.spec for one in ctx.station.connectors}
        ctx.driver = Driver(behaviour, specs, now=ctx.now, seed=_seed(ctx, ctx.behaviour))
        _arm(ctx)

    def transaction_started(self, ctx: Context, transaction: Transaction) -> None:
        """The driver sees the light."""
        _tell(ctx, transaction.connector, Outcome.STARTED)

    def transaction_ended(self, ctx: Context, transaction: Transaction) -> None:
        """The driver is told."""
        _tell(ctx, transaction.connector, Outcome.ENDED)

    def unplugged(self, ctx: Context, connector: Connector) -> None:
        """Somebody took the car away."""
        _tell(ctx, connector.number, Outcome.GONE)

    def claim_ended(self, ctx: Context, connector: Connector) -> None:
        """The driver was too slow."""
        _tell(ctx, connector.number, Outcome.REFUSED)

    def _behaviour(self, ctx: Context, intent: Intent) -> Done:
        if intent.data.get("off"):
            ctx.behaviour = None
            if ctx.driver is not None:
                ctx.driver.close()  # who is there leaves in their own time
        else:
            behaviour = _described(intent.data)
            if behaviour is None:
                return Done(ok=False, code="bad_behaviour", data={"known": sorted(_OPTIONS | {"seed", "off"})})
            ctx.behaviour = dict(intent.data)
            specs = {one.number: one.spec for one in ctx.station.connectors}
            ctx.driver = Driver(behaviour, specs, now=ctx.now, seed=_seed(ctx, intent.data))
        ctx.remember(urgent=True)
        _arm(ctx)
        return Done(ok=True)

    def _due(self, ctx: Context) -> None:
        driver = ctx.driver
        if driver is None:
            return
        while (action := driver.due(ctx.now, _free(ctx))) is not None:
            connector = ctx.station.connectors[action.connector - 1]
            if isinstance(action, Plug):
                plug(ctx, connector, action.vehicle)
            elif isinstance(action, Authorize):
                present(ctx, connector, action.tag, partial(_shown, connector.number))
            elif isinstance(action, StopCharging):
                if connector.transaction is not None:  # else it ended meanwhile, and the tag would start another
                    present(ctx, connector, action.tag, partial(_shown, connector.number))
            elif isinstance(action, Unplug):
                unplug(ctx, connector)
        _arm(ctx)


def _shown(connector: int, ctx: Context, refused: Refused | None) -> None:
    if refused is not None:
        _tell(ctx, connector, Outcome.REFUSED)


def _free(ctx: Context) -> set[int]:
    station = ctx.station
    return {
        one.number
        for one in station.connectors
        if one.vehicle is None and one.transaction is None and station.connector_condition(one, ctx.now) in _FREE
    }


def _tell(ctx: Context, connector: int, outcome: Outcome) -> None:
    if ctx.driver is not None:
        ctx.driver.tell(ctx.now, connector, outcome)
        _arm(ctx)


def _arm(ctx: Context) -> None:
    due = NEVER if ctx.driver is None else ctx.driver.due_at()
    if due < NEVER:
        ctx.timers[DRIVER_TIMER] = max(due, ctx.now + 0.001)
        return
    ctx.timers.pop(DRIVER_TIMER, None)
    if ctx.driver is not None and not ctx.driver.visiting and ctx.behaviour is None:
        ctx.driver = None


def _seed(ctx: Context, options: Mapping[str, Any]) -> int:
    """One seed is given to a whole fleet: each charger makes a life of its own from it, the same again each time."""
    seed = options.get("seed")
    return crc32(ctx.spec.identity.encode()) ^ (ctx.seed() if seed is None else int(seed))


def _described(options: Mapping[str, Any]) -> Behaviour | None:
    """The behaviour that options describe, None when they describe none."""
    wanted = {name: value for name, value in options.items() if name in _OPTIONS}
    seed = options.get("seed", 0)
    if not options.keys() <= _OPTIONS | {"seed", "off"} or not (seed is None or isinstance(seed, int)):
        return None
    tags = wanted.get("tags") or ()
    try:
        wanted["tags"] = tuple(Tag(one) if isinstance(one, str) else Tag(**one) for one in tags)
        if "wrong_tags" in wanted:
            wanted["wrong_tags"] = tuple(map(str, wanted["wrong_tags"]))
        behaviour = Behaviour(**wanted)
    except (TypeError, ValueError):
        return None
    return behaviour if behaviour.arrivals_per_hour <= MOST_ARRIVALS else None
