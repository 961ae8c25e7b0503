"""Block F: TriggerMessage (F06). What can be triggered is in the tables of the other blocks."""

from collections.abc import Mapping

from chargers.protocol import Payload
from chargers.protocol.v201.enums import TriggerMessageStatus
from chargers.simulator.dialects.base import Block, CallHandler, Registration
from chargers.simulator.dialects.context import Context


class TriggerBlock(Block):
    """Sends a message because the CSMS asks for it, after the answer to the request."""

    title = "F. Remote control"

    def calls(self) -> Mapping[str, CallHandler]:
        """TriggerMessage."""
        return {"TriggerMessage": self._trigger}

    def _trigger(self, ctx: Context, request: Payload) -> Payload:
        handler = ctx.dialect.triggers.get(request["requestedMessage"])
        if handler is None:
            status = TriggerMessageStatus.NOT_IMPLEMENTED  # F06.FR.08
        elif ctx.registration is Registration.NONE or not ctx.room_for(1):
            # Before the first answer to BootNotification nothing else may be sent (B01). A full queue takes no more.
            status = TriggerMessageStatus.REJECTED
        else:
            status = TriggerMessageStatus.ACCEPTED if handler(ctx, request) else TriggerMessageStatus.REJECTED
        return {"status": status.value}
