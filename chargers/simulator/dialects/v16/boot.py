"""BootNotification (§4.2), its trigger, and Reset (§5.14)."""

from collections.abc import Mapping
from typing import Final

from chargers.protocol import Payload
from chargers.protocol.v16.enums import ResetType
from chargers.simulator.dialects.base import BOOT, BootCause, CallHandler, TriggerHandler
from chargers.simulator.dialects.context import Context, Reboot
from chargers.simulator.dialects.registration import RegistrationBlock

#: s that the charger is away; a soft reset restarts the software only
_REBOOT_SECONDS: Final = {ResetType.SOFT: 5.0, ResetType.HARD: 15.0}


class BootBlock(RegistrationBlock):
    """Boots and reboots."""

    title = "Boot and reset"

    def boot_request(self, ctx: Context, cause: BootCause) -> Payload:
        """1.6 does not say why a charger boots. The lengths are those of §6.3."""
        del cause
        model = ctx.spec.model
        request = {
            "chargePointVendor": model.vendor[:20],
            "chargePointModel": model.model[:20],
            "chargePointSerialNumber": ctx.spec.serial[:25],
            "firmwareVersion": model.firmware[:50],
        }
        return {
            key: value for key, value in request.items() if value or key in {"chargePointVendor", "chargePointModel"}
        }

    def calls(self) -> Mapping[str, CallHandler]:
        """Reset."""
        return {"Reset": self._reset}

    def triggers(self) -> Mapping[str, TriggerHandler]:
        """BootNotification, at any time: it changes nothing for a charger that is accepted again."""
        return {BOOT: self._triggered}

    def _reset(self, ctx: Context, request: Payload) -> Payload:
        kind = ResetType(request["type"])
        ctx.reboot = Reboot(BootCause.REMOTE_RESET, _REBOOT_SECONDS[kind], f"Reset ({kind.value}) by the CSMS")
        return {"status": "Accepted"}

    def _triggered(self, ctx: Context, _request: Payload) -> bool:
        self.boot(ctx, BootCause.TRIGGERED)
        return True
