"""The answers that both versions share, word for word. Pure."""

from collections.abc import Callable
from typing import Any

from chargers.protocol import Payload, format_time

from .stations import Rules, Station

#: (rules, station, now in seconds since the epoch, payload that passed the schema) -> payload of the CALLRESULT
Handler = Callable[[Rules, Station, float, Payload], Payload]


def boot_notification(rules: Rules, station: Station, now: float, payload: Payload) -> Payload:
    """1.6 §4.2; 2.0.1 B01 to B03."""
    status, interval = rules.boot(station.key)
    station.boots += 1
    station.registration = status
    station.boot = _texts(payload) | _texts(payload.get("chargingStation", {}))
    return {"status": status, "currentTime": format_time(now), "interval": interval}


def heartbeat(_rules: Rules, station: Station, now: float, _payload: Payload) -> Payload:
    """1.6 §4.6; 2.0.1 G02."""
    station.heartbeats += 1
    return {"currentTime": format_time(now)}


def data_transfer(_rules: Rules, _station: Station, _now: float, _payload: Payload) -> Payload:
    """1.6 §4.3; 2.0.1 P02: no vendor's extensions are known here."""
    return {"status": "UnknownVendorId"}


def noted(_rules: Rules, _station: Station, _now: float, _payload: Payload) -> Payload:
    """A message whose answer has no fields."""
    return {}


def _texts(payload: dict[str, Any]) -> dict[str, str]:
    # Only texts: 2.0.1 allows customData of any size anywhere, which is not ours to keep.
    return {name: value for name, value in payload.items() if isinstance(value, str)}
