"""Reading locations."""

from django.db.models import QuerySet

from locations.errors import LocationNotFound
from locations.models import Location
from ocpplab.accounts.models import Organization
from ocpplab.api.fields import as_uuid


def locations_of(organization: Organization) -> QuerySet[Location]:
    """Return the locations of an organization, newest first."""
    return Location.objects.filter(organization=organization).order_by("-created_at", "-id")


def location_get(*, organization: Organization, location_id: str) -> Location:
    """Return one location. Raises `LocationNotFound`, also for an id that is no UUID."""
    uuid = as_uuid(location_id)
    found = uuid and Location.objects.filter(organization=organization, pk=uuid).first()
    if not found:
        raise LocationNotFound
    return found
