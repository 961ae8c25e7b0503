"""The device model of a station: every component and variable that GetVariables, SetVariables and reports know."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from chargers.protocol import Payload
from chargers.simulator.dialects.context import Context
from chargers.simulator.model.settings import DataType, Mutability, Variable
from chargers.simulator.model.station import Condition, Connector, Evse
from chargers.simulator.model.variables import (
    HEARTBEAT_INTERVAL,
    MESSAGE_TIMEOUT,
    OFFLINE_THRESHOLD,
    RETRY_BACK_OFF_RANDOM_RANGE,
    RETRY_BACK_OFF_REPEAT_TIMES,
    RETRY_BACK_OFF_WAIT_MINIMUM,
    WEBSOCKET_PING_INTERVAL,
)

ITEMS_PER_MESSAGE: Final = 50  #: the most items of GetVariables, SetVariables and of one NotifyReport
SETTINGS: Final = (
    HEARTBEAT_INTERVAL,
    WEBSOCKET_PING_INTERVAL,
    MESSAGE_TIMEOUT,
    OFFLINE_THRESHOLD,
    RETRY_BACK_OFF_WAIT_MINIMUM,
    RETRY_BACK_OFF_RANDOM_RANGE,
    RETRY_BACK_OFF_REPEAT_TIMES,
)
#: connector types of the catalog in the words of ConnectorEnumType
_CONNECTOR_TYPES: Final = {
    "Type1": "cType1",
    "Type2": "cType2",
    "CCS1": "cCCS1",
    "CCS2": "cCCS2",
    "CHAdeMO": "cG105",
    "NACS": "cTesla",
    "Schuko": "sCEE-7-7",
    "Type3": "sType3",
}
_STATES: Final = dict.fromkeys(Condition, "Occupied") | {
    Condition.AVAILABLE: "Available",
    Condition.RESERVED: "Reserved",
    Condition.UNAVAILABLE: "Unavailable",
    Condition.FAULTED: "Faulted",
}


@dataclass(slots=True, frozen=True)
class Entry:
    """One variable of one component with its present value. `evse` 0: of the station; `connector` 0: of the EVSE."""

    variable: Variable
    value: str
    evse: int = 0
    connector: int = 0
    options: str = ""

    def component(self) -> Payload:
        """As ComponentType."""
        component: Payload = {"name": self.variable.component}
        if self.evse:
            evse = {"id": self.evse} | ({"connectorId": self.connector} if self.connector else {})
            component["evse"] = evse
        return component

    def named(self) -> Payload:
        """As VariableType."""
        variable = self.variable
        return {"name": variable.name} | ({"instance": variable.instance} if variable.instance else {})

    def report(self) -> Payload:
        """As ReportDataType."""
        variable = self.variable
        characteristics: Payload = {"dataType": variable.type.value, "supportsMonitoring": False}
        optional = {"unit": variable.unit or None, "minLimit": variable.minimum, "maxLimit": variable.maximum}
        characteristics |= {key: value for key, value in optional.items() if value is not None}
        if self.options:
            characteristics["valuesList"] = self.options
        attribute = {"type": "Actual", "value": self.value, "mutability": variable.mutability.value}
        return {
            "component": self.component(),
            "variable": self.named(),
            "variableAttribute": [attribute],
            "variableCharacteristics": characteristics,
        }


def _fact(component: str, name: str, type_: DataType, instance: str = "", unit: str = "") -> Variable:
    return Variable(component, name, type_, "", instance=instance, mutability=Mutability.READ_ONLY, unit=unit)


_AVAILABLE = {one: _fact(one, "Available", DataType.BOOLEAN) for one in ("ChargingStation", "EVSE", "Connector")}
_STATE = {one: _fact(one, "AvailabilityState", DataType.OPTION_LIST) for one in _AVAILABLE}
_PHASES = {one: _fact(one, "SupplyPhases", DataType.INTEGER) for one in _AVAILABLE}
_MODEL = _fact("ChargingStation", "Model", DataType.STRING)
_VENDOR = _fact("ChargingStation", "VendorName", DataType.STRING)
_SERIAL = _fact("ChargingStation", "SerialNumber", DataType.STRING)
_ALLOW_RESET = _fact("EVSE", "AllowReset", DataType.BOOLEAN)
_CONNECTOR_TYPE = _fact("Connector", "ConnectorType", DataType.STRING)
_DATE_TIME = _fact("ClockCtrlr", "DateTime", DataType.DATE_TIME)
_TIME_SOURCE = _fact("ClockCtrlr", "TimeSource", DataType.SEQUENCE_LIST)
_ITEMS = tuple(
    _fact("DeviceDataCtrlr", "ItemsPerMessage", DataType.INTEGER, instance)
    for instance in ("GetReport", "GetVariables", "SetVariables")
)


def inventory(ctx: Context) -> Iterator[Entry]:
    """Every variable with its present value."""
    yield from (Entry(variable, ctx.settings.text(variable)) for variable in SETTINGS)
    yield Entry(_DATE_TIME, ctx.timestamp())
    yield Entry(_TIME_SOURCE, "Heartbeat", options="Heartbeat")
    yield from (Entry(variable, str(ITEMS_PER_MESSAGE)) for variable in _ITEMS)
    model = ctx.spec.model
    for variable, text in ((_MODEL, model.model[:20]), (_VENDOR, model.vendor[:50]), (_SERIAL, ctx.spec.serial[:25])):
        yield Entry(variable, text)
    phases = max(one.phases for evse in model.evses for one in evse.connectors)
    yield from _condition("ChargingStation", ctx.station.condition(), phases or 3)
    for evse in ctx.station.evses:
        yield from _evse(ctx, evse)
    for connector in ctx.station.connectors:
        yield from _connector(ctx, connector)


def _evse(ctx: Context, evse: Evse) -> Iterator[Entry]:
    phases = max(one.phases for one in evse.spec.connectors)
    yield from _condition("EVSE", ctx.station.evse_condition(evse), phases, evse.number)
    yield Entry(_ALLOW_RESET, "false", evse.number)


def _connector(ctx: Context, connector: Connector) -> Iterator[Entry]:
    address = connector.evse.number, connector.place
    yield from _condition("Connector", ctx.station.connector_condition(connector), connector.spec.phases, *address)
    yield Entry(_CONNECTOR_TYPE, _CONNECTOR_TYPES.get(connector.spec.type, "Unknown"), *address)


def _condition(part: str, condition: Condition, phases: int, evse: int = 0, connector: int = 0) -> Iterator[Entry]:
    yield Entry(_AVAILABLE[part], "true", evse, connector)
    yield Entry(_STATE[part], _STATES[condition], evse, connector, options="Available,Unavailable")
    yield Entry(_PHASES[part], str(phases), evse, connector)
