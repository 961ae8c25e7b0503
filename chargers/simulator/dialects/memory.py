"""What a charger remembers when its process is gone, as JSON: written by `memory_of`, read by `restore`.

A charger that moves to another host with its power on remembers more: see `moving`.
"""

from typing import Any, Final

from chargers.simulator.model.charging import FaultKind, Transaction
from chargers.simulator.model.connector import Connector
from chargers.simulator.model.flat import flattener
from chargers.simulator.model.power import Offer
from chargers.simulator.model.variables import AUTHORIZATION_KEY
from chargers.simulator.model.vehicle import Vehicle
from chargers.simulator.model.vehicles import BY_NAME, VEHICLES

from .context import Context
from .moving import MOVING, VALID_FOR, go_on

FORMAT: Final = 1
#: where passwords and private keys stand in a memory, and addresses that may hold a login; whoever keeps it seals them
SECRETS: Final = (
    ("settings", AUTHORIZATION_KEY.key),
    ("upkeep", "key"),
    ("upkeep", "credentials", "*", "key"),
    ("upkeep", "update", "location"),
    ("upkeep", "log", "location"),
)
_GAP: Final = 1_000  #: messages of a transaction may have been made that the memory does not know
_OFFER: Final = flattener(Offer)
_TRANSACTION: Final = flattener(Transaction)
LOST_AT_MOST: Final = 120.0  #: s; a process that dies was heard of not longer ago than this while it charged


def memory_of(ctx: Context) -> dict[str, Any]:
    """The memory now. It shares values with the charger: write it out before the charger goes on."""
    memory: dict[str, Any] = {"format": FORMAT, "at": ctx.now, "clock": ctx.clock.at(ctx.now) - ctx.now}
    memory["settings"] = ctx.settings.dump()
    memory["operative"] = [ctx.station.operative, *(evse.operative for evse in ctx.station.evses)]
    memory["connectors"] = [_connector(one, ctx.now) for one in ctx.station.connectors]
    if ctx.deliveries is not None:
        memory["deliveries"] = ctx.deliveries.dump()
    if ctx.authorizations is not None:
        memory["authorizations"] = ctx.authorizations.dump()
    for block in ctx.dialect.blocks:
        if block.memory_key:
            own = block.remember(ctx)
            if own is not None:
                memory[block.memory_key] = own
    return memory


def _connector(one: Connector, now: float) -> dict[str, Any]:
    row: dict[str, Any] = {"operative": one.operative, "wh": one.exact_wh(now)}
    if one.held:
        row["held"] = True
    if one.fault is not None:
        row["fault"] = one.fault.value
    if one.finishing:
        row["finishing"] = True
    if one.vehicle is not None:
        row["vehicle"] = _vehicle(one.vehicle)
    if one.meter is not None and one.meter.offered is not None:
        row["offer"] = _OFFER(one.meter.offered)
    if one.transaction is not None:
        row["transaction"] = _TRANSACTION(one.transaction)
    return row


def _vehicle(car: Vehicle) -> dict[str, Any]:
    return {
        "name": car.spec.name,
        "soc": car.soc,
        "target_soc": car.target_soc,
        "derate": car.derate,
        "ready": car.ready,
        "asked_w": car.asked_w,
    }


def restore(ctx: Context, memory: dict[str, Any]) -> bool:
    """Take the memory back, before the station is powered on. What no longer fits the charger is left out.

    True: the charger was moved here a moment ago and goes on without a power-up, its cars having charged all the time.
    Otherwise a car that was charging went on for as long as the memory may be old, at most until now: the register
    never ends up below a value that was told to the CSMS. What becomes of its transaction is the dialect's decision.

    Raises ValueError when it is of another format, and what comes when it is damaged: it is not this session's to
    decide that what is in there, unfinished transactions maybe, is thrown away.
    """
    if memory.get("format") != FORMAT:
        raise ValueError(f"a memory of format {memory.get('format')!r}; this release reads {FORMAT}")
    ctx.clock.set(ctx.now, ctx.now + memory["clock"])
    ctx.settings.load(memory["settings"], ctx.dialect.variables)
    ctx.station.operative, *evses = memory["operative"]
    for evse, operative in zip(ctx.station.evses, evses, strict=False):
        evse.operative = operative
    at = min(memory["at"], ctx.now)
    moved = MOVING in memory and ctx.now - at <= VALID_FOR
    for connector, row in zip(ctx.station.connectors, memory["connectors"], strict=False):
        _restore_connector(ctx, connector, row, at, moved=moved)
    if "deliveries" in memory:
        ctx.restore_deliveries(memory["deliveries"])
    if "authorizations" in memory:
        ctx.need_authorizations().load(memory["authorizations"])
    for block in ctx.dialect.blocks:
        if block.memory_key in memory:
            block.restore(ctx, memory[block.memory_key])
    if moved:
        go_on(ctx, memory[MOVING])
    return moved


def _restore_connector(ctx: Context, connector: Connector, row: dict[str, Any], at: float, *, moved: bool) -> None:
    connector.operative = row["operative"]
    connector.held = row.get("held", False)
    connector.register_wh = row["wh"]
    connector.fault = FaultKind(row["fault"]) if "fault" in row else None
    if "vehicle" in row:
        connector.plug(at, _restored_vehicle(row["vehicle"]), seed=ctx.seed())
        connector.finishing = row.get("finishing", False)
    if "transaction" in row:
        transaction = Transaction(**row["transaction"])
        if not moved:
            transaction.broken_at = min(ctx.now, at + LOST_AT_MOST)
            transaction.sequence += _GAP
        connector.begin(transaction, seed=ctx.seed())
        if "offer" in row:
            offer = Offer(**row["offer"])
            fits = (offer.phases == 0) == (connector.spec.phases == 0) and offer.phases <= connector.spec.phases
            connector.offer(at, offer if fits else None)
        if transaction.broken_at is not None:
            connector.offer(transaction.broken_at, None)


def _restored_vehicle(row: dict[str, Any]) -> Vehicle:
    spec = BY_NAME.get(row["name"], VEHICLES[0])
    car = Vehicle(spec, soc=min(row["soc"], 1.0), target_soc=row["target_soc"], derate=row["derate"])
    car.ready = row["ready"]
    car.asked_w = row["asked_w"]
    return car
