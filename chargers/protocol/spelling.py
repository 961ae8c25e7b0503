"""OCPP's own spelling of what people write in snake_case: `id_tag` is `idTag`, `start_transaction` is StartTransaction.

The schemas say how a word is really spelled, so that nothing has to be known about capitals (`responderURL`,
`iso15118SchemaVersion`): two words are the same when they differ in letter case and underscores only. Values are left
as they are; only names of actions and keys are spelled.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from .rpc import Payload
from .schemas import actions_from_charger, request_schema
from .versions import Version

_REFERENCE: Final = "#/definitions/"


class TwiceSpelled(ValueError):
    """An object gives the same key in two spellings, such as `id_tag` and `idTag`."""

    def __init__(self, path: str, key: str) -> None:
        super().__init__(f"{path} is given twice: it is another spelling of {key}.")


def action_spelled(version: Version, text: str) -> str | None:
    """The action that a charger of this version sends and that `text` spells, or None when there is none."""
    return _actions(version).get(_folded(text))


def payload_spelled(version: Version, action: str, payload: Payload) -> Payload:
    """The request payload of `action` with its keys in OCPP's spelling.

    Keys that the schema does not have are kept as they are: validation will name them. Raises `TwiceSpelled`, and
    KeyError for an action that the version does not have.
    """
    schema = request_schema(version, action)
    spelled: Payload = _spelled(payload, schema, schema, "")
    return spelled


@cache
def _actions(version: Version) -> Mapping[str, str]:
    return {_folded(action): action for action in actions_from_charger(version)}


def _folded(text: str) -> str:
    return text.replace("_", "").casefold()


def _spelled(value: Any, schema: Mapping[str, Any], root: Mapping[str, Any], path: str) -> Any:
    reference = schema.get("$ref", "")
    if reference.startswith(_REFERENCE):
        schema = root["definitions"][reference.removeprefix(_REFERENCE)]
    if isinstance(value, list):
        return [_spelled(entry, schema.get("items", {}), root, f"{path}.{at}") for at, entry in enumerate(value)]
    if not isinstance(value, dict):
        return value
    known: Mapping[str, Any] = schema.get("properties", {})
    names = {_folded(name): name for name in known}
    result: Payload = {}
    for key, entry in value.items():
        given = str(key)
        where = f"{path}.{given}"
        name = names.get(_folded(given), given)
        if name in result:
            raise TwiceSpelled(where.removeprefix("."), name)
        result[name] = _spelled(entry, known.get(name, {}), root, where)
    return result
