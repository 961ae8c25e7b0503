"""Date-times on the wire: RFC 3339 in UTC with milliseconds out, any ISO 8601 in."""

import math
from datetime import UTC, datetime
from functools import lru_cache


def format_time(epoch: float) -> str:
    """Seconds since the Unix epoch as `2024-01-31T12:00:00.000Z`: both versions ask for UTC, at most milliseconds."""
    second, micro = instant(epoch)
    return f"{second}.{micro // 1000:03d}Z"


def instant(epoch: float) -> tuple[str, int]:
    """Seconds since the Unix epoch as a UTC date-time to the second, without its offset, and the microseconds on it.

    Raises what `datetime.fromtimestamp` raises for what no calendar has.
    """
    second = math.floor(epoch)
    micro = round((epoch - second) * 1_000_000)  # the part alone: it is exact, and so is rounded once
    return (_second(second), micro) if micro < 1_000_000 else (_second(second + 1), 0)


@lru_cache(maxsize=1_000)
def _second(epoch: int) -> str:
    return datetime.fromtimestamp(epoch, UTC).isoformat()[: -len("+00:00")]


def parse_time(text: str) -> float | None:
    """A date-time as seconds since the Unix epoch, or None when it cannot be read. UTC when it names no offset."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return moment.timestamp()
