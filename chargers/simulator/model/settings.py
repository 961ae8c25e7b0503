"""One settings store, in terms of the OCPP 2.x device model: component, variable, instance.

The definitions are shared by all chargers; a charger keeps only what differs from the defaults. Values are text, as on
the wire, checked when they are written, so that reading them back never fails.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum
from functools import lru_cache
from typing import Final


class DataType(StrEnum):
    """The type of a variable's value (2.0.1 DataEnumType; the ones in use)."""

    BOOLEAN = "boolean"
    DATE_TIME = "dateTime"
    INTEGER = "integer"
    OPTION_LIST = "OptionList"
    SEQUENCE_LIST = "SequenceList"
    STRING = "string"


class Mutability(StrEnum):
    """Whether the CSMS can change a variable (2.0.1 MutabilityEnumType; the ones in use)."""

    READ_ONLY = "ReadOnly"
    READ_WRITE = "ReadWrite"
    WRITE_ONLY = "WriteOnly"


class Written(Enum):
    """The outcome of a write."""

    DONE = "done"
    AFTER_REBOOT = "after_reboot"  #: stored, but takes effect at the next boot
    READ_ONLY = "read_only"
    BAD_VALUE = "bad_value"  #: not of the variable's type
    OUT_OF_RANGE = "out_of_range"


@dataclass(slots=True, frozen=True, eq=False)
class Variable:
    """A setting. Compared by identity: there is one object for each variable.

    `minimum` and `maximum` are inclusive and count for integers only.
    """

    component: str
    name: str
    type: DataType
    default: str
    instance: str = ""
    mutability: Mutability = Mutability.READ_WRITE
    unit: str = ""
    minimum: int | None = None
    maximum: int | None = None
    reboot_required: bool = False
    #: checks a value of any other type: gives the text to keep, or None when it is none
    check: Callable[[str], str | None] | None = None

    @property
    def key(self) -> str:
        """The name under which a charger remembers its value."""
        return f"{self.component}/{self.name}/{self.instance}"


_INTEGER: Final = re.compile(r"-?[0-9]{1,15}", re.ASCII)


class Settings:
    """The values of one charger's variables."""

    __slots__ = ("_values",)

    def __init__(self) -> None:
        self._values: dict[Variable, str] | None = None

    def text(self, variable: Variable) -> str:
        """The value as on the wire."""
        return variable.default if self._values is None else self._values.get(variable, variable.default)

    def number(self, variable: Variable) -> int:
        """The value of an integer variable."""
        return int(self.text(variable))

    def write(self, variable: Variable, text: str) -> Written:
        """A change asked for by the CSMS: nothing changes unless the outcome is DONE or AFTER_REBOOT."""
        if variable.mutability is Mutability.READ_ONLY:
            return Written.READ_ONLY
        problem, value = _checked(variable, text)
        if problem is not None:
            return problem
        self.store(variable, value)
        return Written.AFTER_REBOOT if variable.reboot_required else Written.DONE

    def store(self, variable: Variable, text: str) -> None:
        """A change made by the charger itself: not checked, also for read-only variables."""
        if text == self.text(variable):
            return
        if self._values is None:
            self._values = {}
        self._values[variable] = text

    def flag(self, variable: Variable) -> bool:
        """The value of a boolean variable."""
        return self.text(variable) == "true"

    def items(self, variable: Variable) -> tuple[str, ...]:
        """The values of a list."""
        return _items(self.text(variable))

    def dump(self) -> dict[str, str]:
        """What differs from the defaults, by `Variable.key`."""
        return {variable.key: text for variable, text in (self._values or {}).items()}

    def load(self, values: Mapping[str, str], variables: Mapping[str, Variable]) -> None:
        """Take back what `dump` gave, as far as the variables still exist and allow the values."""
        for key, text in values.items():
            variable = variables.get(key)
            if variable is not None and _checked(variable, text)[0] is None:
                self.store(variable, _checked(variable, text)[1])


@lru_cache(maxsize=1_000)
def _items(text: str) -> tuple[str, ...]:
    return tuple(text.split(",")) if text else ()


def _checked(variable: Variable, text: str) -> tuple[Written | None, str]:
    if variable.type is DataType.INTEGER:
        if not _INTEGER.fullmatch(text):
            return Written.BAD_VALUE, ""
        number = int(text)
        low = variable.minimum is not None and number < variable.minimum
        high = variable.maximum is not None and number > variable.maximum
        return (Written.OUT_OF_RANGE if low or high else None), str(number)
    if variable.type is DataType.BOOLEAN:
        lowered = text.lower()
        return (None, lowered) if lowered in {"true", "false"} else (Written.BAD_VALUE, "")
    if variable.check is not None:
        checked = variable.check(text)
        return (Written.BAD_VALUE, "") if checked is None else (None, checked)
    return None, text
