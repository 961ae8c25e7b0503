"""Reading chargers, always within one organization."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Q, QuerySet

from chargers.catalog.models import ChargerModel
from chargers.errors import ChargerNotFound
from chargers.models import Charger
from locations.models import Location
from ocpplab.accounts.models import Organization
from ocpplab.api.fields import as_uuid


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargerFilter:
    """Conditions on a list of chargers; None is no condition. `host` is a host's name or id."""

    location_id: str | None = None
    connection_state: str | None = None
    provisioning_status: str | None = None
    ws_url: str | None = None
    identity: str | None = None
    host: str | None = None


def models_by_slug(pairs: Iterable[tuple[str, str]]) -> dict[tuple[str, str], ChargerModel]:
    """Return the catalog's models, with their brands, by (brand slug, model slug); unknown pairs are left out."""
    wanted = set(pairs)
    rows = ChargerModel.objects.select_related("brand").filter(
        brand__slug__in={brand for brand, _ in wanted}, slug__in={model for _, model in wanted}
    )
    found = {(row.brand.slug, row.slug): row for row in rows}
    return {pair: found[pair] for pair in wanted if pair in found}


def chargers_with_related(rows: QuerySet[Charger]) -> QuerySet[Charger]:
    """Add what a charger's body shows of other rows, in the same query."""
    return rows.select_related("model__brand", "host").defer("model__evses")


def chargers_with_related_of_many(rows: QuerySet[Charger]) -> QuerySet[Charger]:
    """Do the same for thousands of rows: three queries more, but the few models and hosts are built once each."""
    return rows.prefetch_related("model__brand", "host")


def charger_get(*, organization: Organization, charger_id: str) -> Charger:
    """Return one charger by its public id, with what its body shows. Raises `ChargerNotFound`."""
    rows = Charger.objects.filter(organization=organization, public_id=charger_id)
    charger = chargers_with_related(rows).first()
    if charger is None:
        raise ChargerNotFound
    return charger


def chargers_list(*, organization: Organization, where: ChargerFilter) -> QuerySet[Charger]:
    """Return an organization's chargers, newest first. An unknown or malformed location has none."""
    rows = Charger.objects.filter(organization=organization)
    if where.location_id is not None:
        location = as_uuid(where.location_id)
        rows = rows.none() if location is None else rows.filter(location_id=location)
    if where.connection_state is not None:
        rows = rows.filter(connection_state=where.connection_state)
    if where.provisioning_status is not None:
        rows = rows.filter(provisioning_status=where.provisioning_status)
    if where.ws_url is not None:
        rows = rows.filter(ws_url=where.ws_url.rstrip("/"))
    if where.identity is not None:
        rows = rows.filter(identity=where.identity)
    if where.host is not None:
        host = as_uuid(where.host)
        rows = rows.filter(Q(host__name=where.host) if host is None else Q(host=host) | Q(host__name=where.host))
    return newest_first(rows)


def chargers_of_location(*, location: Location, charger_ids: Iterable[str] | None = None) -> QuerySet[Charger]:
    """Return a location's chargers, newest first; `charger_ids` narrows them, ids from elsewhere match nothing."""
    rows = Charger.objects.filter(location=location, organization_id=location.organization_id)
    if charger_ids is not None:
        rows = rows.filter(public_id__in=set(charger_ids))
    return newest_first(rows)


def newest_first(rows: QuerySet[Charger]) -> QuerySet[Charger]:
    """Order as every list of chargers is ordered."""
    return chargers_with_related(rows).order_by("-created_at", "-id")
