"""OCPP 2.0.1 (edition 2)."""

from typing import Final

from chargers.protocol import Version
from chargers.simulator.dialects.base import Dialect
from chargers.simulator.dialects.heartbeat import HeartbeatBlock
from chargers.simulator.dialects.link import DataTransferBlock, PingBlock

from .availability import AvailabilityBlock
from .limits import NOT_SENT, NOT_SUPPORTED
from .provisioning import ProvisioningBlock
from .trigger import TriggerBlock
from .variables import VariablesBlock

V201: Final = Dialect(
    Version.V201,
    (
        PingBlock(),
        ProvisioningBlock(),
        AvailabilityBlock(),
        HeartbeatBlock(),
        VariablesBlock(),
        TriggerBlock(),
        DataTransferBlock(),
    ),
    not_supported=NOT_SUPPORTED,
    not_sent=NOT_SENT,
)
