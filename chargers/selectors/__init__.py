"""Reading chargers, always within one organization."""

from chargers.selectors.chargers import (
    ChargerFilter,
    charger_get,
    chargers_list,
    chargers_of_location,
    chargers_with_related,
    chargers_with_related_of_many,
    models_by_slug,
    newest_first,
)
from chargers.selectors.messages import MessageFilter, messages_page
from locations.selectors import location_get

__all__ = [
    "ChargerFilter",
    "MessageFilter",
    "charger_get",
    "chargers_list",
    "chargers_of_location",
    "chargers_with_related",
    "chargers_with_related_of_many",
    "location_get",
    "messages_page",
    "models_by_slug",
    "newest_first",
]
