"""What `manage.py check --deploy` says about an installation, beside Django's own review (DEBUG, SECRET_KEY, TLS)."""

from typing import Any, Final

from django.conf import settings
from django.core.checks import CheckMessage, Tags, register
from django.core.checks import Warning as Caution

from ocpplab.common.targets import Targets

#: characters of a key of `openssl rand -hex 16`
SHORTEST_KEY: Final = 32


@register(Tags.security, deploy=True)
def keys_set(app_configs: Any, **_: Any) -> list[CheckMessage]:
    """Passwords of chargers are sealed with keys of their own, which nobody guesses."""
    keys: list[str] = settings.ENCRYPTION_KEYS
    if not keys:
        hint = "Set ENCRYPTION_KEYS to a long random text (openssl rand -hex 32), the same for all processes."
        words = "Passwords of chargers are sealed with SECRET_KEY, which can then never be changed."
        return [Caution(words, hint=hint, id="ocpplab.W001")]
    if any(len(key) < SHORTEST_KEY for key in keys):
        hint = f"Each should have {SHORTEST_KEY} characters or more: openssl rand -hex 32"
        return [Caution("A key of ENCRYPTION_KEYS is short.", hint=hint, id="ocpplab.W002")]
    return []


@register(Tags.security, deploy=True)
def targets_listed(app_configs: Any, **_: Any) -> list[CheckMessage]:
    """A lab that anybody may use dials only whom somebody has thought of."""
    rules: tuple[Targets, ...] = (settings.CSMS_TARGETS, settings.TRANSFER_HOSTS)
    return [
        Caution(
            f"{one.setting}={one} opens the Internet, your own networks and this machine at every port.",
            hint="List the networks, names and ports that are needed: docs/safety.md.",
            id="ocpplab.W003",
        )
        for one in rules
        if one.everything
    ]
