"""What this dialect does not do, and why. Every action of 1.6 is here or in the table of a block."""

from typing import Final

_TRANSACTIONS: Final = "this charger runs no transactions"
_SMART_CHARGING: Final = "the profile SmartCharging is not offered"
_RESERVATION: Final = "the profile Reservation is not offered"
_LOCAL_LIST: Final = "the profile LocalAuthListManagement is not offered"
_FIRMWARE: Final = "the profile FirmwareManagement is not offered"
_SECURITY: Final = "the security extension of 1.6 is not offered"

NOT_SUPPORTED: Final = {
    "CancelReservation": _RESERVATION,
    "CertificateSigned": _SECURITY,
    "ClearCache": "this charger has no authorization cache",
    "ClearChargingProfile": _SMART_CHARGING,
    "DeleteCertificate": _SECURITY,
    "ExtendedTriggerMessage": _SECURITY,
    "GetCompositeSchedule": _SMART_CHARGING,
    "GetDiagnostics": _FIRMWARE,
    "GetInstalledCertificateIds": _SECURITY,
    "GetLocalListVersion": _LOCAL_LIST,
    "GetLog": _SECURITY,
    "InstallCertificate": _SECURITY,
    "RemoteStartTransaction": _TRANSACTIONS,
    "RemoteStopTransaction": _TRANSACTIONS,
    "ReserveNow": _RESERVATION,
    "SendLocalList": _LOCAL_LIST,
    "SetChargingProfile": _SMART_CHARGING,
    "SignedUpdateFirmware": _SECURITY,
    "UnlockConnector": "the connectors of this charger have no lock",
    "UpdateFirmware": _FIRMWARE,
}

NOT_SENT: Final = {
    "Authorize": _TRANSACTIONS,
    "DataTransfer": "there is no vendor extension to speak of",
    "DiagnosticsStatusNotification": _FIRMWARE,
    "FirmwareStatusNotification": _FIRMWARE,
    "LogStatusNotification": _SECURITY,
    "MeterValues": _TRANSACTIONS,
    "SecurityEventNotification": _SECURITY,
    "SignCertificate": _SECURITY,
    "SignedFirmwareStatusNotification": _SECURITY,
    "StartTransaction": _TRANSACTIONS,
    "StopTransaction": _TRANSACTIONS,
}
