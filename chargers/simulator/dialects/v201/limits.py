"""What this dialect does not do, and why. Every action of 2.0.1 is here or in the table of a block."""

from typing import Final

_TRANSACTIONS: Final = "this charger runs no transactions (blocks C, E, J)"
_SECURITY: Final = "security (block A) and certificates (block M) are not offered"
_LOCAL_LIST: Final = "local authorization lists (block D) are not offered"
_RESERVATION: Final = "reservations (block H) are not offered"
_TARIFF: Final = "tariff and cost (block I) are not offered"
_SMART_CHARGING: Final = "smart charging (block K) is not offered"
_FIRMWARE: Final = "firmware management (block L) is not offered"
_DIAGNOSTICS: Final = "diagnostics and monitoring (block N) are not offered"
_DISPLAY: Final = "this charger has no display (block O)"

NOT_SUPPORTED: Final = {
    "CancelReservation": _RESERVATION,
    "CertificateSigned": _SECURITY,
    "ClearCache": "this charger has no authorization cache",
    "ClearChargingProfile": _SMART_CHARGING,
    "ClearDisplayMessage": _DISPLAY,
    "ClearVariableMonitoring": _DIAGNOSTICS,
    "CostUpdated": _TARIFF,
    "CustomerInformation": _DIAGNOSTICS,
    "DeleteCertificate": _SECURITY,
    "GetChargingProfiles": _SMART_CHARGING,
    "GetCompositeSchedule": _SMART_CHARGING,
    "GetDisplayMessages": _DISPLAY,
    "GetInstalledCertificateIds": _SECURITY,
    "GetLocalListVersion": _LOCAL_LIST,
    "GetLog": _DIAGNOSTICS,
    "GetMonitoringReport": _DIAGNOSTICS,
    "GetReport": "only base reports are offered (GetBaseReport)",
    "GetTransactionStatus": _TRANSACTIONS,
    "InstallCertificate": _SECURITY,
    "PublishFirmware": _FIRMWARE,
    "RequestStartTransaction": _TRANSACTIONS,
    "RequestStopTransaction": _TRANSACTIONS,
    "ReserveNow": _RESERVATION,
    "SendLocalList": _LOCAL_LIST,
    "SetChargingProfile": _SMART_CHARGING,
    "SetDisplayMessage": _DISPLAY,
    "SetMonitoringBase": _DIAGNOSTICS,
    "SetMonitoringLevel": _DIAGNOSTICS,
    "SetNetworkProfile": "the address of the CSMS is set in the lab only",
    "SetVariableMonitoring": _DIAGNOSTICS,
    "UnlockConnector": "the connectors of this charger have no lock",
    "UnpublishFirmware": _FIRMWARE,
    "UpdateFirmware": _FIRMWARE,
}

NOT_SENT: Final = {
    "Authorize": _TRANSACTIONS,
    "ClearedChargingLimit": _SMART_CHARGING,
    "DataTransfer": "there is no vendor extension to speak of",
    "FirmwareStatusNotification": _FIRMWARE,
    "Get15118EVCertificate": _SECURITY,
    "GetCertificateStatus": _SECURITY,
    "LogStatusNotification": _DIAGNOSTICS,
    "MeterValues": _TRANSACTIONS,
    "NotifyChargingLimit": _SMART_CHARGING,
    "NotifyCustomerInformation": _DIAGNOSTICS,
    "NotifyDisplayMessages": _DISPLAY,
    "NotifyEVChargingNeeds": _SMART_CHARGING,
    "NotifyEVChargingSchedule": _SMART_CHARGING,
    "NotifyEvent": _DIAGNOSTICS,
    "NotifyMonitoringReport": _DIAGNOSTICS,
    "PublishFirmwareStatusNotification": _FIRMWARE,
    "ReportChargingProfiles": _SMART_CHARGING,
    "ReservationStatusUpdate": _RESERVATION,
    "SecurityEventNotification": _SECURITY,
    "SignCertificate": _SECURITY,
    "TransactionEvent": _TRANSACTIONS,
}
