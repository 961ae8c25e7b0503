"""Writing locations."""

from locations.services.importing import locations_import
from locations.services.writing import location_create, location_delete, location_update

__all__ = ["location_create", "location_delete", "location_update", "locations_import"]
