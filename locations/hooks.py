"""What others want done when something happens to a location; this app knows none of them by name."""

from collections.abc import Callable

#: called inside the transaction that deletes a location with its chargers
location_deleted: list[Callable[[], None]] = []
