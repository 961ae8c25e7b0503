"""OCPP 1.6J (edition 2)."""

from typing import Final

from chargers.protocol import Version
from chargers.simulator.dialects.base import Dialect
from chargers.simulator.dialects.heartbeat import HeartbeatBlock
from chargers.simulator.dialects.link import DataTransferBlock, PingBlock

from .availability import AvailabilityBlock
from .boot import BootBlock
from .configuration import ConfigurationBlock
from .limits import NOT_SENT, NOT_SUPPORTED
from .trigger import TriggerBlock

V16: Final = Dialect(
    Version.V16,
    (
        PingBlock(),
        BootBlock(),
        AvailabilityBlock(),
        HeartbeatBlock(),
        ConfigurationBlock(),
        TriggerBlock(),
        DataTransferBlock(),
    ),
    not_supported=NOT_SUPPORTED,
    not_sent=NOT_SENT,
)
