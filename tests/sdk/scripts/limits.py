"""What the official SDK makes of limits and of a stopped lab."""

import time
from typing import Any

import lab

from ocpplab import ChargerGroup, ChargerTemplate, OcpplabSDK


def group(number: int) -> ChargerGroup:
    template = ChargerTemplate(
        brand_slug="acme",
        model_slug="pulse-22",
        connector_type="Type2",
        ocpp_version="OCPP1.6",
        ws_url="ws://csms.test",
        identity_prefix="P-",
        template_name="Charger",
    )
    return ChargerGroup(template=template, chargers_number=number)


def caught_in(seconds: float, call: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
    """Return the exception, and whether the SDK had waited so long before it raised."""
    began = time.monotonic()
    found = lab.caught(call, *args, **kwargs)
    return found | {"waited": time.monotonic() - began >= seconds}


def stopped(client: OcpplabSDK, location_id: str) -> dict[str, Any]:
    return {
        "bulk": caught_in(2, client.location_chargers.create, location_id, request=[group(1)]),
        "listed": lab.plain(client.chargers.list()),
    }


def limited(client: OcpplabSDK, location_id: str) -> dict[str, Any]:
    chargers = client.location_chargers
    return {
        "too_many": lab.caught(chargers.create, location_id, request=[group(11)]),
        "first": lab.plain(chargers.create(location_id, request=[group(1)])),
        "second": caught_in(5, chargers.create, location_id, request=[group(1)]),
    }


def hurried(client: OcpplabSDK) -> dict[str, Any]:
    """Ask more often than a minute allows: the SDK waits as long as it is told, and goes on."""
    began = time.monotonic()
    for _ in range(62):
        client.locations.list()
    return {"waited": time.monotonic() - began >= 1}


def main() -> None:
    client, given = lab.start()
    do = {"stopped": stopped, "limited": limited}.get(given["what"])
    lab.answer(hurried(client) if do is None else do(client, given["location_id"]))


main()
