"""What every line of a process's log says besides its own words."""

from collections.abc import Callable, Mapping, MutableMapping
from typing import Any

_process: dict[str, Any] = {}
_names: dict[str, Callable[[Any], Mapping[str, Any]]] = {}


def name_process(**facts: Any) -> None:
    """Have all lines of this process say this, from whichever thread they come."""
    _process.update(facts)


def name_things(key: str, names: Callable[[Any], Mapping[str, Any]]) -> None:
    """Have lines with `key` say what people call that thing: `names` is given its value, in any thread."""
    _names[key] = names


def add_names(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Add what is known; what a line says itself stands (a processor of structlog)."""
    for key, names in _names.items():
        if key in event:
            for name, value in names(event[key]).items():
                event.setdefault(name, value)
    for name, value in _process.items():
        event.setdefault(name, value)
    return event
