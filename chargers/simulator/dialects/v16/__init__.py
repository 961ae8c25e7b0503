"""OCPP 1.6J (edition 2)."""

from typing import Final

from chargers.protocol import Version
from chargers.simulator.dialects.base import Dialect
from chargers.simulator.dialects.heartbeat import HeartbeatBlock
from chargers.simulator.dialects.link import DataTransferBlock, PingBlock
from chargers.simulator.dialects.notices import NoticesBlock

from .authorization import AuthorizationBlock
from .availability import AvailabilityBlock
from .boot import BootBlock
from .certificates import CertificatesBlock
from .configuration import ConfigurationBlock
from .delivery import TransactionCourier
from .diagnostics import DiagnosticsBlock
from .firmware import KEYS as FIRMWARE_KEYS
from .firmware import FirmwareBlock
from .keys import CORE, LOCAL_LIST, Key, profiles
from .life import LifeBlock
from .limits import NOT_SENT, NOT_SUPPORTED
from .local_list import LocalListBlock
from .logs import KEYS as LOG_KEYS
from .logs import LogsBlock
from .metering import MeteringBlock
from .remote import RemoteBlock
from .report import ReportBlock
from .reservation import KEYS as RESERVATION
from .reservation import ReservationBlock
from .security import KEYS as SECURITY_KEYS
from .security import SecurityBlock, credentials
from .smart_charging import KEYS as SMART_CHARGING
from .smart_charging import SmartChargingBlock
from .transactions import TransactionsBlock
from .trigger import TriggerBlock
from .user import UserBlock

#: the feature profiles (§3.2), and the keys of each
PROFILES: Final = (
    "Core",
    "FirmwareManagement",
    "LocalAuthListManagement",
    "RemoteTrigger",
    "Reservation",
    "SmartCharging",
)
KEYS: Final[tuple[Key, ...]] = (
    *CORE,
    *LOCAL_LIST,
    *FIRMWARE_KEYS,
    *LOG_KEYS,
    *SECURITY_KEYS,
    *RESERVATION,
    *SMART_CHARGING,
    *profiles(PROFILES),
)

_CONFIGURATION: Final = ConfigurationBlock(KEYS)

V16: Final = Dialect(
    Version.V16,
    (
        PingBlock(),
        BootBlock(),
        AvailabilityBlock(),
        HeartbeatBlock(),
        _CONFIGURATION,
        AuthorizationBlock(),
        LocalListBlock(),
        MeteringBlock(),
        TransactionsBlock(),
        RemoteBlock(),
        ReservationBlock(),
        SmartChargingBlock(),
        UserBlock(),
        LifeBlock(),
        TriggerBlock(),
        FirmwareBlock(),
        DiagnosticsBlock(),
        LogsBlock(),
        SecurityBlock(),
        CertificatesBlock(),
        NoticesBlock(),
        DataTransferBlock(),
        ReportBlock(_CONFIGURATION.shown),
    ),
    not_supported=NOT_SUPPORTED,
    not_sent=NOT_SENT,
    courier=TransactionCourier(),
    credentials=credentials,
)
