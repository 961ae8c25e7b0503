"""Block B, the part about the device model: SetVariables (B05), GetVariables (B06), GetBaseReport (B07)."""

from collections.abc import Iterable, Mapping
from typing import Final

from chargers.protocol import Fault, Payload
from chargers.protocol.v201.enums import (
    GenericDeviceModelStatus,
    GetVariableStatus,
    ReportBase,
    SetVariableStatus,
)
from chargers.simulator.dialects.base import AnswerHandler, Block, CallHandler, Failure, Refusal
from chargers.simulator.dialects.context import Context
from chargers.simulator.model.settings import Mutability, Variable, Written

from .inventory import ITEMS_PER_MESSAGE, SETTINGS, Entry, inventory

_NOTIFY_REPORT: Final = "NotifyReport"
_OUTCOMES: Final = {
    Written.DONE: (SetVariableStatus.ACCEPTED, ""),
    Written.AFTER_REBOOT: (SetVariableStatus.REBOOT_REQUIRED, ""),
    Written.READ_ONLY: (SetVariableStatus.REJECTED, "ReadOnly"),
    Written.BAD_VALUE: (SetVariableStatus.REJECTED, "InvalidValue"),
    Written.OUT_OF_RANGE: (SetVariableStatus.REJECTED, "ValueOutOfRange"),
}
Found = Entry | GetVariableStatus


class VariablesBlock(Block):
    """Reads, changes and reports variables."""

    title = "B. Provisioning: device model"

    def calls(self) -> Mapping[str, CallHandler]:
        """GetVariables, SetVariables, GetBaseReport."""
        return {"GetVariables": self._get, "SetVariables": self._set, "GetBaseReport": self._base_report}

    def answers(self) -> Mapping[str, AnswerHandler]:
        """NotifyReport: its answer is empty."""
        return {_NOTIFY_REPORT: _nothing_to_do}

    def variables(self) -> Iterable[Variable]:
        """All that can be set: variables are persistent (2.0.1 part 2, VariableAttributeType.persistent)."""
        return SETTINGS

    def _get(self, ctx: Context, request: Payload) -> Payload | Refusal:
        asked = request["getVariableData"]
        if len(asked) > ITEMS_PER_MESSAGE:
            return _too_many("getVariableData", len(asked))
        entries = list(inventory(ctx))
        return {"getVariableResult": [_read(entries, one) for one in asked]}

    def _set(self, ctx: Context, request: Payload) -> Payload | Refusal:
        asked = request["setVariableData"]
        if len(asked) > ITEMS_PER_MESSAGE:
            return _too_many("setVariableData", len(asked))
        entries = list(inventory(ctx))
        return {"setVariableResult": [_write(ctx, entries, one) for one in asked]}

    def _base_report(self, ctx: Context, request: Payload) -> Payload:
        base = ReportBase(request["reportBase"])
        entries = [entry for entry in inventory(ctx) if _belongs(entry, base)]
        pages = [entries[at : at + ITEMS_PER_MESSAGE] for at in range(0, len(entries), ITEMS_PER_MESSAGE)]
        if not ctx.room_for(len(pages)):
            return {"status": GenericDeviceModelStatus.REJECTED.value, "statusInfo": {"reasonCode": "OutOfMemory"}}
        for number, page in enumerate(pages):
            report = {
                "requestId": request["requestId"],
                "generatedAt": ctx.timestamp(),
                "seqNo": number,
                "tbc": number < len(pages) - 1,
                "reportData": [entry.report() for entry in page],
            }
            ctx.call(_NOTIFY_REPORT, report, asked=True)  # B02.FR.02: also while pending
        return {"status": GenericDeviceModelStatus.ACCEPTED.value}


def _belongs(entry: Entry, base: ReportBase) -> bool:
    if base is ReportBase.CONFIGURATION_INVENTORY:
        return entry.variable.mutability is not Mutability.READ_ONLY
    return base is ReportBase.FULL_INVENTORY or entry.variable.name == "AvailabilityState"


def _read(entries: list[Entry], asked: Payload) -> Payload:
    found = _find(entries, asked)
    result = _echo(asked)
    if isinstance(found, Entry):
        return result | {"attributeStatus": GetVariableStatus.ACCEPTED.value, "attributeValue": found.value}
    return result | {"attributeStatus": found.value}


def _write(ctx: Context, entries: list[Entry], asked: Payload) -> Payload:
    found = _find(entries, asked)
    if not isinstance(found, Entry):
        return _echo(asked) | {"attributeStatus": found.value}
    status, reason = _OUTCOMES[ctx.write(found.variable, asked["attributeValue"])]
    info: Payload = {"attributeStatusInfo": {"reasonCode": reason}} if reason else {}
    return _echo(asked) | {"attributeStatus": status.value} | info


def _echo(asked: Payload) -> Payload:
    """Component and variable come back as they were asked for (B05.FR.05, B06.FR.02)."""
    echo = {"component": asked["component"], "variable": asked["variable"]}
    return echo | ({"attributeType": asked["attributeType"]} if "attributeType" in asked else {})


def _find(entries: list[Entry], asked: Payload) -> Found:
    here = [entry for entry in entries if _same_component(entry, asked["component"])]
    if not here:
        return GetVariableStatus.UNKNOWN_COMPONENT
    wanted = asked["variable"]
    name, instance = wanted["name"].casefold(), wanted.get("instance", "").casefold()
    for entry in here:
        if entry.variable.name.casefold() == name and entry.variable.instance.casefold() == instance:
            actual = asked.get("attributeType", "Actual") == "Actual"
            return entry if actual else GetVariableStatus.NOT_SUPPORTED_ATTRIBUTE_TYPE
    return GetVariableStatus.UNKNOWN_VARIABLE


def _same_component(entry: Entry, asked: Payload) -> bool:
    # Names are identifierString: letter case does not count (Part 2, "IdentifierString").
    evse = asked.get("evse", {})
    return (
        entry.variable.component.casefold() == asked["name"].casefold()
        and not asked.get("instance")
        and (entry.evse, entry.connector) == (evse.get("id", 0), evse.get("connectorId", 0))
    )


def _too_many(field: str, number: int) -> Refusal:
    return Refusal(Fault.OCCURRENCE, f"{field}: {number} items, more than ItemsPerMessage ({ITEMS_PER_MESSAGE})")


def _nothing_to_do(_ctx: Context, _request: Payload, _answer: Payload | Failure) -> None:
    """An answer that says nothing."""
