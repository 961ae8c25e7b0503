"""The settings that a charger has. Each one changes what the charger does; nothing is listed for show."""

import re
from collections.abc import Callable
from typing import Final

from .settings import DataType, Mutability, Variable

DAY: Final = 86_400

HEARTBEAT_INTERVAL: Final = Variable(
    "OCPPCommCtrlr", "HeartbeatInterval", DataType.INTEGER, "300", unit="s", minimum=1, maximum=DAY
)
#: 0 switches pings off (1.6 "WebSocketPingInterval")
WEBSOCKET_PING_INTERVAL: Final = Variable(
    "OCPPCommCtrlr", "WebSocketPingInterval", DataType.INTEGER, "60", unit="s", minimum=0, maximum=DAY
)
#: how long an answer to a CALL is awaited
MESSAGE_TIMEOUT: Final = Variable(
    "OCPPCommCtrlr",
    "MessageTimeout",
    DataType.INTEGER,
    "30",
    instance="Default",
    mutability=Mutability.READ_ONLY,
    unit="s",
)
#: away for longer than this, every connector's status is reported again (2.0.1 B04)
OFFLINE_THRESHOLD: Final = Variable(
    "OCPPCommCtrlr", "OfflineThreshold", DataType.INTEGER, "600", unit="s", minimum=0, maximum=DAY
)
# 1 s, doubled 7 times with up to 1 s of chance each: the longest wait is 128 s to 383 s, 4 minutes at the mean.
RETRY_BACK_OFF_WAIT_MINIMUM: Final = Variable(
    "OCPPCommCtrlr", "RetryBackOffWaitMinimum", DataType.INTEGER, "1", unit="s", minimum=1, maximum=DAY
)
RETRY_BACK_OFF_RANDOM_RANGE: Final = Variable(
    "OCPPCommCtrlr", "RetryBackOffRandomRange", DataType.INTEGER, "1", unit="s", minimum=0, maximum=DAY
)
RETRY_BACK_OFF_REPEAT_TIMES: Final = Variable(
    "OCPPCommCtrlr", "RetryBackOffRepeatTimes", DataType.INTEGER, "7", minimum=0, maximum=20
)

# Who may charge
ALLOW_OFFLINE_UNKNOWN: Final = Variable("AuthCtrlr", "OfflineTxForUnknownIdEnabled", DataType.BOOLEAN, "false")
CACHE_ENABLED: Final = Variable("AuthCacheCtrlr", "Enabled", DataType.BOOLEAN, "true")
AUTHORIZE_REMOTE_START: Final = Variable("AuthCtrlr", "AuthorizeRemoteStart", DataType.BOOLEAN, "false")
LOCAL_AUTHORIZE_OFFLINE: Final = Variable("AuthCtrlr", "LocalAuthorizeOffline", DataType.BOOLEAN, "true")
LOCAL_PRE_AUTHORIZE: Final = Variable("AuthCtrlr", "LocalPreAuthorize", DataType.BOOLEAN, "false")
LOCAL_LIST_ENABLED: Final = Variable("LocalAuthListCtrlr", "Enabled", DataType.BOOLEAN, "true")

# How a transaction runs
#: how long a tag that was accepted waits for a car; 0: for ever
CONNECTION_TIMEOUT: Final = Variable(
    "TxCtrlr", "EVConnectionTimeOut", DataType.INTEGER, "60", unit="s", minimum=0, maximum=DAY
)
#: what may still be charged when the CSMS refuses a tag after the start; 0: nothing
MAX_ENERGY_ON_INVALID_ID: Final = Variable(
    "TxCtrlr", "MaxEnergyOnInvalidId", DataType.INTEGER, "0", unit="Wh", minimum=0, maximum=1_000_000
)
STOP_ON_EV_DISCONNECT: Final = Variable("TxCtrlr", "StopTxOnEVSideDisconnect", DataType.BOOLEAN, "true")
STOP_ON_INVALID_ID: Final = Variable("TxCtrlr", "StopTxOnInvalidId", DataType.BOOLEAN, "true")
UNLOCK_ON_EV_DISCONNECT: Final = Variable("OCPPCommCtrlr", "UnlockOnEVSideDisconnect", DataType.BOOLEAN, "true")

# What is measured: 0 s switches the samples off
SAMPLE_INTERVAL: Final = Variable(
    "SampledDataCtrlr", "TxUpdatedInterval", DataType.INTEGER, "60", unit="s", minimum=0, maximum=DAY
)
ALIGNED_INTERVAL: Final = Variable(
    "AlignedDataCtrlr", "Interval", DataType.INTEGER, "0", unit="s", minimum=0, maximum=DAY
)

# How messages are sent
MESSAGE_ATTEMPTS: Final = Variable(
    "OCPPCommCtrlr", "MessageAttempts", DataType.INTEGER, "3", instance="TransactionEvent", minimum=1, maximum=1000
)
MESSAGE_RETRY_INTERVAL: Final = Variable(
    "OCPPCommCtrlr",
    "MessageAttemptInterval",
    DataType.INTEGER,
    "60",
    instance="TransactionEvent",
    unit="s",
    minimum=0,
    maximum=DAY,
)
RESET_RETRIES: Final = Variable("OCPPCommCtrlr", "ResetRetries", DataType.INTEGER, "1", minimum=0, maximum=100)
#: how long a condition must last before it is reported
MINIMUM_STATUS_DURATION: Final = Variable(
    "ChargingStation", "MinimumStatusDuration", DataType.INTEGER, "0", unit="s", minimum=0, maximum=3600
)

# What people at the station see
BLINK_REPEAT: Final = Variable("ChargingStation", "BlinkRepeat", DataType.INTEGER, "3", minimum=0, maximum=100)
LIGHT_INTENSITY: Final = Variable(
    "ChargingStation", "LightIntensity", DataType.INTEGER, "100", unit="%", minimum=0, maximum=100
)


def _one_of(*words: str) -> Callable[[str], str | None]:
    """A check for one of a few words, whatever their letter case."""
    known = {word.casefold(): word for word in words}
    return lambda text: known.get(text.casefold())


# Firmware, logs and files. Those of the component OcppLab are the lab's own: how such things turn out.
#: the version of the firmware that runs, when it is not the one that the charger came with
FIRMWARE_VERSION: Final = Variable(
    "ChargingStation", "FirmwareVersion", DataType.STRING, "", mutability=Mutability.READ_ONLY
)
FIRMWARE_OUTCOME: Final = Variable(
    "OcppLab",
    "FirmwareOutcome",
    DataType.OPTION_LIST,
    "Installed",
    check=_one_of("Installed", "DownloadFailed", "InstallVerificationFailed", "InstallationFailed"),
)
#: a download takes at least this long, however fast the server is
FIRMWARE_DOWNLOAD_TIME: Final = Variable(
    "OcppLab", "FirmwareDownloadSeconds", DataType.INTEGER, "15", unit="s", minimum=0, maximum=3600
)
FIRMWARE_INSTALL_TIME: Final = Variable(
    "OcppLab", "FirmwareInstallSeconds", DataType.INTEGER, "30", unit="s", minimum=0, maximum=3600
)
#: the version that the next firmware has; empty: what its file name says
FIRMWARE_NEXT_VERSION: Final = Variable(
    "OcppLab",
    "FirmwareNextVersion",
    DataType.STRING,
    "",
    check=lambda text: text if len(text) <= 50 and text.isprintable() else None,
)
UPLOAD_OUTCOME: Final = Variable(
    "OcppLab",
    "UploadOutcome",
    DataType.OPTION_LIST,
    "Uploaded",
    check=_one_of("Uploaded", "UploadFailure", "PermissionDenied", "BadMessage", "NotSupportedOperation"),
)
#: an upload takes at least this long
UPLOAD_TIME: Final = Variable("OcppLab", "UploadSeconds", DataType.INTEGER, "5", unit="s", minimum=0, maximum=3600)

# Security
#: the password of HTTP Basic authentication; in hex, or as it is
AUTHORIZATION_KEY: Final = Variable(
    "SecurityCtrlr",
    "BasicAuthPassword",
    DataType.STRING,
    "",
    mutability=Mutability.WRITE_ONLY,
    check=lambda text: text if 16 <= len(text) <= 40 and text.isascii() and text.isprintable() else None,
)
ORGANIZATION_NAME: Final = Variable(
    "SecurityCtrlr",
    "OrganizationName",
    DataType.STRING,
    "",
    check=lambda text: text if len(text) <= 64 and text.isprintable() else None,
)
SECURITY_PROFILE: Final = Variable("SecurityCtrlr", "SecurityProfile", DataType.INTEGER, "0", minimum=0, maximum=3)
#: whether critical security events are told to a CSMS that shows no sign of knowing the security extension
SECURITY_EVENTS: Final = Variable("OcppLab", "SecurityEvents", DataType.BOOLEAN, "false")
#: serial numbers in hex of certificates that count as revoked
REVOKED_SERIALS: Final = Variable(
    "OcppLab",
    "RevokedSerials",
    DataType.SEQUENCE_LIST,
    "",
    check=lambda text: text.replace(" ", "").upper() if re.fullmatch(r"[0-9A-Fa-f, ]{0,500}", text) else None,
)
