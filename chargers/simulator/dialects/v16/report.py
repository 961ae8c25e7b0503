"""The whole state of a charger, for people: the intent `state`."""

from collections.abc import Callable, Mapping
from typing import Any

from chargers.simulator.dialects.base import Block, Done, IntentHandler
from chargers.simulator.dialects.context import Context
from chargers.simulator.effects import Intent
from chargers.simulator.model.connector import Connector
from chargers.simulator.model.variables import BLINK_REPEAT, LIGHT_INTENSITY

from .local_list import version
from .user import status_of
from .words import ERROR


class ReportBlock(Block):
    """Tells how the charger is. `configuration` gives the keys that can be read."""

    title = "State for people"

    def __init__(self, configuration: Callable[[Context], dict[str, str]]) -> None:
        self._configuration = configuration

    def intents(self) -> Mapping[str, IntentHandler]:
        """`state`."""
        return {"state": self._state}

    def _state(self, ctx: Context, _intent: Intent) -> Done:
        waiting = len(ctx.deliveries) if ctx.deliveries is not None else 0
        return Done(
            ok=True,
            data={
                "time": ctx.timestamp(),
                "connection": ctx.shown.state.value if ctx.shown is not None else "offline",
                "registration": ctx.registration.value,
                "operative": ctx.station.operative,
                "connectors": [_connector(ctx, one) for one in ctx.station.connectors],
                "configuration": self._configuration(ctx),
                "local_list_version": version(ctx),
                "cached_tags": len(ctx.authorizations.cache) if ctx.authorizations is not None else 0,
                "queue_length": waiting + len(ctx.queue or ()),
                "reservations": _reservations(ctx),
                "behaviour": ctx.behaviour,
                "lights": {
                    "intensity_percent": ctx.settings.number(LIGHT_INTENSITY),
                    "blinks": ctx.settings.number(BLINK_REPEAT),
                },
                "oddities": dict(ctx.oddities or {}),
            },
        )


def _connector(ctx: Context, connector: Connector) -> dict[str, Any]:
    reading = connector.read(ctx.now)
    transaction = connector.transaction
    car = connector.vehicle
    return {
        "connector": connector.number,
        "status": status_of(ctx, connector),
        "error": ERROR[connector.fault].value if connector.fault is not None else "NoError",
        "fault_type": connector.fault.value if connector.fault is not None else None,
        "operative": ctx.station.in_service(connector),
        "meter_wh": reading.wh,
        "power_w": round(reading.watts, 1),
        "limit_w": round(reading.offered_w, 1),
        "soc": None if reading.soc is None else round(reading.soc, 1),
        "vehicle": None if car is None else car.spec.name,
        "cable_locked": connector.held or transaction is not None,
        "authorized": None if connector.claim is None else connector.claim.tag,
        "transaction": None
        if transaction is None
        else {
            "key": transaction.key,
            "transaction_id": transaction.number,
            "id_tag": transaction.tag,
            "started_at": transaction.started_at,
            "meter_start": transaction.start_wh,
            "energy_wh": reading.wh - transaction.start_wh,
            "remote": transaction.remote,
        },
    }


def _reservations(ctx: Context) -> list[dict[str, Any]]:
    return [] if ctx.station.reservations is None else ctx.station.reservations.described()
