"""The configuration keys of 1.6 (§9): views of the settings store and of the station."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from chargers.simulator.dialects.context import Context
from chargers.simulator.model import variables as v
from chargers.simulator.model.settings import Mutability, Variable

from . import measurands as m

MAX_KEYS: Final = 100  #: GetConfigurationMaxKeys: the most keys that one GetConfiguration may name
LIST_MAX: Final = 1000  #: LocalAuthListMaxLength
LIST_MESSAGE_MAX: Final = 250  #: SendLocalListMaxLength


@dataclass(slots=True, frozen=True)
class Fact:
    """A key that only tells how the charger is."""

    name: str
    read: Callable[[Context], str]


@dataclass(slots=True, frozen=True)
class Setting:
    """A key that shows a variable. One that can only be written is never told (§9 "W").

    `allowed` may refuse a value because of what the charger is like at the moment.
    """

    name: str
    variable: Variable
    allowed: Callable[[Context, str], bool] | None = None

    @property
    def secret(self) -> bool:
        """Whether it can be written and not read."""
        return self.variable.mutability is Mutability.WRITE_ONLY


Key = Fact | Setting


def fixed(name: str, value: object) -> Fact:
    """A key that is the same for all chargers."""
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return Fact(name, lambda _ctx: text)


#: §9.1 Core profile
CORE: Final[tuple[Key, ...]] = (
    Setting("AllowOfflineTxForUnknownId", v.ALLOW_OFFLINE_UNKNOWN),
    Setting("AuthorizationCacheEnabled", v.CACHE_ENABLED),
    Setting("AuthorizeRemoteTxRequests", v.AUTHORIZE_REMOTE_START),
    Setting("BlinkRepeat", v.BLINK_REPEAT),
    Setting("ClockAlignedDataInterval", v.ALIGNED_INTERVAL),
    Setting("ConnectionTimeOut", v.CONNECTION_TIMEOUT),
    Setting("ConnectorPhaseRotation", m.PHASE_ROTATION),
    fixed("ConnectorPhaseRotationMaxLength", m.MAX_MEASURANDS),
    fixed("GetConfigurationMaxKeys", MAX_KEYS),
    Setting("HeartbeatInterval", v.HEARTBEAT_INTERVAL),
    Setting("LightIntensity", v.LIGHT_INTENSITY),
    Setting("LocalAuthorizeOffline", v.LOCAL_AUTHORIZE_OFFLINE),
    Setting("LocalPreAuthorize", v.LOCAL_PRE_AUTHORIZE),
    Setting("MaxEnergyOnInvalidId", v.MAX_ENERGY_ON_INVALID_ID),
    Setting("MeterValuesAlignedData", m.ALIGNED),
    fixed("MeterValuesAlignedDataMaxLength", m.MAX_MEASURANDS),
    Setting("MeterValuesSampledData", m.SAMPLED),
    fixed("MeterValuesSampledDataMaxLength", m.MAX_MEASURANDS),
    Setting("MeterValueSampleInterval", v.SAMPLE_INTERVAL),
    Setting("MinimumStatusDuration", v.MINIMUM_STATUS_DURATION),
    Fact("NumberOfConnectors", lambda ctx: str(len(ctx.station.connectors))),
    Setting("ResetRetries", v.RESET_RETRIES),
    Setting("StopTransactionOnEVSideDisconnect", v.STOP_ON_EV_DISCONNECT),
    Setting("StopTransactionOnInvalidId", v.STOP_ON_INVALID_ID),
    Setting("StopTxnAlignedData", m.STOP_ALIGNED),
    fixed("StopTxnAlignedDataMaxLength", m.MAX_MEASURANDS),
    Setting("StopTxnSampledData", m.STOP_SAMPLED),
    fixed("StopTxnSampledDataMaxLength", m.MAX_MEASURANDS),
    Setting("TransactionMessageAttempts", v.MESSAGE_ATTEMPTS),
    Setting("TransactionMessageRetryInterval", v.MESSAGE_RETRY_INTERVAL),
    Setting("UnlockConnectorOnEVSideDisconnect", v.UNLOCK_ON_EV_DISCONNECT),
    Setting("WebSocketPingInterval", v.WEBSOCKET_PING_INTERVAL),
)
#: §9.2 Local Auth List Management profile
LOCAL_LIST: Final[tuple[Key, ...]] = (
    Setting("LocalAuthListEnabled", v.LOCAL_LIST_ENABLED),
    fixed("LocalAuthListMaxLength", LIST_MAX),
    fixed("SendLocalListMaxLength", LIST_MESSAGE_MAX),
)


def profiles(names: tuple[str, ...]) -> tuple[Key, ...]:
    """SupportedFeatureProfiles and its length."""
    return (
        fixed("SupportedFeatureProfiles", ",".join(names)),
        fixed("SupportedFeatureProfilesMaxLength", len(names)),
    )
