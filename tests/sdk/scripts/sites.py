"""Health, landing page, catalog and locations with the official SDK."""

from typing import Any

import lab

from ocpplab import Coordinates, OcpplabSDK

PLACE = {"address": "Lindenweg 8", "city": "Hamburg", "country": "DE"}


def catalog(client: OcpplabSDK) -> dict[str, Any]:
    return {
        "brands": lab.plain(client.catalog.list_brands(page=1, limit=20)),
        "models": lab.plain(client.catalog.list_models("wallbox", page=1, limit=50)),
        "model": lab.plain(client.catalog.get_model("wallbox", "wallbox-pulsar-plus")),
        "no_brand": lab.caught(client.catalog.list_models, "nobody"),
        "no_model": lab.caught(client.catalog.get_model, "abb", "wallbox-pulsar-plus"),
        "bad_page": lab.caught(client.catalog.list_brands, page=0),
    }


def locations(client: OcpplabSDK) -> dict[str, Any]:
    found: dict[str, Any] = {}
    point = Coordinates(latitude=53.5503, longitude=9.9928)
    made = client.locations.create(
        name="Lindenhof Depot",
        coordinates=point,
        timezone="Europe/Berlin",
        owner_name="Nordlicht",
        public=True,
        **PLACE,
    )
    plain = client.locations.create(
        name="Plain", coordinates=point, timezone=None, owner_name=None, public=None, **PLACE
    )
    found["made"], found["plain"] = lab.plain(made), lab.plain(plain)
    found["got"] = lab.plain(client.locations.get(made.id))
    found["listed"] = lab.plain(client.locations.list(page=1, limit=1))
    found["updated"] = lab.plain(client.locations.update(made.id, name="Yard B", owner_name=None, timezone=None))
    found["empty_update"] = lab.plain(client.locations.update(made.id))
    found["unusable"] = lab.caught(client.locations.create, name="x", coordinates=point, **PLACE | {"country": "XX"})
    found["taken_slug"] = lab.caught(client.locations.update, made.id, slug=plain.slug)
    found["deleted"] = [client.locations.delete(made.id), client.locations.delete(made.id)]
    found["gone"] = lab.caught(client.locations.get, made.id)
    found["malformed"] = lab.caught(client.locations.delete, "not-a-uuid")
    found["left"] = lab.plain(client.locations.list())
    return found


def main() -> None:
    client, given = lab.start()
    nobody = lab.client_of(given, token=None)
    admin = lab.client_of(given, token=given["admin_token"], organization_id=given["other_organization"])
    lab.answer(
        {
            "health": client.health.health_check(),
            "health_without_token": nobody.health.health_check(),
            "landing": nobody.health.landing_page(),
            "catalog": catalog(client),
            "locations": locations(client),
            "no_token": lab.caught(nobody.locations.list),
            "bad_token": lab.caught(lab.client_of(given, token="nonsense").catalog.list_brands),
            "admin": lab.plain(admin.locations.list()),
            "admin_of_nothing": lab.caught(lab.client_of(given, token=given["admin_token"]).locations.list),
            "foreign_header": lab.caught(
                lab.client_of(given, organization_id=given["other_organization"]).locations.list
            ),
        }
    )


main()
