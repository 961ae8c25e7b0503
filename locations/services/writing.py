"""Making, changing and deleting locations."""

import secrets
import uuid
from typing import Any, Final

from django.db import IntegrityError, transaction
from django.utils import timezone as clock
from django.utils.text import slugify

from locations import hooks
from locations.choices import LocationStatus
from locations.errors import LocationNotFound, SlugInUse
from locations.models import Location
from ocpplab.accounts.models import Organization

SLUG_CONSTRAINT: Final = "location_slug_unique_in_organization"
_DRAWS: Final = 5


def slug_draw(name: str) -> str:
    """Return a slug for a name: the name and 8 random hex digits."""
    return f"{slugify(name)[:100].strip('-') or 'location'}-{secrets.token_hex(4)}"


def location_create(
    *,
    organization: Organization,
    name: str,
    address: str,
    city: str,
    country: str,
    latitude: float,
    longitude: float,
    timezone: str = "UTC",
    owner_name: str | None = None,
    public: bool = False,
    status: str = LocationStatus.ACTIVE,
    slug: str | None = None,
) -> Location:
    """Make a location; without a slug one is drawn from the name. Raises `SlugInUse` for a given one."""
    for draw in range(1, _DRAWS + 1):
        row = Location(
            organization=organization,
            slug=slug or slug_draw(name),
            name=name,
            address=address,
            city=city,
            country=country,
            latitude=latitude,
            longitude=longitude,
            timezone=timezone,
            owner_name=owner_name,
            public=public,
            status=status,
        )
        try:
            with transaction.atomic():
                row.save(force_insert=True)
        except IntegrityError as error:
            if not is_slug_clash(error) or (slug is None and draw == _DRAWS):
                raise
            if slug is not None:
                raise SlugInUse(slug) from None
        else:
            break
    return row


def location_update(*, organization: Organization, location_id: uuid.UUID, changes: dict[str, Any]) -> Location:
    """Set columns by name and return the row as it is then; without changes `updated_at` stays.

    One UPDATE of these columns only, so that two callers who change different things both have their way. Raises
    `SlugInUse` and `LocationNotFound`.
    """
    rows = Location.objects.filter(organization=organization, pk=location_id)
    try:
        with transaction.atomic():
            if changes:
                rows.update(**changes, updated_at=clock.now())
            row = rows.first()
    except IntegrityError as error:
        if is_slug_clash(error):
            raise SlugInUse(changes["slug"]) from None
        raise
    if row is None:
        raise LocationNotFound
    return row


@transaction.atomic
def location_delete(*, organization: Organization, location_id: uuid.UUID) -> bool:
    """Delete a location with its chargers and jobs; return whether it was there.

    The lock makes those wait who are just putting a charger there: what they commit before us is deleted too, what
    they commit after us finds no location. Sessions end as their hosts see the rows gone; `hooks` says it at once.
    """
    row = Location.objects.select_for_update().filter(organization=organization, pk=location_id).first()
    if row is None:
        return False
    for prepare in hooks.location_deleting:
        prepare(row.pk)
    row.delete()
    for hook in hooks.location_deleted:
        hook()
    return True


def is_slug_clash(error: IntegrityError) -> bool:
    """Say whether the database refused a slug that is taken."""
    diagnosis = getattr(error.__cause__, "diag", None)
    return getattr(diagnosis, "constraint_name", None) == SLUG_CONSTRAINT
