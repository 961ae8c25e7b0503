"""Making texts that PostgreSQL can hold of what a CSMS may have sent."""

import json
from typing import Any

import orjson


def writable(text: str) -> str:
    """The same text without NUL and halves of surrogate pairs."""
    if "\x00" in text:
        text = text.replace("\x00", "\ufffd")
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def writable_json(value: Any) -> str:
    """JSON of `value` for a jsonb column, which takes no NUL and no halves of surrogate pairs either."""
    try:
        text = orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS)
        if b"\\u0000" not in text:
            return text.decode()
    except TypeError:  # halves of surrogate pairs, or whole numbers of more than 64 bits
        pass
    return json.dumps(_cleaned(value), separators=(",", ":"))


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return writable(value)
    if isinstance(value, dict):
        return {writable(str(key)): _cleaned(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_cleaned(item) for item in value]
    return value
