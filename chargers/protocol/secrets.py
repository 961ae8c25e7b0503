"""Passwords in messages: what is logged or shown must not tell them (A01.FR.11-12 of the security white paper)."""

import re
from collections.abc import Callable
from typing import Any, Final

import orjson

from .rpc import BadFrame, parse
from .versions import Version

#: the names of passwords, in small letters: a configuration key of 1.6 and a variable of 2.x
SECRETS: Final = frozenset({"authorizationkey", "basicauthpassword"})
HIDDEN: Final = "(hidden)"
_LEFT_OUT: Final = "[left out: it may tell a password and is no message]"
_TOO_DEEP: Final = "[left out: it may tell a password and is nested too deeply to look for it]"
_VALUES: Final = frozenset({"value", "attributeValue"})
_NAMES: Final = frozenset({"key", "name"})
_NAMED: Final = re.compile("|".join(SECRETS), re.IGNORECASE)
#: a name and something that may be its value, in a text that is no structure: JSON in a string, say
_TOLD: Final = re.compile(rf"(?:{'|'.join(SECRETS)})[^\w]+\w", re.IGNORECASE)
_REST: Final = re.compile(rf"({'|'.join(SECRETS)})[^\w\n][^\n]*", re.IGNORECASE)
#: user name and password of an address (RFC 3986 section 3.2.1); JSON may escape its slashes, also more than once
_LOGIN: Final = re.compile(r":(?:\\*/){2}[^/?#\s]*@")
#: letters that JSON need not escape: where nobody reads it as JSON they could hide any name
_ESCAPED: Final = re.compile(r"\\u00[2-7]", re.IGNORECASE)
#: the same as a login within one string of a JSON text
_LOGIN_IN_JSON: Final = re.compile(r":(?:\\*/){2}[^/?#\s\"]*@")


def hidden(payload: Any) -> Any:
    """The same with every password replaced, and the logins of addresses; what holds none comes back as it is.

    Of what is nested too deeply to be looked through nothing comes back.
    """
    try:
        return secrets_changed(payload, lambda _secret: HIDDEN, hidden_in_text)
    except RecursionError:
        return HIDDEN


def hidden_in_text(text: str) -> str:
    """The same without logins of addresses; nothing of it when it tells a password by its name."""
    if _TOLD.search(text) or _ESCAPED.search(text):
        return HIDDEN
    return _LOGIN.sub(f"://{HIDDEN}@", text) if "@" in text else text


def hidden_in_lines(text: str) -> str:
    """The same without logins of addresses, and each line only up to the name of a password."""
    shown = _LOGIN.sub(f"://{HIDDEN}@", text) if "@" in text else text
    return _REST.sub(rf"\1 {HIDDEN}", shown)


def names_secret(text: str) -> bool:
    """Whether the name of a password stands anywhere in a text."""
    return _NAMED.search(text) is not None


def may_tell_secret(text: str) -> bool:
    """Whether a frame, or many after each other, may hold what `hidden` hides. Quick: a no needs no other look."""
    if not text.isascii() or "\\" in text or "@" in text:  # escapes, and letters that are small ones of others
        return True
    small = text.lower()
    return any(name in small for name in SECRETS)


def without_secrets(text: str) -> str:
    """A frame, or whatever came instead of one, for a log or a page: every secret in it is hidden.

    What is no JSON (any more: its end may be cut off) is left out when it names a password. Raises nothing.
    """
    if not may_tell_secret(text):
        return text
    try:
        frame = orjson.loads(text)
    except orjson.JSONDecodeError:
        return _LEFT_OUT if names_secret(text) or _ESCAPED.search(text) else hidden_in_text(text)
    try:
        plain = orjson.dumps(frame).decode()  # with no escapes but those that must be, and no name twice
        if not _tells(plain):
            return plain if _tells(text) else text
        shown = orjson.dumps(hidden(frame)).decode()
    except TypeError:  # it reads more levels than it writes
        return _TOO_DEEP
    if names_secret(plain) and isinstance(parse(Version.V16, plain), BadFrame):
        return _LEFT_OUT
    return _LEFT_OUT if _LOGIN_IN_JSON.search(shown.replace(f"://{HIDDEN}@", "")) else shown


def _tells(text: str) -> bool:
    return any(found.search(text) for found in (_NAMED, _LOGIN, _ESCAPED))


def secrets_changed(payload: Any, change: Callable[[Any], Any], texts: Callable[[str], str] = lambda text: text) -> Any:
    """The same with `change` of every password: `{"key": "AuthorizationKey", "value": …}` and the like.

    Other texts become `texts` of them. What is not changed comes back as it is, not copied.
    """
    if isinstance(payload, str):
        return texts(payload)
    if isinstance(payload, list):
        rows = [secrets_changed(row, change, texts) for row in payload]
        return rows if any(new is not old for new, old in zip(rows, payload, strict=True)) else payload
    if not isinstance(payload, dict):
        return payload
    named = _is_about_secret(payload) or _is_about_secret(payload.get("variable"))
    changed = {
        name: change(value)
        if (named and name in _VALUES) or _is_secret(name)
        else secrets_changed(value, change, texts)
        for name, value in payload.items()
    }
    return changed if any(changed[name] is not value for name, value in payload.items()) else payload


def _is_about_secret(row: Any) -> bool:
    return isinstance(row, dict) and any(_is_secret(row.get(name)) for name in _NAMES)


def _is_secret(name: Any) -> bool:
    return isinstance(name, str) and name.strip().casefold() in SECRETS
