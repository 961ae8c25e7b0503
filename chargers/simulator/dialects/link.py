"""What both versions do with the connection itself, and with messages that no one here understands."""

from collections.abc import Mapping

from chargers.protocol import Payload
from chargers.simulator.effects import SetPing
from chargers.simulator.model.settings import Variable
from chargers.simulator.model.variables import WEBSOCKET_PING_INTERVAL

from .base import Block, CallHandler, SettingHandler
from .context import Context


class PingBlock(Block):
    """WebSocket pings by the setting WebSocketPingInterval (1.6: OCPP-J §5.3; 2.0.1: OCPPCommCtrlr)."""

    title = "WebSocket pings"

    def settings(self) -> Mapping[Variable, SettingHandler]:
        """A new interval counts at once."""
        return {WEBSOCKET_PING_INTERVAL: self.connected}

    def connected(self, ctx: Context) -> None:
        """Start with the interval of the setting."""
        if ctx.connected:
            ctx.effects.append(SetPing(ctx.settings.number(WEBSOCKET_PING_INTERVAL)))


class DataTransferBlock(Block):
    """DataTransfer: there is no vendor extension, so every vendor is unknown (1.6 §5.6, 2.0.1 P01.FR.02)."""

    title = "DataTransfer"

    def calls(self) -> Mapping[str, CallHandler]:
        """DataTransfer."""
        return {"DataTransfer": self._data_transfer}

    def _data_transfer(self, _ctx: Context, _request: Payload) -> Payload:
        return {"status": "UnknownVendorId"}
