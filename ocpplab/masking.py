"""The last gate before the log of a process: passwords, tokens and logins in addresses do not pass."""

import re
from typing import Any, Final

#: keys of a log line whose value is never shown
_KEYS: Final = frozenset({"authorization", "password", "secret_key", "token"})
_CREDENTIALS: Final = re.compile(r"\b(Basic|Bearer) [A-Za-z0-9._~+/=-]{8,}")


def masked(_logger: Any, _method: str, event: dict[str, Any]) -> dict[str, Any]:
    """Hide secrets in a log line (a structlog processor): by the names of its values, and in every text of it."""
    from chargers.protocol.secrets import HIDDEN, secrets_changed  # not before Django is set up

    shown = secrets_changed(event, lambda _secret: HIDDEN, _masked_text)
    return {name: HIDDEN if name.casefold() in _KEYS else value for name, value in shown.items()}


def _masked_text(text: str) -> str:
    from chargers.protocol.secrets import HIDDEN, hidden_in_lines

    return _CREDENTIALS.sub(rf"\1 {HIDDEN}", hidden_in_lines(text))
