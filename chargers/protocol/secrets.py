"""Passwords in messages: what is logged or shown must not tell them (A01.FR.11-12 of the security white paper)."""

from typing import Any, Final

#: the names of passwords, in small letters: a configuration key of 1.6 and a variable of 2.x
SECRETS: Final = frozenset({"authorizationkey", "basicauthpassword"})
HIDDEN: Final = "(hidden)"
_VALUES: Final = frozenset({"value", "attributeValue"})
_NAMES: Final = frozenset({"key", "name"})


def hidden(payload: Any) -> Any:
    """The same with every password replaced: `{"key": "AuthorizationKey", "value": …}` and the like.

    What holds no password comes back as it is, not copied.
    """
    if isinstance(payload, list):
        rows = [hidden(row) for row in payload]
        return rows if any(new is not old for new, old in zip(rows, payload, strict=True)) else payload
    if not isinstance(payload, dict):
        return payload
    named = _names_secret(payload) or _names_secret(payload.get("variable"))
    shown = {
        name: HIDDEN if (named and name in _VALUES) or _is_secret(name) else hidden(value)
        for name, value in payload.items()
    }
    return shown if any(shown[name] is not value for name, value in payload.items()) else payload


def _names_secret(row: Any) -> bool:
    return isinstance(row, dict) and any(_is_secret(row.get(name)) for name in _NAMES)


def _is_secret(name: Any) -> bool:
    return isinstance(name, str) and name.casefold() in SECRETS
