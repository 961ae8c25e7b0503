"""Changing what a charger is: its name, place, address, version."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypedDict
from uuid import UUID

from django.db import IntegrityError, connection, transaction
from django.db.models import QuerySet
from django.utils import timezone

from chargers.errors import ChargerNotFound, GivenTwice, IdentityInUse, NotInLocation, UnknownLocation
from chargers.models import Charger
from chargers.services.nudge import nudge
from chargers.services.provisioning import is_identity_clash
from locations.models import Location
from ocpplab.api.fields import as_uuid
from ocpplab.common.errors import DomainError


class Configuration(TypedDict, total=False):
    """New values, as the rules return them; a key that is absent stays. `location_id` is a UUID's text."""

    name: str | None
    connector_type: str
    ocpp_version: str
    ws_url: str
    location_id: str | None
    location_name: str | None
    message_log: str


@dataclass(frozen=True, slots=True)
class Change:
    """New values for the charger with this public id."""

    charger_id: str
    values: Configuration


#: columns that a running session was built from: a new value means a new session
RESTARTING = ("connector_type", "ocpp_version", "ws_url")
COLUMNS = ("name", "connector_type", "ocpp_version", "ws_url", "location_id", "location_name", "message_log")

# Only the columns of this module, in one statement whatever the number: the host writes others at the same time.
_UPDATE = """
UPDATE chargers_charger AS c
   SET name = v.name, connector_type = v.connector_type, ocpp_version = v.ocpp_version, ws_url = v.ws_url,
       location_id = v.location_id, location_name = v.location_name, message_log = v.message_log,
       revision = c.revision + v.restart, updated_at = %s
  FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[], %s::text[], %s::uuid[], %s::text[],
       %s::text[], %s::int[])
       AS v (id, name, connector_type, ocpp_version, ws_url, location_id, location_name, message_log, restart)
 WHERE c.id = v.id
"""


def charger_update(*, charger: Charger, values: Configuration) -> None:
    """Change one charger; `charger` itself is not refreshed.

    Raises `ChargerNotFound` (deleted meanwhile), `UnknownLocation`, `IdentityInUse` (at the new `ws_url`).
    """
    if not values:
        return
    rows = Charger.objects.filter(pk=charger.pk)
    changes = [Change(charger.public_id, values)]
    [error] = chargers_update(organization_id=charger.organization_id, rows=rows, changes=changes)
    if error is not None:
        raise ChargerNotFound if isinstance(error, NotInLocation) else error


def chargers_update(
    *, organization_id: UUID, rows: QuerySet[Charger], changes: Sequence[Change]
) -> list[DomainError | None]:
    """Change many chargers of an organization among `rows`, each on its own: one refusal stops no other.

    Returns for each change, in order, None or why it was refused. A charger's second change in one call is refused.
    Hosts hear of it when a session has to be restarted.
    """
    with transaction.atomic():
        places = _locations(organization_id, changes)
        rows = rows.filter(organization_id=organization_id)
        plan = _Plan(_locked(rows, [change.charger_id for change in changes]), places)
        plan.look_up_holders(organization_id, changes)
        for change in changes:
            plan.add(change)
        plan.write()
        if plan.restarts:
            nudge()
    return [error if row is None else plan.clashes.get(row.pk) for row, error in plan.results]


def _locked(rows: QuerySet[Charger], charger_ids: Iterable[str]) -> dict[str, Charger]:
    """Lock the chargers, in one order so that two calls cannot wait for each other."""
    found = rows.filter(public_id__in=set(charger_ids)).order_by("id").select_for_update(of=("self",), no_key=True)
    return {row.public_id: row for row in found.only("public_id", "identity", *COLUMNS)}


def _locations(organization_id: UUID, changes: Iterable[Change]) -> set[UUID]:
    """Return those of the locations asked for that are the organization's, kept from being deleted until commit."""
    texts = {text for change in changes if (text := change.values.get("location_id")) is not None}
    asked = {key for text in texts if (key := as_uuid(text)) is not None}
    found = Location.objects.filter(organization_id=organization_id, id__in=asked).order_by("id")
    return set(found.select_for_update(no_key=True).values_list("id", flat=True)) if asked else set()


class _Plan:
    """What will be written: built change by change, so that each sees those before it."""

    def __init__(self, chargers: dict[str, Charger], places: set[UUID]) -> None:
        self.chargers = chargers
        self.places = places
        self.holders: dict[tuple[str, str], int] = {}
        self.results: list[tuple[Charger | None, DomainError | None]] = []
        self.given: set[str] = set()
        self.changed: list[Charger] = []
        self.restarts: set[int] = set()
        self.clashes: dict[int, DomainError] = {}

    def look_up_holders(self, organization_id: UUID, changes: Iterable[Change]) -> None:
        """Learn which chargers hold the identities at the new addresses now: one query, only when one is asked for."""
        urls = {url for change in changes if (url := change.values.get("ws_url")) is not None}
        if not urls or not self.chargers:
            return
        rows = Charger.objects.filter(
            organization_id=organization_id,
            ws_url__in=urls,
            identity__in={charger.identity for charger in self.chargers.values()},
        )
        self.holders = {(url, identity): pk for pk, url, identity in rows.values_list("id", "ws_url", "identity")}

    def add(self, change: Change) -> None:
        """Plan one change or note why it is refused."""
        charger = self.chargers.get(change.charger_id)
        error: DomainError | None = None
        if charger is None:
            error = NotInLocation()
        elif change.charger_id in self.given:
            error = GivenTwice(change.charger_id)
        else:
            self.given.add(change.charger_id)
            error = self._apply(charger, change.values)
        self.results.append((None, error) if error else (charger, None))

    def _apply(self, charger: Charger, values: Configuration) -> DomainError | None:
        new: dict[str, Any] = dict(values)
        if (text := new.get("location_id")) is not None:
            new["location_id"] = as_uuid(text)
            if new["location_id"] not in self.places:
                return UnknownLocation(text)
        before = {column: getattr(charger, column) for column in new}
        if new == before:
            return None
        if (url := new.get("ws_url", charger.ws_url)) != charger.ws_url:
            if self.holders.get((url, charger.identity), charger.pk) != charger.pk:
                return IdentityInUse(charger.identity, url)
            self.holders.pop((charger.ws_url, charger.identity), None)
            self.holders[url, charger.identity] = charger.pk
        for column, value in new.items():
            setattr(charger, column, value)
        self.changed.append(charger)
        if any(new[column] != before[column] for column in RESTARTING if column in new):
            self.restarts.add(charger.pk)
        return None

    def write(self) -> None:
        """Write the plan in one statement; one by one when somebody took an address between our look and now.

        One statement may also trip over its own order, when a charger moves to an address that another one leaves.
        """
        try:
            with transaction.atomic():
                self._write(self.changed)
        except IntegrityError as error:
            if not is_identity_clash(error):
                raise
        else:
            return
        for charger in self.changed:
            try:
                with transaction.atomic():
                    self._write([charger])
            except IntegrityError as error:
                if not is_identity_clash(error):
                    raise
                self.clashes[charger.pk] = IdentityInUse(charger.identity, charger.ws_url)
                self.restarts.discard(charger.pk)

    def _write(self, chargers: Sequence[Charger]) -> None:
        if not chargers:
            return
        columns = [[getattr(charger, column) for charger in chargers] for column in ("pk", *COLUMNS)]
        restart = [int(charger.pk in self.restarts) for charger in chargers]
        with connection.cursor() as cursor:
            cursor.execute(_UPDATE, [timezone.now(), *columns, restart])
