"""Every command route with the official SDK; outcomes, state and ledger by our own routes, which the SDK has not."""

import time
from typing import Any

import httpx
import lab

from ocpplab import (
    AuthorizeIdTagCommandEvent,
    ChargerCommandTarget,
    ClearFaultEvent,
    CommandTarget,
    ConfigurationUpdateEvent,
    ConnectorCommandEvent,
    EmptyEvent,
    InjectFaultEvent,
    LocalAuthListEntry,
    LocalAuthListEvent,
    OcpplabSDK,
    PowerUpdateCommandEvent,
    ProxyMessageEvent,
    StartSessionCommandEvent,
    StartTransactionCommandEvent,
    StopSessionCommandEvent,
    StopTransactionCommandEvent,
)

HERE = ConnectorCommandEvent(connector_id=1)


class Own:
    """The routes that the SDK does not have."""

    def __init__(self, given: dict[str, Any]) -> None:
        headers = {"Authorization": f"Bearer {given['token']}"}
        self._http = httpx.Client(base_url=given["base_url"], headers=headers, timeout=60)

    def get(self, path: str, **params: Any) -> Any:
        answer = self._http.get(path, params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, path: str, body: Any) -> Any:
        answer = self._http.post(path, json=body)
        return {"status": answer.status_code, "body": answer.json()}

    def outcome(self, command_id: str) -> Any:
        """Wait until a command has its outcome."""
        for _ in range(200):
            command = self.get(f"/ocpp/commands/{command_id}")
            if command["settled_at"] is not None:
                return command
            time.sleep(0.05)
        raise AssertionError(f"no outcome: {command}")

    def settled(self, fan_out: Any) -> Any:
        """Wait for all outcomes of a fan-out; return it with them."""
        answer = lab.plain(fan_out)
        answer["outcomes"] = [self.outcome(row["command"]["id"]) for row in answer["results"]]
        return answer


def one_by_one(client: OcpplabSDK, own: Own, charger_id: str) -> dict[str, Any]:
    """A transaction step by step, with the state after each."""
    commands, target = client.commands, CommandTarget(charger_id=charger_id)
    tag = StartTransactionCommandEvent(id_tag="TAG-A", evse_id=1, connector_id=1)
    steps = {
        "plug": lambda: commands.plug_connector(target=target, event=HERE),
        "authorize": lambda: commands.authorize_id_tag(target=target, event=AuthorizeIdTagCommandEvent(id_tag="TAG-A")),
        "blocked": lambda: commands.authorize_id_tag(target=target, event=AuthorizeIdTagCommandEvent(id_tag="BAD")),
        "start": lambda: commands.start_transaction(target=target, event=tag),
        "start_again": lambda: commands.start_transaction(target=target, event=tag),
        "power": lambda: commands.power_update(target=target, event=PowerUpdateCommandEvent(power_w=5000)),
        "suspend": lambda: commands.ev_stops_energy(target=target, event=HERE),
        "resume": lambda: commands.ev_requests_energy(target=target, event=HERE),
        "stop_other": lambda: commands.stop_transaction(
            target=target, event=StopTransactionCommandEvent(transaction_id="nobody")
        ),
        "stop": lambda: commands.stop_transaction(target=target, event=StopTransactionCommandEvent()),
        "unlock": lambda: commands.unlock_connector(target=target, event=HERE),
        "unplug": lambda: commands.unplug_connector(target=target, event=HERE),
        "unplug_again": lambda: commands.unplug_connector(target=target, event=HERE),
    }
    done = {}
    for name, step in steps.items():
        answer = own.settled(step())
        answer["connector"] = own.get(f"/ocpp/chargers/{charger_id}/state")["connectors"][0]
        done[name] = answer
    return done


def settings(client: OcpplabSDK, charger_id: str) -> dict[str, Any]:
    """What waits for its outcome."""
    commands, target = client.commands, ChargerCommandTarget(charger_id=charger_id)

    def local_list(version: int, *entries: LocalAuthListEntry) -> dict[str, Any]:
        return {"target": target, "event": LocalAuthListEvent(list_version=version, entries=list(entries))}

    def configuration(**keys: str) -> dict[str, Any]:
        return {"target": target, "event": ConfigurationUpdateEvent(configuration=keys)}

    entries = (
        LocalAuthListEntry(id_tag="TAG-A", expiry_date="2099-01-01T00:00:00Z"),
        LocalAuthListEntry(id_tag="TAG-B", parent_id_tag="GROUP-1"),
    )
    fault = InjectFaultEvent(fault_type="OverCurrent", evse_id=1, connector_id=1)
    return {
        "configured": lab.plain(
            commands.set_configuration(**configuration(HeartbeatInterval="77", MeterValueSampleInterval="5"))
        ),
        "half_configured": lab.plain(
            commands.set_configuration(**configuration(HeartbeatInterval="78", NoSuchKey="1", ConnectionTimeOut="-1"))
        ),
        "list": lab.plain(commands.send_local_list(**local_list(4, *entries))),
        "stale_list": lab.caught(commands.send_local_list, **local_list(4, *entries)),
        "cleared": lab.plain(commands.clear_local_list(target=target, event=EmptyEvent())),
        "new_list": lab.plain(commands.send_local_list(**local_list(1))),
        "cache": lab.plain(commands.reset_auth_cache(target=target, event=EmptyEvent())),
        "fault": lab.plain(commands.inject_fault(target=target, event=fault)),
        "faultless": lab.plain(commands.clear_fault(target=target, event=ClearFaultEvent(evse_id=1, connector_id=1))),
        "no_fault": lab.caught(commands.clear_fault, target=target, event=ClearFaultEvent()),
        "unknown_fault": lab.caught(
            commands.inject_fault, target=target, event=InjectFaultEvent(fault_type="Meltdown")
        ),
        "unknown_connector": lab.caught(
            commands.inject_fault, target=target, event=InjectFaultEvent(fault_type="OverCurrent", connector_id=9)
        ),
    }


def proxied(client: OcpplabSDK, own: Own, charger_id: str) -> dict[str, Any]:
    """Messages of our making."""
    target = ChargerCommandTarget(charger_id=charger_id)

    def send(action: str, payload: dict[str, Any], version: str = "ocpp1.6") -> Any:
        event = ProxyMessageEvent(action=action, ocpp_version=version, payload=payload)
        return client.commands.proxy_message(target=target, event=event)

    values = [{"timestamp": "2026-05-04T08:00:00Z", "sampled_value": [{"value": "80", "measurand": "SoC"}]}]
    messages = {
        "heartbeat": {},
        "data_transfer": {"vendor_id": "acme", "message_id": "hello", "data": "a_b"},
        "meter_values": {"connector_id": 1, "meter_value": values},
    }
    sent = {action: lab.plain(send(action, payload)) for action, payload in messages.items()}
    return {
        "sent": sent,
        "outcomes": {action: own.outcome(command["id"]) for action, command in sent.items()},
        "bad": lab.caught(send, "authorize", {"id_tag": 7}),
        "unknown": lab.caught(send, "notify_event", {}),
        "mismatch": lab.caught(send, "heartbeat", {}, "ocpp2.0.1"),
    }


def of_location(client: OcpplabSDK, own: Own, location_id: str, some: list[str]) -> dict[str, Any]:
    """Fan-out: the whole way, to all and to some."""
    commands = client.commands
    whole, part = CommandTarget(location_id=location_id), CommandTarget(location_id=location_id, charger_ids=some)
    start = StartSessionCommandEvent(id_tag="TAG-A", connector_id=1, duration_seconds=600, target_energy_kwh=12.5)
    return {
        "started": own.settled(commands.start_session(target=whole, event=start)),
        "stopped": own.settled(commands.stop_session(target=part, event=StopSessionCommandEvent(connector_id=1))),
        "behaving": own.post(
            "/ocpp/commands/behaviour",
            {
                "target": {"location_id": location_id, "charger_ids": some},
                "event": {"arrivals_per_hour": 60, "tags": [{"id": "TAG-A", "weight": 2}, {"id": "TAG-B"}], "seed": 7},
            },
        ),
        "state": own.get(f"/ocpp/chargers/{some[0]}/state"),
        "quiet": own.post("/ocpp/commands/behaviour", {"target": {"charger_id": some[0]}, "event": {"off": True}}),
        "two_targets": lab.caught(
            commands.plug_connector, target=CommandTarget(location_id=location_id, charger_id="dep-1"), event=HERE
        ),
        "nowhere": lab.caught(commands.plug_connector, target=CommandTarget(location_id="nowhere"), event=HERE),
    }


def refused(client: OcpplabSDK, charger_id: str) -> dict[str, Any]:
    """A charger that is stopped."""
    target = ChargerCommandTarget(charger_id=charger_id)
    return {
        "declared": lab.caught(
            client.commands.set_configuration,
            target=target,
            event=ConfigurationUpdateEvent(configuration={"HeartbeatInterval": "1"}),
        ),
        "undeclared": lab.caught(client.commands.reset_auth_cache, target=target, event=EmptyEvent()),
        "fan_out": lab.plain(client.commands.plug_connector(target=CommandTarget(charger_id=charger_id), event=HERE)),
        "unknown": lab.caught(
            client.commands.reset_auth_cache, target=ChargerCommandTarget(charger_id="dep-none"), event=EmptyEvent()
        ),
    }


def main() -> None:
    client, given = lab.start()
    own, charger_id = Own(given), given["charger_id"]
    lab.answer(
        {
            "settings": settings(client, charger_id),
            "steps": one_by_one(client, own, charger_id),
            "proxied": proxied(client, own, charger_id),
            "location": of_location(client, own, given["location_id"], given["some"]),
            "refused": refused(client, given["stopped_id"]),
            "state": own.get(f"/ocpp/chargers/{charger_id}/state"),
            "own_ledger": own.get(f"/ocpp/chargers/{charger_id}/transactions"),
            "ledger": own.get("/ocpp/transactions", messages="false", location_id=given["location_id"]),
        }
    )


main()
