"""BootNotification (§4.2), its trigger, and Reset (§5.14)."""

from collections.abc import Mapping
from typing import Final

from chargers.protocol import Payload
from chargers.protocol.v16.enums import ResetType
from chargers.simulator.dialects.base import BOOT, BootCause, CallHandler, TimerHandler, TriggerHandler
from chargers.simulator.dialects.context import Context, Reboot
from chargers.simulator.dialects.registration import RegistrationBlock
from chargers.simulator.model.variables import FIRMWARE_VERSION, RESET_RETRIES

from .transactions import stop
from .words import Reason

#: s that the charger is away; a soft reset restarts the software only
_REBOOT_SECONDS: Final = {ResetType.SOFT: 5.0, ResetType.HARD: 15.0}
RESET_TIMER: Final = "reset"
_PATIENCE: Final = 15.0  #: s that one try of a soft reset waits for the CSMS to take in what is queued


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
            "firmwareVersion": (ctx.settings.text(FIRMWARE_VERSION) or model.firmware)[:50],
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

    def timers(self) -> Mapping[str, TimerHandler]:
        """The next try, and the end of the patience of a soft reset."""
        return {**super().timers(), RESET_TIMER: self._tried}

    def powered_on(self, ctx: Context) -> None:
        """A reset is over."""
        ctx.resetting = None

    def delivery_settled(self, ctx: Context) -> None:
        """A soft reset waits until the CSMS knows of every transaction."""
        if ctx.resetting is not None and not ctx.deliveries:
            self._restart(ctx, ResetType.SOFT)

    def _reset(self, ctx: Context, request: Payload) -> Payload:
        """Hard: at once, StopTransaction follows after the boot. Soft: StopTransaction goes first (§5.14)."""
        if request["type"] == ResetType.HARD:
            self._restart(ctx, ResetType.HARD)
            return {"status": "Accepted"}
        for connector in ctx.station.connectors:
            connector.claim = None
            stop(ctx, connector, Reason.SOFT_RESET)
        if not ctx.deliveries:
            self._restart(ctx, ResetType.SOFT)
        else:
            ctx.resetting = ctx.settings.number(RESET_RETRIES)
            ctx.timers[RESET_TIMER] = ctx.now + _PATIENCE
        return {"status": "Accepted"}

    def _tried(self, ctx: Context) -> None:
        """The messages are not out in time: a soft reset that fails is tried ResetRetries times, then forced."""
        if ctx.resetting:
            ctx.resetting -= 1
            ctx.timers[RESET_TIMER] = ctx.now + _PATIENCE
        elif ctx.resetting is not None:
            self._restart(ctx, ResetType.SOFT)

    def _restart(self, ctx: Context, kind: ResetType) -> None:
        ctx.resetting = None
        ctx.timers.pop(RESET_TIMER, None)
        ctx.reboot = Reboot(BootCause.REMOTE_RESET, _REBOOT_SECONDS[kind], f"Reset ({kind.value}) by the CSMS")

    def _triggered(self, ctx: Context, _request: Payload) -> bool:
        self.boot(ctx, BootCause.TRIGGERED)
        return True
