"""The settings that a charger has. Each one changes what the charger does; nothing is listed for show."""

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
