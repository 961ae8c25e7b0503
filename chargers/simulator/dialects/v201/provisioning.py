"""Block B, the part about booting: BootNotification (B01-B03), its trigger (F06), and Reset (B11, B12)."""

from collections.abc import Mapping
from typing import Final

from chargers.protocol import Payload
from chargers.protocol.v201.enums import BootReason, ResetStatus
from chargers.simulator.dialects.base import BOOT, BootCause, CallHandler, Registration, TriggerHandler
from chargers.simulator.dialects.context import Context, Reboot
from chargers.simulator.dialects.registration import RegistrationBlock

_REBOOT_SECONDS: Final = 10.0
_REASONS: Final = {
    BootCause.POWER_UP: BootReason.POWER_UP,
    BootCause.REMOTE_RESET: BootReason.REMOTE_RESET,
    BootCause.LOCAL_RESET: BootReason.LOCAL_RESET,
    BootCause.FIRMWARE_UPDATE: BootReason.FIRMWARE_UPDATE,
    BootCause.TRIGGERED: BootReason.TRIGGERED,
}


class ProvisioningBlock(RegistrationBlock):
    """Boots and reboots."""

    title = "B. Provisioning: boot and reset"

    def boot_request(self, ctx: Context, cause: BootCause) -> Payload:
        """The lengths are those of ChargingStationType."""
        model = ctx.spec.model
        station = {"vendorName": model.vendor[:50], "model": model.model[:20]}
        optional = {"serialNumber": ctx.spec.serial[:25], "firmwareVersion": model.firmware[:50]}
        station |= {key: value for key, value in optional.items() if value}
        return {"reason": _REASONS[cause].value, "chargingStation": station}

    def calls(self) -> Mapping[str, CallHandler]:
        """Reset."""
        return {"Reset": self._reset}

    def triggers(self) -> Mapping[str, TriggerHandler]:
        """BootNotification, unless the last one was accepted."""
        return {BOOT: self._triggered}

    def _reset(self, ctx: Context, request: Payload) -> Payload:
        if "evseId" in request:
            # B11.FR.10, B12.FR.09: a station that cannot reset a single EVSE (AllowReset is false) says so.
            known = ctx.station.evse(request["evseId"]) is not None
            reason = "UnsupportedParam" if known else "UnknownEvse"
            return {"status": ResetStatus.REJECTED.value, "statusInfo": {"reasonCode": reason}}
        # Without transactions the station is always idle, so OnIdle is the same as Immediate.
        ctx.reboot = Reboot(BootCause.REMOTE_RESET, _REBOOT_SECONDS, f"Reset ({request['type']}) by the CSMS")
        return {"status": ResetStatus.ACCEPTED.value}

    def _triggered(self, ctx: Context, _request: Payload) -> bool:
        # F06.FR.17: a station whose last BootNotification was accepted refuses to send another.
        if ctx.registration is Registration.ACCEPTED:
            return False
        self.boot(ctx, BootCause.TRIGGERED)
        return True
