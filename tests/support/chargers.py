"""Rows to test with: a model of a brand that no catalog has, locations, chargers, hosts, messages."""

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

from django.utils import timezone

from chargers.catalog.models import Brand, ChargerModel
from chargers.models import Charger, Message, SimulatorHost
from locations.models import Location
from ocpplab.accounts.models import Organization

WS_URL = "ws://csms.test:9000/ocpp"
DAWN = datetime(2026, 5, 4, 8, 0, tzinfo=UTC)

_numbers = itertools.count(1)


def make_model(slug: str = "pulse-22", brand_slug: str = "acme", **columns: Any) -> ChargerModel:
    brand, _ = Brand.objects.get_or_create(slug=brand_slug, defaults={"name": brand_slug.title()})
    defaults = {
        "name": slug.title(),
        "current_type": "ac",
        "power_ratings_kw": [22.0],
        "connector_types": ["Type2"],
        "connector_count": 1,
        "max_power_w": 22_000,
        "evses": [[{"type": "Type2", "max_power_w": 22_000, "phases": 3}]],
    }
    return ChargerModel.objects.get_or_create(brand=brand, slug=slug, defaults=defaults | columns)[0]


def make_location(organization: Organization, name: str = "Depot", **columns: Any) -> Location:
    defaults = {
        "slug": f"{name.lower()}-{next(_numbers)}",
        "address": "Lindenweg 8",
        "city": "Hamburg",
        "country": "DE",
        "latitude": 53.55,
        "longitude": 9.99,
    }
    return Location.objects.create(organization=organization, name=name, **defaults | columns)


def charger_of(organization: Organization, **columns: Any) -> Charger:
    """Return an unsaved charger."""
    defaults = {
        "model": columns.pop("model", None) or make_model(),
        "identity": f"CP-{next(_numbers):05}",
        "connector_type": "Type2",
        "ws_url": WS_URL,
        "provisioning_status": "PROVISIONING",
    }
    return Charger(organization=organization, **defaults | columns)


def make_charger(organization: Organization, **columns: Any) -> Charger:
    charger = charger_of(organization, **columns)
    charger.save(force_insert=True)
    return charger


def make_chargers(organization: Organization, count: int, **columns: Any) -> list[Charger]:
    """Make many at once, the oldest first."""
    start = timezone.now() - timedelta(days=1)
    model = columns.pop("model", None) or make_model()
    rows = [charger_of(organization, model=model, **columns) for _ in range(count)]
    for number, row in enumerate(rows):
        row.created_at = start + timedelta(milliseconds=number)
    return Charger.objects.bulk_create(rows, batch_size=2000)


def make_host(name: str = "host-1", **columns: Any) -> SimulatorHost:
    now = timezone.now()
    defaults = {"machine": "m", "pid": 1, "capacity": 1000, "started_at": now, "beat_at": now}
    return SimulatorHost.objects.create(name=name, **defaults | columns)


def make_messages(charger: Charger, count: int, **columns: Any) -> list[Message]:
    """Make messages one second apart, from dawn on."""
    defaults = {"direction": "cp_to_csms", "action": "Heartbeat"}
    rows = [
        Message(
            **{
                "charger": charger,
                "at": DAWN + timedelta(seconds=number),
                "message": f'[2,"{number}","Heartbeat",{{}}]',
            }
            | defaults
            | columns
        )
        for number in range(count)
    ]
    return Message.objects.bulk_create(rows, batch_size=5000)


def snapshot(*charger_ids: int) -> list[dict[str, Any]]:
    """Return all columns of chargers, to see that nothing changed."""
    rows = Charger.objects.filter(id__in=charger_ids) if charger_ids else Charger.objects.all()
    return list(rows.order_by("id").values())
