"""The physical layout of a model: rules that the data file and the admin share."""

from collections.abc import Sequence
from typing import Any

from chargers.choices import ConnectorType, CurrentType

_DC_ONLY = frozenset(
    {ConnectorType.CCS1, ConnectorType.CCS2, ConnectorType.CHADEMO, ConnectorType.GBT_DC, ConnectorType.MCS}
)
_EITHER = frozenset({ConnectorType.NACS})
_KEYS = {"type", "max_power_w", "phases"}
_MAX_POWER_W = 5_000_000

Layout = Sequence[Sequence[dict[str, Any]]]


def layout_problems(evses: Any, current_type: str) -> list[str]:
    """Return what is wrong with a layout (see `ChargerModel`), in sentences; nothing when it can be simulated."""
    if not isinstance(evses, list) or not evses:
        return ['The layout must be a list of EVSEs, such as [[{"type": "CCS2", "max_power_w": 50000, "phases": 0}]].']
    problems: list[str] = []
    for number, evse in enumerate(evses, 1):
        if not isinstance(evse, list) or not evse:
            problems.append(f"EVSE {number} must be a list of at least one connector.")
            continue
        for place, connector in enumerate(evse, 1):
            problems += [f"EVSE {number}, connector {place}: {text}" for text in _connector_problems(connector)]
    if not problems and (current_type == CurrentType.DC) != any(c["phases"] == 0 for evse in evses for c in evse):
        problems.append("A model is dc exactly when it has a connector with phases 0.")
    return problems


def _connector_problems(connector: Any) -> list[str]:
    if not isinstance(connector, dict) or set(connector) != _KEYS:
        return ["it must be an object with exactly the keys type, max_power_w and phases."]
    kind, power, phases = connector["type"], connector["max_power_w"], connector["phases"]
    problems = []
    if kind not in ConnectorType.values:
        return [f"the type {kind!r} is unknown; known are {', '.join(ConnectorType.values)}."]
    if type(power) is not int or not 0 < power <= _MAX_POWER_W:
        problems.append(f"max_power_w must be a whole number of watts from 1 to {_MAX_POWER_W}.")
    if type(phases) is not int or phases not in (0, 1, 3):
        problems.append("phases must be 1 or 3, or 0 for DC.")
    elif kind not in _EITHER and (kind in _DC_ONLY) != (phases == 0):
        problems.append(f"{kind} gives {'DC: its phases are 0' if kind in _DC_ONLY else 'AC: its phases are 1 or 3'}.")
    return problems


def connector_types(evses: Layout) -> list[str]:
    """Return the distinct connector types of a valid layout, in the order of its connectors."""
    return list(dict.fromkeys(connector["type"] for evse in evses for connector in evse))


def connector_count(evses: Layout) -> int:
    """Return the number of connectors of a valid layout."""
    return sum(len(evse) for evse in evses)
