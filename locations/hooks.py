"""What others want done when something happens to a location; this app knows none of them by name."""

import uuid
from collections.abc import Callable

#: called with the id of a location before it is deleted, in the same transaction: whoever has rows there locks them in
#: the order that everybody keeps, because the deletion itself takes them in any order
location_deleting: list[Callable[[uuid.UUID], None]] = []
#: called inside the transaction that deletes a location with its chargers
location_deleted: list[Callable[[], None]] = []
