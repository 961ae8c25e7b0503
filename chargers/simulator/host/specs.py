"""From rows to what a session needs, with one description shared by all chargers of the same make."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from sys import intern
from typing import Any, Final
from urllib.parse import quote
from uuid import UUID

from chargers.simulator.host.leases import Claimed
from chargers.simulator.model.specs import ChargerSpec, ConnectorSpec, EvseSpec, ModelSpec

#: by level of the message log: the actions whose frames it keeps (None: all). `transactions` are the transaction
#: messages (1.6 section 3.7, 2.0.1 E) and our own word for why a connection ended.
_KEPT: Final[dict[str, frozenset[str] | None]] = {
    "all": None,
    "transactions": frozenset(
        {"StartTransaction", "MeterValues", "StopTransaction", "TransactionEvent", "Disconnected"}
    ),
    "none": frozenset(),
}
#: how a level weighs in a sum over many chargers, so that no two changes at a time are likely to cancel each other
_WEIGHTS: Final = {"none": (40503, 65521), "transactions": (48271, 65537)}


@dataclass(slots=True)
class Lease:
    """One charger held by this host. `spec` is None when the charger cannot be simulated; `problem` says why."""

    charger_id: int
    epoch: int
    revision: int
    ws_url: str
    spec: ChargerSpec | None
    problem: str = ""
    message_log: str = "all"

    @property
    def kept(self) -> frozenset[str] | None:
        """The actions whose frames the message log keeps; None: all."""
        return _KEPT[self.message_log]

    @property
    def version(self) -> str:
        """The version of OCPP that the charger speaks; "" when it cannot be simulated."""
        return self.spec.ocpp_version if self.spec is not None else ""

    @property
    def log_weight(self) -> int:
        """Its part of `leases.Fingerprint.log_levels`."""
        factor, modulus = _WEIGHTS.get(self.message_log, (0, 0))
        return self.charger_id * factor % modulus + 1 if factor else 0

    @property
    def address(self) -> str:
        """Where it dials: `ws_url` with the percent-encoded identity as last segment (OCPP-J 1.6 section 3.1.1)."""
        identity = self.spec.identity if self.spec else ""
        base, mark, query = self.ws_url.partition("?")
        return f"{base.rstrip('/')}/{quote(identity, safe='')}{mark}{query}"


class Workshop:
    """Makes leases from rows; the same make is described once."""

    def __init__(self) -> None:
        self._made: dict[tuple[Any, ...], ModelSpec] = {}

    def leases(self, rows: Iterable[Claimed], models: Iterable[tuple[Any, ...]]) -> list[Lease]:
        """Make a lease of each row; `models` are the rows of `leases.models` for all that are named."""
        catalog: dict[UUID, tuple[Any, ...]] = {row[0]: row[1:] for row in models}
        return [self._lease(row, catalog.get(row.model_id)) for row in rows]

    def _lease(self, row: Claimed, model: tuple[Any, ...] | None) -> Lease:
        lease = Lease(row.id, row.epoch, row.revision, intern(row.ws_url), None, message_log=intern(row.message_log))
        try:
            if model is None:
                raise ValueError("it is not in the catalog")
            spec = self._model(model, row.connector_type)
            lease.spec = ChargerSpec(row.identity, row.public_id, spec, intern(row.ocpp_version))
        except (ValueError, KeyError, TypeError) as error:
            # Catalog rows are edited by people: a bad layout is that charger's problem, not the host's.
            lease.problem = f"its catalog model cannot be simulated: {error!r}"
        return lease

    def _model(self, row: tuple[Any, ...], connector_type: str) -> ModelSpec:
        vendor, name, firmware, evses, power = row
        key = (vendor, name, firmware, json.dumps(evses), power, connector_type)
        spec = self._made.get(key)
        if spec is None:
            layout = tuple(
                EvseSpec(tuple(ConnectorSpec(c["type"], int(c["max_power_w"]), int(c["phases"])) for c in evse))
                for evse in evses
            )
            plain = ModelSpec(vendor, name, firmware, layout, int(power))
            spec = self._made[key] = plain.fitted(connector_type)
        return spec
