"""Typed readers for environment variables. A wrong value stops the start with a message that names the variable."""

import os

from django.core.exceptions import ImproperlyConfigured

from ocpplab.common.targets import BadWord, Targets


def text(name: str, default: str) -> str:
    """Return the variable, or the default when it is unset or empty."""
    return os.environ.get(name) or default


def boolean(name: str, default: bool) -> bool:
    """Read `1/true/yes/on` or `0/false/no/off`, in any letter case."""
    raw = os.environ.get(name, "").strip().lower()
    if not raw:
        return default
    if raw in {"1", "true", "yes", "on"}:
        return True
    if raw in {"0", "false", "no", "off"}:
        return False
    raise ImproperlyConfigured(f"{name}={raw!r} is not a yes or a no: use 1 or 0")


def integer(name: str, default: int, *, minimum: int = 0) -> int:
    """Read a whole number that is at least `minimum`."""
    raw = os.environ.get(name, "").strip()
    if not raw:
        return default
    try:
        value = int(raw)
    except ValueError:
        raise ImproperlyConfigured(f"{name}={raw!r} is not a whole number") from None
    if value < minimum:
        raise ImproperlyConfigured(f"{name}={value} is below {minimum}")
    return value


def listing(name: str, default: list[str]) -> list[str]:
    """Read a comma-separated list; empty parts are dropped."""
    raw = os.environ.get(name, "")
    return [part.strip() for part in raw.split(",") if part.strip()] or default


def targets(name: str, default: list[str], *, csms: Targets | None = None) -> Targets:
    """Read a list of whom to connect to, in the words of `ocpplab.common.targets`."""
    try:
        return Targets(name, listing(name, default), csms=csms)
    except BadWord as problem:
        raise ImproperlyConfigured(f"{name}: {problem}") from None
