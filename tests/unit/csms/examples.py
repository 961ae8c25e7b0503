"""A valid request of each message that a station may send; those of the same action differ in what the answer holds."""

from typing import Any

from chargers.protocol import Version

AT = "2024-01-31T12:00:00.000Z"
CERTIFICATE_HASH = {"hashAlgorithm": "SHA256", "issuerNameHash": "a", "issuerKeyHash": "b", "serialNumber": "c"}
TOKEN = {"idToken": "TAG", "type": "ISO14443"}
Requests = dict[str, list[dict[str, Any]]]

V16: Requests = {
    "Authorize": [{"idTag": "TAG"}],
    "BootNotification": [{"chargePointVendor": "v", "chargePointModel": "m", "firmwareVersion": "1"}],
    "DataTransfer": [{"vendorId": "v"}, {"vendorId": "v", "messageId": "m", "data": "d"}],
    "DiagnosticsStatusNotification": [{"status": "Idle"}],
    "FirmwareStatusNotification": [{"status": "Idle"}],
    "Heartbeat": [{}],
    "LogStatusNotification": [{"status": "Idle"}],
    "MeterValues": [{"connectorId": 1, "meterValue": [{"timestamp": AT, "sampledValue": [{"value": "1.5"}]}]}],
    "SecurityEventNotification": [{"type": "StartupOfTheDevice", "timestamp": AT}],
    "SignCertificate": [{"csr": "csr"}],
    "SignedFirmwareStatusNotification": [{"status": "Idle"}],
    "StartTransaction": [{"connectorId": 1, "idTag": "TAG", "meterStart": 10, "timestamp": AT}],
    "StatusNotification": [
        {"connectorId": 0, "errorCode": "NoError", "status": "Available"},
        {"connectorId": 1, "errorCode": "GroundFailure", "status": "Faulted", "timestamp": AT},
    ],
    "StopTransaction": [
        {"transactionId": 1, "meterStop": 20, "timestamp": AT},
        {"transactionId": 1, "meterStop": 20, "timestamp": AT, "idTag": "TAG", "reason": "Remote"},
    ],
}

V201: Requests = {
    "Authorize": [{"idToken": TOKEN}],
    "BootNotification": [{"reason": "PowerUp", "chargingStation": {"model": "m", "vendorName": "v"}}],
    "ClearedChargingLimit": [{"chargingLimitSource": "EMS"}],
    "DataTransfer": [{"vendorId": "v"}, {"vendorId": "v", "data": [1, {"a": None}]}],
    "FirmwareStatusNotification": [{"status": "Idle"}],
    "Get15118EVCertificate": [{"iso15118SchemaVersion": "urn", "action": "Install", "exiRequest": "e"}],
    "GetCertificateStatus": [{"ocspRequestData": {**CERTIFICATE_HASH, "responderURL": "http://x"}}],
    "Heartbeat": [{}],
    "LogStatusNotification": [{"status": "Idle"}],
    "MeterValues": [{"evseId": 1, "meterValue": [{"timestamp": AT, "sampledValue": [{"value": 1.5}]}]}],
    "NotifyChargingLimit": [{"chargingLimit": {"chargingLimitSource": "EMS"}}],
    "NotifyCustomerInformation": [{"data": "d", "seqNo": 0, "generatedAt": AT, "requestId": 1}],
    "NotifyDisplayMessages": [{"requestId": 1}],
    "NotifyEVChargingNeeds": [{"evseId": 1, "chargingNeeds": {"requestedEnergyTransfer": "DC"}}],
    "NotifyEVChargingSchedule": [
        {
            "timeBase": AT,
            "evseId": 1,
            "chargingSchedule": {
                "id": 1,
                "chargingRateUnit": "W",
                "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 1.5}],
            },
        }
    ],
    "NotifyEvent": [
        {
            "generatedAt": AT,
            "seqNo": 0,
            "eventData": [
                {
                    "eventId": 1,
                    "timestamp": AT,
                    "trigger": "Delta",
                    "actualValue": "1",
                    "component": {"name": "Connector"},
                    "variable": {"name": "Available"},
                    "eventNotificationType": "HardWiredNotification",
                }
            ],
        }
    ],
    "NotifyMonitoringReport": [{"requestId": 1, "seqNo": 0, "generatedAt": AT}],
    "NotifyReport": [{"requestId": 1, "seqNo": 0, "generatedAt": AT}],
    "PublishFirmwareStatusNotification": [{"status": "Idle"}],
    "ReportChargingProfiles": [
        {
            "requestId": 1,
            "chargingLimitSource": "CSO",
            "evseId": 1,
            "chargingProfile": [
                {
                    "id": 1,
                    "stackLevel": 0,
                    "chargingProfilePurpose": "TxProfile",
                    "chargingProfileKind": "Relative",
                    "chargingSchedule": [
                        {
                            "id": 1,
                            "chargingRateUnit": "A",
                            "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 8.7}],
                        }
                    ],
                }
            ],
        }
    ],
    "ReservationStatusUpdate": [{"reservationId": 1, "reservationUpdateStatus": "Expired"}],
    "SecurityEventNotification": [{"type": "StartupOfTheDevice", "timestamp": AT}],
    "SignCertificate": [{"csr": "csr"}],
    "StatusNotification": [{"timestamp": AT, "connectorStatus": "Available", "evseId": 1, "connectorId": 1}],
    "TransactionEvent": [
        {
            "eventType": "Started",
            "timestamp": AT,
            "triggerReason": "CablePluggedIn",
            "seqNo": 0,
            "transactionInfo": {"transactionId": "T1"},
            "evse": {"id": 1, "connectorId": 1},
            "idToken": TOKEN,
        },
        {
            "eventType": "Ended",
            "timestamp": AT,
            "triggerReason": "RemoteStop",
            "seqNo": 1,
            "transactionInfo": {"transactionId": "T1", "stoppedReason": "Remote"},
        },
    ],
}

REQUESTS = {Version.V16: V16, Version.V201: V201}
