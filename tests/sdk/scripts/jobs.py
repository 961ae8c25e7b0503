"""Asking for chargers, alone and in bulk, with the official SDK, and polling until they are up."""

import time
from collections.abc import Callable
from typing import Any

import lab

from ocpplab import ChargerGroup, ChargerTemplate, OcpplabSDK


def poll(ask: Callable[[], Any], *, seconds: float = 60.0) -> Any:
    deadline = time.monotonic() + seconds
    while True:
        answer = ask()
        if answer.status in {"READY", "FAILED"} or time.monotonic() > deadline:
            return lab.plain(answer)
        time.sleep(0.5)


def group(ws_url: str, prefix: str, **values: Any) -> ChargerGroup:
    template = ChargerTemplate(
        brand_slug="schneider",
        model_slug=values.pop("model_slug", "evlink-pro-ac-22kw"),
        connector_type="CCS2",
        ocpp_version="OCPP1.6",
        ws_url=ws_url,
        identity_prefix=prefix,
        template_name="Charger",
    )
    return ChargerGroup(template=template, **values)


def bulk(client: OcpplabSDK, location_id: str, ws_url: str) -> dict[str, Any]:
    chargers = client.location_chargers
    again = {"additional_headers": {"Idempotency-Key": "sdk"}}
    wanted = [group(ws_url, "SITE_A_", charger_ids=["001", "002"], chargers_number=5)]
    accepted = chargers.create(location_id, request=wanted, request_options=again)
    repeated = chargers.create(location_id, request=wanted, request_options=again)
    clashing = chargers.create(location_id, request=[group(ws_url, "SITE_A_", charger_ids=["002", "003"])])
    refused = chargers.create(location_id, request=[group(ws_url, "SITE_A_", charger_ids=["001"])])
    return {
        "accepted": lab.plain(accepted),
        "repeated": lab.plain(repeated),
        "done": poll(lambda: chargers.get_bulk_job(location_id, accepted.job_id)),
        "clashing": poll(lambda: chargers.get_bulk_job(location_id, clashing.job_id)),
        "refused": poll(lambda: chargers.get_bulk_job(location_id, refused.job_id)),
        "listed": lab.plain(chargers.list(location_id)),
        "nowhere": lab.caught(chargers.create, "nowhere", request=wanted),
        "no_number": lab.caught(chargers.create, location_id, request=[group(ws_url, "B-")]),
        "no_model": lab.caught(
            chargers.create, location_id, request=[group(ws_url, "B-", chargers_number=1, model_slug="x")]
        ),
        "no_job": lab.caught(chargers.get_bulk_job, location_id, "nonsense"),
    }


def single(client: OcpplabSDK, location_id: str, ws_url: str) -> dict[str, Any]:
    chargers = client.chargers
    values = {
        "identity": "LIN-AC-01",
        "brand_slug": "schneider",
        "model_slug": "evlink-pro-ac-22kw",
        "connector_type": "Type2",
        "ws_url": ws_url,
    }
    accepted = chargers.create(
        **values, ocpp_version="ocpp2.0.1", charge_point_name="Bay 1", location_id=location_id, location_name=None
    )
    return {
        "accepted": lab.plain(accepted),
        "done": poll(lambda: chargers.get_status(accepted.charger_id)),
        "got": lab.plain(chargers.get(accepted.charger_id)),
        "clash": lab.caught(chargers.create, **values),
        "no_brand": lab.caught(chargers.create, **{**values, "brand_slug": "x"}),
        "no_location": lab.caught(chargers.create, **values, location_id="nowhere"),
        "bad": lab.caught(chargers.create, **{**values, "ws_url": "http://x"}),
        "no_charger": lab.caught(chargers.get_status, "dep-none"),
    }


def main() -> None:
    client, given = lab.start()
    where = given["location_id"], given["ws_url"]
    lab.answer({"bulk": bulk(client, *where), "single": single(client, *where)})


main()
