"""GetConfiguration (§5.8) and ChangeConfiguration (§5.3), and the same from the lab."""

from collections.abc import Iterable, Mapping
from typing import Final

from chargers.protocol import Fault, Payload
from chargers.protocol.v16.enums import ConfigurationStatus
from chargers.simulator.dialects.base import Block, CallHandler, Done, IntentHandler, Refusal
from chargers.simulator.dialects.context import Context
from chargers.simulator.effects import Intent
from chargers.simulator.model.settings import Mutability, Variable, Written

from .keys import MAX_KEYS, Fact, Key, Setting

_OUTCOMES: Final = {
    Written.DONE: ConfigurationStatus.ACCEPTED,
    Written.AFTER_REBOOT: ConfigurationStatus.REBOOT_REQUIRED,
    Written.READ_ONLY: ConfigurationStatus.REJECTED,
    Written.BAD_VALUE: ConfigurationStatus.REJECTED,
    Written.OUT_OF_RANGE: ConfigurationStatus.REJECTED,
}


class ConfigurationBlock(Block):
    """Reads and changes keys. Their names are CiStrings: letter case does not count."""

    title = "Configuration"

    def __init__(self, keys: Iterable[Key]) -> None:
        self.keys = tuple(sorted(keys, key=lambda key: key.name.casefold()))
        self._by_name = {key.name.casefold(): key for key in self.keys}
        if len(self._by_name) != len(self.keys) or len(self.keys) > MAX_KEYS:
            raise ValueError(f"a key is there twice, or there are more than {MAX_KEYS}")

    def calls(self) -> Mapping[str, CallHandler]:
        """GetConfiguration and ChangeConfiguration."""
        return {"GetConfiguration": self._get, "ChangeConfiguration": self._change}

    def intents(self) -> Mapping[str, IntentHandler]:
        """`set_configuration`: somebody changes keys at the station; the rules are the same."""
        return {"set_configuration": self._set}

    def variables(self) -> Iterable[Variable]:
        """Every variable behind a key."""
        return (key.variable for key in self.keys if isinstance(key, Setting))

    def shown(self, ctx: Context) -> dict[str, str]:
        """Every key that can be read, with its value."""
        return {key.name: _value(ctx, key) for key in self.keys if isinstance(key, Fact) or not key.secret}

    def write(self, ctx: Context, name: str, text: str) -> ConfigurationStatus:
        """Change one key."""
        key = self._by_name.get(name.casefold())
        if key is None:
            return ConfigurationStatus.NOT_SUPPORTED
        if isinstance(key, Fact) or (key.allowed is not None and not key.allowed(ctx, text)):
            return ConfigurationStatus.REJECTED
        return _OUTCOMES[ctx.write(key.variable, text)]

    def _get(self, ctx: Context, request: Payload) -> Payload | Refusal:
        asked: list[str] = request.get("key") or [key.name for key in self.keys]
        if len(asked) > MAX_KEYS:
            return Refusal(Fault.OCCURRENCE, f"key: {len(asked)} keys, more than GetConfigurationMaxKeys ({MAX_KEYS})")
        known = [self._by_name[name.casefold()] for name in asked if name.casefold() in self._by_name]
        unknown = [name for name in asked if name.casefold() not in self._by_name]
        answer: Payload = {"configurationKey": [_described(ctx, key) for key in known]}
        return answer | {"unknownKey": unknown} if unknown else answer

    def _change(self, ctx: Context, request: Payload) -> Payload:
        return {"status": self.write(ctx, request["key"], request["value"]).value}

    def _set(self, ctx: Context, intent: Intent) -> Done:
        wanted = intent.data.get("configuration")
        if not isinstance(wanted, dict) or not wanted:
            return Done(ok=False, code="bad_configuration", data={"hint": "configuration maps keys to values"})
        statuses = {name: self.write(ctx, str(name), str(value)).value for name, value in wanted.items()}
        good = {ConfigurationStatus.ACCEPTED.value, ConfigurationStatus.REBOOT_REQUIRED.value}
        if not set(statuses.values()) <= good:
            return Done(ok=False, code="rejected", data=statuses)
        later = ConfigurationStatus.REBOOT_REQUIRED.value in statuses.values()
        return Done(ok=True, code="reboot_required" if later else "accepted", data=statuses)


def _value(ctx: Context, key: Key) -> str:
    return key.read(ctx) if isinstance(key, Fact) else ctx.settings.text(key.variable)


def _described(ctx: Context, key: Key) -> Payload:
    readonly = isinstance(key, Fact) or key.variable.mutability is Mutability.READ_ONLY
    described: Payload = {"key": key.name, "readonly": readonly}
    if isinstance(key, Setting) and key.secret:
        return described
    return described | {"value": _value(ctx, key)[:500]}
