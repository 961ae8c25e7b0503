"""GetConfiguration (§5.8) and ChangeConfiguration (§5.3): 1.6 keys are views of the settings store and the station."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from chargers.protocol import Fault, Payload
from chargers.protocol.v16.enums import ConfigurationStatus
from chargers.simulator.dialects.base import Block, CallHandler, Refusal
from chargers.simulator.dialects.context import Context
from chargers.simulator.model.settings import Variable, Written
from chargers.simulator.model.variables import HEARTBEAT_INTERVAL, WEBSOCKET_PING_INTERVAL

_MAX_KEYS: Final = 50  #: GetConfigurationMaxKeys: the most keys that one GetConfiguration may name

_OUTCOMES: Final = {
    Written.DONE: ConfigurationStatus.ACCEPTED,
    Written.AFTER_REBOOT: ConfigurationStatus.REBOOT_REQUIRED,
    Written.READ_ONLY: ConfigurationStatus.REJECTED,
    Written.BAD_VALUE: ConfigurationStatus.REJECTED,
    Written.OUT_OF_RANGE: ConfigurationStatus.REJECTED,
}


@dataclass(slots=True, frozen=True)
class Fact:
    """A key that only tells how the charger is."""

    name: str
    read: Callable[[Context], str]


@dataclass(slots=True, frozen=True)
class Setting:
    """A key that shows a variable."""

    name: str
    variable: Variable


#: §9 in the order that GetConfiguration answers
KEYS: Final[tuple[Fact | Setting, ...]] = (
    Fact("GetConfigurationMaxKeys", lambda _: str(_MAX_KEYS)),
    Setting("HeartbeatInterval", HEARTBEAT_INTERVAL),
    Fact("NumberOfConnectors", lambda ctx: str(len(ctx.station.connectors))),
    Fact("SupportedFeatureProfiles", lambda _: "Core,RemoteTrigger"),
    Setting("WebSocketPingInterval", WEBSOCKET_PING_INTERVAL),
)
_BY_NAME: Final = {key.name.casefold(): key for key in KEYS}  # key names are CiString: letter case does not count


class ConfigurationBlock(Block):
    """Reads and changes keys."""

    title = "Configuration"

    def calls(self) -> Mapping[str, CallHandler]:
        """GetConfiguration and ChangeConfiguration."""
        return {"GetConfiguration": self._get, "ChangeConfiguration": self._change}

    def _get(self, ctx: Context, request: Payload) -> Payload | Refusal:
        asked: list[str] = request.get("key") or [key.name for key in KEYS]
        if len(asked) > _MAX_KEYS:
            return Refusal(Fault.OCCURRENCE, f"key: {len(asked)} keys, more than GetConfigurationMaxKeys ({_MAX_KEYS})")
        known = [_BY_NAME[name.casefold()] for name in asked if name.casefold() in _BY_NAME]
        unknown = [name for name in asked if name.casefold() not in _BY_NAME]
        answer: Payload = {"configurationKey": [_described(ctx, key) for key in known]}
        return answer | {"unknownKey": unknown} if unknown else answer

    def _change(self, ctx: Context, request: Payload) -> Payload:
        key = _BY_NAME.get(request["key"].casefold())
        if key is None:
            status = ConfigurationStatus.NOT_SUPPORTED
        elif isinstance(key, Fact):
            status = ConfigurationStatus.REJECTED
        else:
            status = _OUTCOMES[ctx.write(key.variable, request["value"])]
        return {"status": status.value}


def _described(ctx: Context, key: Fact | Setting) -> Payload:
    if isinstance(key, Fact):
        return {"key": key.name, "readonly": True, "value": key.read(ctx)}
    return {"key": key.name, "readonly": False, "value": ctx.settings.text(key.variable)}
