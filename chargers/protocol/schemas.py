"""Payloads against the official JSON schemas.

The schema files are those of the `ocpp` package, found without importing it (the import is slow and pulls in asyncio).
Validators are compiled at first use and shared by the whole process.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, Protocol

import jsonschema_rs
import orjson

from .errors import Fault, code_of
from .rpc import MAX_DESCRIPTION, Payload
from .v16.actions import FROM_CHARGER as V16_FROM_CHARGER
from .v16.actions import FROM_CSMS as V16_FROM_CSMS
from .v201.actions import FROM_CHARGER as V201_FROM_CHARGER
from .v201.actions import FROM_CSMS as V201_FROM_CSMS
from .versions import Version

_FOLDERS: Final = {Version.V16: "v16", Version.V201: "v201"}
_REQUEST_SUFFIX: Final = {Version.V16: "", Version.V201: "Request"}
_FROM_CHARGER: Final = {Version.V16: V16_FROM_CHARGER, Version.V201: V201_FROM_CHARGER}
_FROM_CSMS: Final = {Version.V16: V16_FROM_CSMS, Version.V201: V201_FROM_CSMS}
_ACTIONS: Final = {version: _FROM_CHARGER[version] | _FROM_CSMS[version] for version in Version}

# Which fault a schema keyword stands for. OCPP-J 1.6 §4.2.3 and 2.0.1 §4.3 describe the codes in words only; a missing
# field is read as an occurrence of 0 where 1 is asked, a list outside minItems..maxItems likewise.
_FAULTS: Final = {
    "type": Fault.TYPE,
    "required": Fault.OCCURRENCE,
    "minItems": Fault.OCCURRENCE,
    "maxItems": Fault.OCCURRENCE,
    "additionalProperties": Fault.FORMAT,
    "enum": Fault.PROPERTY,
    "minLength": Fault.PROPERTY,
    "maxLength": Fault.PROPERTY,
    "minimum": Fault.PROPERTY,
    "maximum": Fault.PROPERTY,
    "multipleOf": Fault.PROPERTY,
    "format": Fault.PROPERTY,
}
# With several breaches in one payload the one that says most about its shape is reported: always the same one.
_RANK: Final = {Fault.OCCURRENCE: 0, Fault.FORMAT: 1, Fault.TYPE: 2, Fault.PROPERTY: 3}


@dataclass(slots=True, frozen=True)
class Breach:
    """How a payload fails its schema: `code` is the errorCode to answer, `path` is dotted, `message` is for people."""

    code: str
    fault: Fault
    path: str
    message: str


class _Compiled(Protocol):
    def is_valid(self, instance: object) -> bool: ...
    def iter_errors(self, instance: object) -> Iterable[jsonschema_rs.ValidationError]: ...


def validate_request(version: Version, action: str, payload: Payload, *, formats: bool = True) -> Breach | None:
    """What is wrong with the payload of a CALL, or None. Raises KeyError for an action that the version does not have.

    `formats=False` lets through date-times and URIs that are not RFC 3339 / 3986: 1.6 ("Time notations") asks for
    ISO 8601 only, so a receiver does well to be generous.
    """
    return _breach(version, _of_request(version, action, formats), payload)


def validate_response(version: Version, action: str, payload: Payload, *, formats: bool = True) -> Breach | None:
    """What is wrong with the payload of a CALLRESULT to `action`, or None. As `validate_request` otherwise."""
    return _breach(version, _of_response(version, action, formats), payload)


def actions(version: Version) -> frozenset[str]:
    """Every action of the version, whoever sends it."""
    return _ACTIONS[version]


def actions_from_charger(version: Version) -> frozenset[str]:
    """The actions that a charger sends as a CALL."""
    return _FROM_CHARGER[version]


def actions_from_csms(version: Version) -> frozenset[str]:
    """The actions that a CSMS sends as a CALL."""
    return _FROM_CSMS[version]


def schema_names(version: Version) -> frozenset[str]:
    """The names of the schema files of the version, without `.json` (for tests of completeness)."""
    return frozenset(path.stem for path in _folder(version).glob("*.json"))


@cache
def request_schema(version: Version, action: str) -> Mapping[str, Any]:
    """The schema of a CALL's payload, to be read only. Raises KeyError for an action that the version does not have."""
    return _schema(version, _known(version, action) + _REQUEST_SUFFIX[version])


def _breach(version: Version, compiled: _Compiled, payload: Payload) -> Breach | None:
    try:
        if compiled.is_valid(payload):
            return None
        found = [(_FAULTS.get(error.kind.name, Fault.FORMAT), error) for error in compiled.iter_errors(payload)]
    except ValueError:  # the validator goes 255 levels deep, and no message needs more than ten
        return Breach(code_of(version, Fault.FORMAT), Fault.FORMAT, "", "nested too deeply")
    fault, error = min(found, key=lambda one: _RANK[one[0]])
    path = ".".join(str(part) for part in error.instance_path)
    message = f"{path}: {error.message}" if path else error.message
    return Breach(code_of(version, fault), fault, path, message[:MAX_DESCRIPTION])


def _known(version: Version, action: str) -> str:
    if action not in _ACTIONS[version]:
        raise KeyError(action)
    return action


@cache
def _of_request(version: Version, action: str, formats: bool) -> _Compiled:
    return _validator(version, _known(version, action) + _REQUEST_SUFFIX[version], formats)


@cache
def _of_response(version: Version, action: str, formats: bool) -> _Compiled:
    return _validator(version, f"{_known(version, action)}Response", formats)


def _validator(version: Version, name: str, formats: bool) -> _Compiled:
    validator: _Compiled = jsonschema_rs.validator_for(_schema(version, name), validate_formats=formats)
    return validator


def _schema(version: Version, name: str) -> dict[str, Any]:
    schema: dict[str, Any] = orjson.loads((_folder(version) / f"{name}.json").read_bytes())
    return schema


@cache
def _folder(version: Version) -> Path:
    spec = find_spec("ocpp")
    if spec is None or not spec.submodule_search_locations:
        raise RuntimeError("The package `ocpp` is not installed: it holds the OCPP schemas. Run `make setup`.")
    return Path(spec.submodule_search_locations[0]) / _FOLDERS[version] / "schemas"
