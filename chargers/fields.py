"""Fields of chargers, shared by single create, bulk create, update and imports: the rules of `chargers.rules`."""

from collections.abc import Callable
from typing import Any

from rest_framework import serializers

from chargers import rules
from chargers.choices import ConnectorType, MessageLog, OcppVersion
from ocpplab.api.fields import Choice, Text
from ocpplab.common.targets import TargetNotAllowed


class _Ruled(Text):
    """A text that a rule cleans; what the rule refuses is a problem of this field."""

    rule: Callable[[str], str]

    def run_validators(self, value: Any) -> None:
        """Add nothing: the rule runs in `to_internal_value` and says more than DRF's own validators."""

    def to_internal_value(self, data: Any) -> str:
        """Return the value as it is stored."""
        text = super().to_internal_value(data)
        try:
            return type(self).rule(text)
        except ValueError as error:
            raise serializers.ValidationError(str(error), code=_code(error)) from None


def _code(error: ValueError) -> str:
    return error.code if isinstance(error, TargetNotAllowed) else "value_error"


class WsUrl(_Ruled):
    """Address of a CSMS that this lab may dial."""

    rule = staticmethod(rules.ws_url_dialable)

    def __init__(self, **options: Any) -> None:
        options.setdefault(
            "help_text",
            "ws:// or wss:// address of the CSMS, without credentials, query or fragment; the session dials it with "
            "a slash and the percent-encoded identity appended.",
        )
        super().__init__(**options)


class Identity(_Ruled):
    """OCPP charge point identity."""

    rule = staticmethod(rules.identity_clean)

    def __init__(self, **options: Any) -> None:
        super().__init__(trim_whitespace=False, **options)


class OcppVersionField(_Ruled):
    """OCPP version in either spelling and any letter case."""

    rule = staticmethod(rules.ocpp_version_clean)

    def __init__(self, **options: Any) -> None:
        options.setdefault("help_text", f"{' or '.join(OcppVersion.values)}, in any letter case.")
        super().__init__(**options)


class ConnectorTypeField(_Ruled):
    """One of the known connector types."""

    rule = staticmethod(rules.connector_type_clean)

    def __init__(self, **options: Any) -> None:
        options.setdefault("help_text", f"One of {', '.join(ConnectorType.values)}.")
        super().__init__(**options)


class MessageLogField(Choice):
    """Which frames of a charger are kept."""

    def __init__(self, **options: Any) -> None:
        options.setdefault(
            "help_text",
            "Which frames the message log keeps: all (as for chargers that say nothing), transactions (transaction "
            "messages, and why connections ended) or none. Works at once, without a new session.",
        )
        super().__init__(MessageLog.choices, **options)


class DisplayName(Text):
    """A name for people."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=200, **options)
