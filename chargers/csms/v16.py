"""The answers of the built-in CSMS in OCPP 1.6 and its security extension (white paper, edition 2). Pure."""

from typing import Final

from chargers.protocol import Payload, format_time

from .answers import Handler, boot_notification, data_transfer, heartbeat, noted
from .stations import Rules, Station
from .tags import TagStatus
from .transactions import Transaction, is_triggered, registers


def status_notification(_rules: Rules, station: Station, now: float, payload: Payload) -> Payload:
    """§4.9."""
    station.connector(
        str(payload["connectorId"]),
        status=payload["status"],
        error=payload["errorCode"],
        at=payload.get("timestamp") or format_time(now),
    )
    return {}


def authorize(rules: Rules, _station: Station, now: float, payload: Payload) -> Payload:
    """§4.1."""
    return {"idTagInfo": rules.tags.info(payload["idTag"], now)}


def start_transaction(rules: Rules, station: Station, now: float, payload: Payload) -> Payload:
    """§4.8. A charger that did not get our answer sends the same again (§3.7.1): it gets the same number again."""
    connector, token = str(payload["connectorId"]), payload["idTag"]
    transaction = _same_start(station, connector, payload)
    if transaction is None:
        transaction = station.transaction(
            Transaction(
                str(rules.numbers.take()),
                connector,
                token,
                payload["timestamp"],
                payload["meterStart"],
                token_status=rules.tags.status(token, now, starting=True),
                reservation_id=payload.get("reservationId"),
            )
        )
        transaction.is_repeat(payload)
        if transaction.token_status == TagStatus.ACCEPTED:
            rules.tags.began(token, station.key, transaction.id)
    station.touch(transaction, transaction.disorders)
    info = {**rules.tags.info(token, now), "status": transaction.token_status}
    return {"idTagInfo": info, "transactionId": int(transaction.id)}


def _same_start(station: Station, connector: str, payload: Payload) -> Transaction | None:
    told = (connector, payload["idTag"], payload["timestamp"], payload["meterStart"])
    for known in station.transactions.values():
        if told == (known.connector, known.id_token, known.started_at, known.meter_start):
            return known
    return None


def meter_values(_rules: Rules, station: Station, _now: float, payload: Payload) -> Payload:
    """§4.7. Those without a transaction are only answered."""
    values = payload["meterValue"]
    if "transactionId" not in payload or is_triggered(values):
        return {}
    transaction = _transaction(station, payload)
    disorders = transaction.disorders
    if not transaction.is_repeat(payload):
        if not transaction.is_open:
            transaction.disorder("meter values came after its end")
        for at, wh in registers(values):
            transaction.sample(wh, at)
    station.touch(transaction, disorders)
    return {}


def stop_transaction(rules: Rules, station: Station, now: float, payload: Payload) -> Payload:
    """§4.10: cannot be refused, not even that of a transaction which we do not know."""
    transaction = _transaction(station, payload)
    disorders = transaction.disorders
    if not transaction.is_repeat(payload):
        if not transaction.is_open:
            transaction.disorder("it ended a second time")
        transaction.stop(at=payload["timestamp"], wh=payload["meterStop"], reason=payload.get("reason", "Local"))
        for _, wh in registers(payload.get("transactionData", ())):
            transaction.check_within(wh)
    rules.tags.ended(transaction.id_token, station.key, transaction.id)
    station.touch(transaction, disorders)
    return {"idTagInfo": rules.tags.info(payload["idTag"], now)} if "idTag" in payload else {}


def _transaction(station: Station, payload: Payload) -> Transaction:
    # One that we never heard of is remembered, too: whoever compares must see it.
    number = str(payload["transactionId"])
    return station.transactions.get(number) or station.transaction(Transaction(number))


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
    "MeterValues": meter_values,
    "SecurityEventNotification": noted,
    "SignCertificate": sign_certificate,
    "SignedFirmwareStatusNotification": noted,
    "StartTransaction": start_transaction,
    "StatusNotification": status_notification,
    "StopTransaction": stop_transaction,
}
