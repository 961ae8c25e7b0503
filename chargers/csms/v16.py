"""The answers of the built-in CSMS in OCPP 1.6 and its security extension (white paper, edition 2). Pure."""

from typing import Final

from chargers.protocol import Payload, format_time

from .answers import Handler, boot_notification, data_transfer, heartbeat, noted
from .stations import Rules, Station, Transaction


def status_notification(_rules: Rules, station: Station, now: float, payload: Payload) -> Payload:
    """§4.9."""
    station.connector(
        str(payload["connectorId"]),
        status=payload["status"],
        error=payload["errorCode"],
        at=payload.get("timestamp") or format_time(now),
    )
    return {}


def authorize(_rules: Rules, _station: Station, _now: float, _payload: Payload) -> Payload:
    """§4.1: every id tag is welcome."""
    return {"idTagInfo": {"status": "Accepted"}}


def start_transaction(rules: Rules, station: Station, _now: float, payload: Payload) -> Payload:
    """§4.8. A charger that did not get our answer sends the same again (§3.7.1): it gets the same number again."""
    connector, token = str(payload["connectorId"]), payload["idTag"]
    for known in station.transactions.values():
        same = (known.connector, known.id_token, known.started_at, known.meter_start)
        if same == (connector, token, payload["timestamp"], payload["meterStart"]):
            return {"idTagInfo": {"status": "Accepted"}, "transactionId": int(known.id)}
    number = rules.numbers.take()
    station.transaction(Transaction(str(number), connector, token, payload["timestamp"], payload["meterStart"]))
    return {"idTagInfo": {"status": "Accepted"}, "transactionId": number}


def stop_transaction(_rules: Rules, station: Station, _now: float, payload: Payload) -> Payload:
    """§4.10: cannot be refused. One that we do not know was started under an earlier run of ours."""
    transaction = station.transactions.get(str(payload["transactionId"]))
    if transaction is not None:
        transaction.stopped_at = payload["timestamp"]
        transaction.meter_stop = payload["meterStop"]
        transaction.reason = payload.get("reason", "Local")
        if transaction.meter_start is not None and transaction.meter_stop < transaction.meter_start:
            station.breach(f"StopTransaction: meterStop {transaction.meter_stop} is below meterStart")
    return {"idTagInfo": {"status": "Accepted"}} if "idTag" in payload else {}


def sign_certificate(_rules: Rules, _station: Station, _now: float, _payload: Payload) -> Payload:
    """A02: there is no certificate authority behind this CSMS, and Accepted would promise a CertificateSigned."""
    return {"status": "Rejected"}


HANDLERS: Final[dict[str, Handler]] = {
    "Authorize": authorize,
    "BootNotification": boot_notification,
    "DataTransfer": data_transfer,
    "DiagnosticsStatusNotification": noted,
    "FirmwareStatusNotification": noted,
    "Heartbeat": heartbeat,
    "LogStatusNotification": noted,
    "MeterValues": noted,
    "SecurityEventNotification": noted,
    "SignCertificate": sign_certificate,
    "SignedFirmwareStatusNotification": noted,
    "StartTransaction": start_transaction,
    "StatusNotification": status_notification,
    "StopTransaction": stop_transaction,
}
