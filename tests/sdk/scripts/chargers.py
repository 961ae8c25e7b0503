"""Chargers, alone and by location, with the official SDK. Their rows are there: creating is another script's."""

from datetime import UTC, datetime, timedelta
from typing import Any

import lab

from ocpplab import OcpplabSDK, UpdateLocationChargerItem

START = datetime(2026, 5, 4, 8, 0, 1, tzinfo=UTC)


def one(client: OcpplabSDK, charger_id: str, other_location: str) -> dict[str, Any]:
    chargers = client.chargers
    return {
        "got": lab.plain(chargers.get(charger_id)),
        "updated": lab.plain(
            chargers.update(charger_id, name="X", charge_point_name="Bay 1 (east)", location_id=other_location)
        ),
        "restarted": lab.plain(chargers.update(charger_id, ws_url="ws://new.test/", ocpp_version="ocpp2.0.1")),
        "cleared": lab.plain(chargers.update(charger_id, charge_point_name=None, location_id=None, ws_url=None)),
        "empty_update": lab.plain(chargers.update(charger_id)),
        "bad_update": lab.caught(chargers.update, charger_id, ws_url="http://h", connector_type="Type9"),
        "no_location": lab.caught(chargers.update, charger_id, location_id="nowhere"),
        "runtime": [
            lab.plain(order(charger_id, request=request))
            for order, request in (
                (chargers.stop_runtime, {}),
                (chargers.start_runtime, {"key": "value"}),
                (chargers.reset_runtime, {}),
            )
        ],
        "log": lab.plain(chargers.get_logs(charger_id, limit=2, offset=1)),
        "filtered_log": lab.plain(
            chargers.get_logs(charger_id, start_date=START, end_date=START + timedelta(seconds=1), event="Heartbeat")
        ),
        "bad_log": lab.caught(chargers.get_logs, charger_id, limit=1001),
    }


def lists(client: OcpplabSDK, location_id: str) -> dict[str, Any]:
    def filtered(**query: str) -> Any:
        return lab.plain(client.chargers.list(request_options={"additional_query_parameters": query}))

    return {
        "all": lab.plain(client.chargers.list(page=1, limit=2)),
        "past_the_end": lab.plain(client.chargers.list(page=9)),
        "of_location": lab.plain(client.chargers.list(location_id=location_id)),
        "of_nowhere": lab.plain(client.chargers.list(location_id="nowhere")),
        "online": filtered(connection_state="online"),
        "bad_limit": lab.caught(client.chargers.list, limit=101),
    }


def of_location(client: OcpplabSDK, location_id: str, charger_ids: list[str]) -> dict[str, Any]:
    bulk = client.location_chargers
    items = [
        UpdateLocationChargerItem(charger_id=charger_ids[0], charge_point_name="Bay A"),
        UpdateLocationChargerItem(charger_id="dep-none", connector_type="CCS2"),
    ]
    return {
        "listed": lab.plain(bulk.list(location_id, page=1, limit=50)),
        "narrowed": lab.plain(bulk.list(location_id, charger_ids=[charger_ids[1], "dep-none"])),
        "no_such_place": lab.caught(bulk.list, "nowhere"),
        "updated": lab.plain(bulk.update(location_id, chargers=items)),
        "bad_update": lab.caught(
            bulk.update,
            location_id,
            chargers=[items[0], UpdateLocationChargerItem(charger_id="x", ocpp_version="OCPP9")],
        ),
        "delete_without_ids": lab.caught(bulk.delete, location_id),
        "deleted": lab.plain(bulk.delete(location_id, charger_ids=[charger_ids[0], "dep-none"])),
        "deleted_one": lab.plain(bulk.delete(location_id, charger_ids=charger_ids[1])),
    }


def main() -> None:
    client, given = lab.start()
    charger_id = given["charger_id"]
    answer = {
        "lists": lists(client, given["location_id"]),
        "one": one(client, charger_id, given["other_location_id"]),
        "of_location": of_location(client, given["location_id"], given["charger_ids"]),
        "clash": lab.caught(client.chargers.update, given["clashing_id"], ws_url="ws://new.test"),
        "foreign": lab.caught(client.chargers.get, given["foreign_id"]),
        "no_token": lab.caught(lab.client_of(given, token=None).chargers.list),
        "deleted": client.chargers.delete(charger_id),
    }
    for name, call in (
        ("gone", client.chargers.get),
        ("gone_delete", client.chargers.delete),
        ("gone_log", client.chargers.get_logs),
    ):
        answer[name] = lab.caught(call, charger_id)
    answer["gone_stop"] = lab.caught(client.chargers.stop_runtime, charger_id, request={})
    lab.answer(answer)


main()
