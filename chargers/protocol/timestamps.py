"""Date-times on the wire: RFC 3339 in UTC with milliseconds out, any ISO 8601 in."""

from datetime import UTC, datetime


def format_time(epoch: float) -> str:
    """Seconds since the Unix epoch as `2024-01-31T12:00:00.000Z`: both versions ask for UTC, at most milliseconds."""
    return datetime.fromtimestamp(epoch, UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


def parse_time(text: str) -> float | None:
    """A date-time as seconds since the Unix epoch, or None when it cannot be read. UTC when it names no offset."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return moment.timestamp()
