"""What a charger is made of. Immutable, so that ten thousand chargers of one model share one description."""

from dataclasses import dataclass, replace


@dataclass(slots=True, frozen=True)
class ConnectorSpec:
    """One plug or socket. `type` is the catalog's word (`CCS2`, `Type2`, …), `phases` is 0 for DC."""

    type: str
    max_power_w: int
    phases: int


@dataclass(slots=True, frozen=True)
class EvseSpec:
    """One independent outlet of energy; only one of its connectors can charge at a time."""

    connectors: tuple[ConnectorSpec, ...]

    @property
    def max_power_w(self) -> int:
        """The most that any of its connectors gives, in watts."""
        return max(connector.max_power_w for connector in self.connectors)


@dataclass(slots=True, frozen=True)
class ModelSpec:
    """A product of a brand. Share one instance between all chargers of the model."""

    vendor: str
    model: str
    firmware: str
    evses: tuple[EvseSpec, ...]
    max_power_w: int

    def __post_init__(self) -> None:
        if not self.evses or not all(evse.connectors for evse in self.evses):
            raise ValueError(f"{self.vendor} {self.model}: a charger has at least one EVSE, each with a connector")

    def fitted(self, connector_type: str) -> "ModelSpec":
        """This model with `connector_type` on it: itself when it has one, else with its first connector changed.

        The contract lets a charger name a connector type that its model is not sold with.
        """
        first = self.evses[0]
        if any(connector.type == connector_type for evse in self.evses for connector in evse.connectors):
            return self
        changed = replace(first.connectors[0], type=connector_type)
        return replace(self, evses=(EvseSpec((changed, *first.connectors[1:])), *self.evses[1:]))


@dataclass(slots=True, frozen=True)
class ChargerSpec:
    """One charger. `ocpp_version` is `OCPP1.6` or `OCPP2.0.1`; `serial` is cut to what the version allows (25)."""

    identity: str
    serial: str
    model: ModelSpec
    ocpp_version: str
