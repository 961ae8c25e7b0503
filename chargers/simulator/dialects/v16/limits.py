"""What this dialect does not do, and why. Every action of 1.6 is here or in the table of a block."""

from typing import Final

_FIRMWARE: Final = "the profile FirmwareManagement is not offered"
_SECURITY: Final = "the security extension of 1.6 is not offered"

NOT_SUPPORTED: Final = {
    "CertificateSigned": _SECURITY,
    "DeleteCertificate": _SECURITY,
    "ExtendedTriggerMessage": _SECURITY,
    "GetDiagnostics": _FIRMWARE,
    "GetInstalledCertificateIds": _SECURITY,
    "GetLog": _SECURITY,
    "InstallCertificate": _SECURITY,
    "SignedUpdateFirmware": _SECURITY,
    "UpdateFirmware": _FIRMWARE,
}

NOT_SENT: Final = {
    "DataTransfer": "there is no vendor extension to speak of",
    "DiagnosticsStatusNotification": _FIRMWARE,
    "FirmwareStatusNotification": _FIRMWARE,
    "LogStatusNotification": _SECURITY,
    "SecurityEventNotification": _SECURITY,
    "SignCertificate": _SECURITY,
    "SignedFirmwareStatusNotification": _SECURITY,
}
