"""The answers of the built-in CSMS in OCPP 2.0.1 (edition 2, part 2). Pure."""

from typing import Any, Final

from chargers.protocol import Payload

from .answers import Handler, boot_notification, data_transfer, heartbeat, noted
from .stations import Rules, Station
from .tags import TagStatus
from .transactions import Transaction, is_triggered, registers

_NO_AUTHORITY: Final = {
    "reasonCode": "UnsupportedRequest",
    "additionalInfo": "The built-in CSMS has no certificate authority.",
}
_REJECTED: Final = {"status": "Rejected", "statusInfo": _NO_AUTHORITY}
_FAILED: Final = {"status": "Failed", "statusInfo": _NO_AUTHORITY}


def status_notification(_rules: Rules, station: Station, _now: float, payload: Payload) -> Payload:
    """G01."""
    station.connector(
        f"{payload['evseId']}.{payload['connectorId']}", status=payload["connectorStatus"], at=payload["timestamp"]
    )
    return {}


def authorize(rules: Rules, _station: Station, now: float, payload: Payload) -> Payload:
    """C01."""
    return {"idTokenInfo": rules.tags.token_info(payload["idToken"]["idToken"], now)}


def transaction_event(rules: Rules, station: Station, now: float, payload: Payload) -> Payload:
    """E01 to E07: the station gives the transaction id; idTokenInfo is due whenever a token came (E05.FR.01)."""
    info = payload["transactionInfo"]
    transaction = station.transactions.get(info["transactionId"])
    if transaction is None:
        transaction = station.transaction(Transaction(info["transactionId"]))
    disorders = transaction.disorders
    if not transaction.is_repeat(payload):
        _follow(rules, station, transaction, now, payload)
    station.touch(transaction, disorders)
    if "idToken" not in payload:
        return {}
    token_info = rules.tags.token_info(_token(payload), now)
    if _token(payload) == transaction.id_token:
        token_info["status"] = transaction.token_status
    return {"idTokenInfo": token_info}


def _follow(rules: Rules, station: Station, transaction: Transaction, now: float, payload: Payload) -> None:
    kind, at, number = payload["eventType"], payload["timestamp"], payload["seqNo"]
    if not transaction.is_open:
        transaction.disorder("it has already ended")
    elif transaction.last_seq_no is not None and number <= transaction.last_seq_no:
        transaction.disorder(f"seqNo {number} came after {transaction.last_seq_no}")
    transaction.last_seq_no = number
    transaction.connector = transaction.connector or _evse(payload)
    transaction.reservation_id = payload.get("reservationId", transaction.reservation_id)
    if not transaction.id_token and _token(payload):
        transaction.id_token = _token(payload)
        transaction.token_status = rules.tags.status(transaction.id_token, now, starting=True)
        if transaction.token_status == TagStatus.ACCEPTED:
            rules.tags.began(transaction.id_token, station.key, transaction.id)
    values = payload.get("meterValue", [])
    found = [] if is_triggered(values) else list(registers(values))
    if kind == "Started":
        transaction.started_at = at
        transaction.meter_start = found[0][1] if found else None
    elif kind == "Updated":
        for when, wh in found:
            transaction.sample(wh, when)
    else:
        reason = payload["transactionInfo"].get("stoppedReason", "Local")
        transaction.stop(at=at, wh=found[-1][1] if found else None, reason=reason)
        for _, wh in found[:-1]:
            transaction.check_within(wh)
        rules.tags.ended(transaction.id_token, station.key, transaction.id)


def sign_certificate(_rules: Rules, _station: Station, _now: float, _payload: Payload) -> Payload:
    """A02: Accepted would promise a CertificateSigned."""
    return dict(_REJECTED)


def get_15118_ev_certificate(_rules: Rules, _station: Station, _now: float, _payload: Payload) -> Payload:
    """M01."""
    return {**_FAILED, "exiResponse": ""}


def get_certificate_status(_rules: Rules, _station: Station, _now: float, _payload: Payload) -> Payload:
    """M06."""
    return dict(_FAILED)


def notify_ev_charging_needs(_rules: Rules, _station: Station, _now: float, _payload: Payload) -> Payload:
    """K15: Accepted would promise a SetChargingProfile."""
    return {"status": "Rejected", "statusInfo": {"reasonCode": "UnsupportedRequest"}}


def notify_ev_charging_schedule(_rules: Rules, _station: Station, _now: float, _payload: Payload) -> Payload:
    """K15, K16: whatever the car plans is within no limit of ours."""
    return {"status": "Accepted"}


def _evse(payload: dict[str, Any]) -> str:
    evse = payload.get("evse") or {}
    return ".".join(str(evse[name]) for name in ("id", "connectorId") if name in evse)


def _token(payload: dict[str, Any]) -> str:
    return str(payload.get("idToken", {}).get("idToken", ""))


HANDLERS: Final[dict[str, Handler]] = {
    "Authorize": authorize,
    "BootNotification": boot_notification,
    "ClearedChargingLimit": noted,
    "DataTransfer": data_transfer,
    "FirmwareStatusNotification": noted,
    "Get15118EVCertificate": get_15118_ev_certificate,
    "GetCertificateStatus": get_certificate_status,
    "Heartbeat": heartbeat,
    "LogStatusNotification": noted,
    "MeterValues": noted,
    "NotifyChargingLimit": noted,
    "NotifyCustomerInformation": noted,
    "NotifyDisplayMessages": noted,
    "NotifyEVChargingNeeds": notify_ev_charging_needs,
    "NotifyEVChargingSchedule": notify_ev_charging_schedule,
    "NotifyEvent": noted,
    "NotifyMonitoringReport": noted,
    "NotifyReport": noted,
    "PublishFirmwareStatusNotification": noted,
    "ReportChargingProfiles": noted,
    "ReservationStatusUpdate": noted,
    "SecurityEventNotification": noted,
    "SignCertificate": sign_certificate,
    "StatusNotification": status_notification,
    "TransactionEvent": transaction_event,
}
