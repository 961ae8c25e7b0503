"""What a charger takes along to another simulator host when it moves with its power on: a part of its memory.

To its CSMS such a charger looks like one whose network was away for a moment: it does not boot (1.6 §4.2, 2.0.1 B01:
only a charger that boots or reboots does), its transactions go on, and its meter has run by the clock.

A move is good for one life and for a short time. Whoever takes the memory takes this part out of it, so that a host
that is killed later leaves behind what any killed host does: a charger that lost its power.
"""

from dataclasses import asdict
from typing import Any, Final

from chargers.simulator.model.charging import Claim
from chargers.simulator.model.connector import Condition
from chargers.simulator.model.driver import Driver
from chargers.simulator.model.station import NEVER

from .base import BootCause, Registration
from .context import Context

MOVING: Final = "moving"  #: the key in the memory
VALID_FOR: Final = 120.0  #: s after which nobody believes any more that only the network was away


def worth_moving(ctx: Context) -> bool:
    """Whether a power-up would lose anything: the CSMS knows the charger, or somebody uses it."""
    used = any(one.transaction is not None or one.claim is not None for one in ctx.station.connectors)
    return ctx.registration is not Registration.NONE or used or ctx.driver is not None


def moving_of(ctx: Context) -> dict[str, Any]:
    """What is true only as long as the power is on. Call it without a connection."""
    return {
        "registration": ctx.registration.value,
        "boot_cause": ctx.boot_cause.value,
        "timers": ctx.timers,
        "claims": [None if one.claim is None else _claim(one.claim) for one in ctx.station.connectors],
        "station": ctx.station.shown.value,
        "connectors": [one.shown.value for one in ctx.station.connectors],
        "closed": ctx.station.closed,
        "unreported": sorted(ctx.unreported or ()),
        "unstable": [[number, until, shown.value] for number, (until, shown) in (ctx.unstable or {}).items()],
        "resetting": ctx.resetting,
        "driver": None if ctx.driver is None else ctx.driver.dump(),
    }


def _claim(claim: Claim) -> dict[str, Any]:
    row = asdict(claim)
    return row | {"until": None if claim.until == NEVER else claim.until}


def go_on(ctx: Context, memory: dict[str, Any]) -> None:
    """Take back what `moving_of` gave, after everything else of the memory."""
    station = ctx.station
    ctx.registration = Registration(memory["registration"])
    ctx.boot_cause = BootCause(memory["boot_cause"])
    ctx.timers = dict(memory["timers"])
    for connector, row in zip(station.connectors, memory["claims"], strict=True):
        if row is not None:
            connector.claim = Claim(**row | {"until": NEVER if row["until"] is None else row["until"]})
    station.shown = Condition(memory["station"])
    for connector, shown in zip(station.connectors, memory["connectors"], strict=True):
        connector.shown = Condition(shown)
    station.closed = memory["closed"]
    ctx.unreported = {tuple(place) for place in memory["unreported"]} or None
    ctx.unstable = {number: (until, Condition(shown)) for number, until, shown in memory["unstable"]} or None
    ctx.resetting = memory["resetting"]
    if memory["driver"] is not None:
        specs = {one.number: one.spec for one in station.connectors}
        ctx.driver = Driver.load(memory["driver"], specs)
