"""A message of somebody else's making that a charger sends: spelled and checked before it is queued."""

from typing import Any

from chargers.choices import OcppVersion
from chargers.errors import CommandRefused
from chargers.models import Charger
from chargers.protocol import TwiceSpelled, Version, action_spelled, payload_spelled, validate_request
from chargers.services.commands_orders import Order


def proxy_order(*, charger: Charger, action: str, version: str, payload: dict[str, Any]) -> Order:
    """Make the order from snake_case. Raises `CommandRefused` when it is no message of this charger's OCPP version."""
    own = Version(charger.ocpp_version)
    if version != own:
        detail = f"The charger speaks {OcppVersion(own).label}, the message is of {OcppVersion(version).label}."
        raise CommandRefused(detail, code="version_mismatch")
    name = action_spelled(own, action)
    if name is None:
        detail = f"Chargers that speak {OcppVersion(own).label} send no message {action!r}."
        raise CommandRefused(detail, code="unknown_action")
    try:
        spelled = payload_spelled(own, name, payload)
    except TwiceSpelled as error:
        raise CommandRefused(f"The payload of {name} is ambiguous: {str(error)[:300]}", code="bad_payload") from None
    breach = validate_request(own, name, spelled)
    if breach is not None:
        raise CommandRefused(f"The payload breaks OCPP's schema of {name}: {breach.message}", code="bad_payload")
    return Order(kind="proxy", data={"action": name, "payload": spelled})
