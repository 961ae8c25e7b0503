"""The answers of the built-in CSMS in OCPP 2.0.1 (edition 2, part 2). Pure."""

from typing import Any, Final

from chargers.protocol import Payload

from .answers import Handler, boot_notification, data_transfer, heartbeat, noted
from .stations import Rules, Station, Transaction

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


def authorize(_rules: Rules, _station: Station, _now: float, _payload: Payload) -> Payload:
    """C01: every id token is welcome."""
    return {"idTokenInfo": {"status": "Accepted"}}


def transaction_event(_rules: Rules, station: Station, _now: float, payload: Payload) -> Payload:
    """E01 to E07: the station gives the transaction id; idTokenInfo is due whenever a token came (E05.FR.01)."""
    info = payload["transactionInfo"]
    transaction = station.transactions.get(info["transactionId"])
    if transaction is None:
        transaction = station.transaction(
            Transaction(info["transactionId"], _evse(payload), _token(payload), payload["timestamp"])
        )
    elif transaction.stopped_at is not None and transaction.last_seq_no != payload["seqNo"]:
        station.breach(f"TransactionEvent: transaction {transaction.id} has already ended")
    transaction.last_seq_no = payload["seqNo"]
    transaction.connector = transaction.connector or _evse(payload)
    transaction.id_token = transaction.id_token or _token(payload)
    if payload["eventType"] == "Ended":
        transaction.stopped_at = payload["timestamp"]
        transaction.reason = info.get("stoppedReason", "Local")
    return {"idTokenInfo": {"status": "Accepted"}} if "idToken" in payload else {}


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
