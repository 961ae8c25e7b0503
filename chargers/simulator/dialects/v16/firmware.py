"""UpdateFirmware (§5.19), SignedUpdateFirmware (white paper, L01) and their notifications.

Decisions: with a security profile above 0 only signed firmware is taken (L01.FR.20). A new request takes the place of
one under way, unless that is being installed already. Without `retries` there is one try. The status Downloading is
told once, however often it is tried.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from chargers.protocol import Fault, Payload, parse_time
from chargers.simulator.dialects.base import (
    AnswerHandler,
    Block,
    BootCause,
    CallHandler,
    Failure,
    Refusal,
    TimerHandler,
    TriggerHandler,
)
from chargers.simulator.dialects.context import Context, Reboot
from chargers.simulator.dialects.notices import tell
from chargers.simulator.effects import Abandon, Download, Transfer, Verdict
from chargers.simulator.model.charging import Transaction
from chargers.simulator.model.settings import Variable
from chargers.simulator.model.upkeep import Signature, Step, Update, pause_of, tries_of, version_of
from chargers.simulator.model.variables import (
    FIRMWARE_DOWNLOAD_TIME,
    FIRMWARE_INSTALL_TIME,
    FIRMWARE_NEXT_VERSION,
    FIRMWARE_OUTCOME,
    FIRMWARE_VERSION,
    REVOKED_SERIALS,
    SECURITY_PROFILE,
)

from .keys import Key, Setting, fixed
from .security import MANUFACTURER_ROOT, SecurityEvent, security_event

PLAIN: Final = "FirmwareStatusNotification"
SIGNED: Final = "SignedFirmwareStatusNotification"
#: §7.25: the words that FirmwareStatusNotification has; the other steps pass in silence
_PLAIN_WORDS: Final = frozenset(
    {"Downloaded", "DownloadFailed", "Downloading", "InstallationFailed", "Installing", "Installed"}
)
FIRMWARE_TIMER: Final = "firmware"
_PAUSE: Final = 60.0  #: s between two tries when the CSMS leaves it open
_AFTER_BOOT: Final = 10.0  #: s after a boot that a broken download begins again
_LEAVE: Final = 2.0  #: s between the end of the installation and the reboot
_REBOOT: Final = 10.0  #: s
_NO_WAY_BACK: Final = frozenset({Step.INSTALLING, Step.LEAVING, Step.REBOOTING})

#: §9: FirmwareManagement has no key in 1.6 but this one (errata sheet 4.0), the others are the lab's own
KEYS: Final[tuple[Key, ...]] = (
    fixed("SupportedFileTransferProtocols", "FTP,HTTP,HTTPS"),
    Setting("OcppLabFirmwareOutcome", FIRMWARE_OUTCOME),
    Setting("OcppLabFirmwareDownloadSeconds", FIRMWARE_DOWNLOAD_TIME),
    Setting("OcppLabFirmwareInstallSeconds", FIRMWARE_INSTALL_TIME),
    Setting("OcppLabFirmwareNextVersion", FIRMWARE_NEXT_VERSION),
)


class FirmwareBlock(Block):
    """Fetches, checks and installs firmware, then reboots with it."""

    title = "Firmware"

    def calls(self) -> Mapping[str, CallHandler]:
        """UpdateFirmware and SignedUpdateFirmware."""
        return {"UpdateFirmware": self._update, "SignedUpdateFirmware": self._signed_update}

    def answers(self) -> Mapping[str, AnswerHandler]:
        """The two notifications, when they were triggered; otherwise they go as notices."""
        return {PLAIN: _heard, SIGNED: _heard}

    def timers(self) -> Mapping[str, TimerHandler]:
        """The next step."""
        return {FIRMWARE_TIMER: self._due}

    def triggers(self) -> Mapping[str, TriggerHandler]:
        """Either notification."""
        return {PLAIN: self._triggered, SIGNED: self._triggered_signed}

    def variables(self) -> Iterable[Variable]:
        """The version that runs."""
        return (FIRMWARE_VERSION,)

    # requests

    def _update(self, ctx: Context, request: Payload) -> Payload | Refusal:
        if ctx.settings.number(SECURITY_PROFILE) > 0:
            return Refusal(Fault.NOT_SUPPORTED, "with a security profile only SignedUpdateFirmware is taken")
        if self._cannot_stop(ctx):
            return Refusal(Fault.GENERIC, "firmware is being installed")
        self._begin(
            ctx,
            Update(
                request["location"],
                _moment(ctx, request["retrieveDate"]),
                tries_of(request.get("retries")),
                pause_of(request.get("retryInterval"), _PAUSE),
            ),
        )
        return {}

    def _signed_update(self, ctx: Context, request: Payload) -> Payload:
        firmware = request["firmware"]
        refused = _certificate_refused(ctx, firmware["signingCertificate"])
        if refused:
            return {"status": refused}
        if self._cannot_stop(ctx):
            return {"status": "Rejected"}
        canceled = ctx.upkeep is not None and ctx.upkeep.update is not None
        later = firmware.get("installDateTime")
        self._begin(
            ctx,
            Update(
                firmware["location"],
                _moment(ctx, firmware["retrieveDateTime"]),
                tries_of(request.get("retries")),
                pause_of(request.get("retryInterval"), _PAUSE),
                signed=Signature(request["requestId"], firmware["signingCertificate"], firmware["signature"]),
                install_at=None if later is None else _moment(ctx, later),
            ),
        )
        return {"status": "AcceptedCanceled" if canceled else "Accepted"}

    def _triggered(self, ctx: Context, _request: Payload) -> bool:
        """§5.17: Idle when no update is under way."""
        update = ctx.upkeep.update if ctx.upkeep is not None else None
        busy = update is not None and update.signed is None and update.told
        ctx.call(PLAIN, {"status": update.told if busy and update else "Idle"}, asked=True)
        return True

    def _triggered_signed(self, ctx: Context, _request: Payload) -> bool:
        """L01.FR.28-29: the status that was sent last; Idle when that was Installed, or there was none."""
        upkeep = ctx.upkeep
        if upkeep is None or upkeep.last_signed in {"", "Installed"}:
            ctx.call(SIGNED, {"status": "Idle"}, asked=True)
        else:
            ctx.call(SIGNED, {"status": upkeep.last_signed, "requestId": upkeep.last_request}, asked=True)
        return True

    # steps

    def _cannot_stop(self, ctx: Context) -> bool:
        return ctx.upkeep is not None and ctx.upkeep.update is not None and ctx.upkeep.update.step in _NO_WAY_BACK

    def _begin(self, ctx: Context, update: Update) -> None:
        upkeep = ctx.need_upkeep()
        if upkeep.update is not None and upkeep.update.transfer:
            ctx.effects.append(Abandon(upkeep.update.transfer))
        ctx.station.closed = False
        ctx.timers.pop(FIRMWARE_TIMER, None)
        upkeep.update = update
        ctx.remember(urgent=True)
        if update.start_at > ctx.clock.at(ctx.now):
            _tell(ctx, update, "DownloadScheduled")
            _wait_until(ctx, update.start_at)
        else:
            self._download(ctx, update)

    def _due(self, ctx: Context) -> None:
        update = ctx.upkeep.update if ctx.upkeep is not None else None
        if update is None:
            return
        shown = ctx.clock.at(ctx.now)
        if update.step is Step.SCHEDULED and update.start_at > shown:
            _wait_until(ctx, update.start_at)
        elif update.step in {Step.SCHEDULED, Step.PAUSE}:
            self._download(ctx, update)
        elif update.step is Step.TRANSFER:
            self._arrived(ctx, update)
        elif update.step is Step.HELD and update.install_at is not None and update.install_at > shown:
            _wait_until(ctx, update.install_at)
        elif update.step in {Step.HELD, Step.WAITING}:
            self._prepare(ctx, update)
        elif update.step is Step.INSTALLING:
            self._installed(ctx, update)
        elif update.step is Step.LEAVING:
            self._reboot(ctx, update)

    def _download(self, ctx: Context, update: Update) -> None:
        if update.told != "Downloading":
            _tell(ctx, update, "Downloading")
        update.step, update.failed, update.digest = Step.TRANSFER, False, ""
        update.ready = ctx.now + ctx.settings.number(FIRMWARE_DOWNLOAD_TIME)
        if ctx.settings.text(FIRMWARE_OUTCOME) == "DownloadFailed":
            update.failed = True
            _alarm(ctx, update.ready)
        else:
            update.transfer = ctx.need_upkeep().next_id("download")
            ctx.effects.append(Download(update.transfer, update.location))

    def transferred(self, ctx: Context, transfer_id: str, transfer: Transfer) -> None:
        """The file is there, or will not come. It never takes less than the time of the setting."""
        update = ctx.upkeep.update if ctx.upkeep is not None else None
        if update is None or not transfer_id or update.transfer != transfer_id:
            return
        update.transfer = ""
        update.failed = transfer.verdict is not Verdict.DONE
        update.digest = transfer.sha256
        _alarm(ctx, max(update.ready, ctx.now))

    def _arrived(self, ctx: Context, update: Update) -> None:
        if update.failed:
            update.tries -= 1
            if update.tries > 0:
                update.step = Step.PAUSE
                _alarm(ctx, ctx.now + update.pause)
                ctx.remember(urgent=True)
            else:
                self._end(ctx, update, "DownloadFailed")
            return
        _tell(ctx, update, "Downloaded")
        if update.signed is not None:
            problem = _signature_problem(update.signed, update.digest)
            if problem:
                self._end(ctx, update, "InvalidSignature")
                security_event(ctx, SecurityEvent.INVALID_FIRMWARE_SIGNATURE, problem, told=True)
                return
            _tell(ctx, update, "SignatureVerified")
        if ctx.settings.text(FIRMWARE_OUTCOME) == "InstallVerificationFailed":
            self._end(ctx, update, "InstallationFailed" if update.signed is None else "InstallVerificationFailed")
        elif update.install_at is not None and update.install_at > ctx.clock.at(ctx.now):
            update.step = Step.HELD
            _tell(ctx, update, "InstallScheduled")
            _wait_until(ctx, update.install_at)
        else:
            self._prepare(ctx, update)

    def _prepare(self, ctx: Context, update: Update) -> None:
        """L01.FR.06-07: wait for the last transaction, and let none begin."""
        ctx.station.closed = True
        for connector in ctx.station.connectors:
            connector.claim = None
        if ctx.station.transactions():
            update.step = Step.WAITING
            ctx.remember(urgent=True)
            return
        update.step = Step.INSTALLING
        _tell(ctx, update, "Installing")
        _alarm(ctx, ctx.now + ctx.settings.number(FIRMWARE_INSTALL_TIME))

    def transaction_ended(self, ctx: Context, transaction: Transaction) -> None:
        """It may have been the last one."""
        del transaction
        update = ctx.upkeep.update if ctx.upkeep is not None else None
        if update is not None and update.step is Step.WAITING and not ctx.station.transactions():
            _alarm(ctx, ctx.now)

    def _installed(self, ctx: Context, update: Update) -> None:
        if ctx.settings.text(FIRMWARE_OUTCOME) == "InstallationFailed":
            self._end(ctx, update, "InstallationFailed")
            return
        update.step = Step.LEAVING
        _tell(ctx, update, "InstallRebooting")
        _alarm(ctx, ctx.now + _LEAVE)

    def _reboot(self, ctx: Context, update: Update) -> None:
        self._activate(ctx, update)
        ctx.reboot = Reboot(BootCause.FIRMWARE_UPDATE, _REBOOT, "new firmware")

    def _activate(self, ctx: Context, update: Update) -> None:
        update.step = Step.REBOOTING
        settings = ctx.settings
        current = settings.text(FIRMWARE_VERSION) or ctx.spec.model.firmware
        settings.store(FIRMWARE_VERSION, settings.text(FIRMWARE_NEXT_VERSION) or version_of(update.location, current))
        ctx.remember(urgent=True)

    def _end(self, ctx: Context, update: Update, status: str) -> None:
        ctx.need_upkeep().update = None
        ctx.station.closed = False
        _tell(ctx, update, status)

    # power and time

    def powered_on(self, ctx: Context) -> None:
        """Go on where the power was lost: a download begins anew, an installation too."""
        ctx.station.closed = False
        update = ctx.upkeep.update if ctx.upkeep is not None else None
        if update is None:
            return
        if update.step is Step.SCHEDULED:
            _wait_until(ctx, update.start_at)
        elif update.step in {Step.TRANSFER, Step.PAUSE}:
            self._abandon(ctx, update)
            update.step = Step.PAUSE
            _alarm(ctx, ctx.now + _AFTER_BOOT)
        elif update.step in {Step.HELD, Step.WAITING}:
            _alarm(ctx, ctx.now + _AFTER_BOOT)
        elif update.step is Step.INSTALLING:
            ctx.station.closed = True
            _alarm(ctx, ctx.now + ctx.settings.number(FIRMWARE_INSTALL_TIME))
        elif update.step is Step.LEAVING:
            self._activate(ctx, update)

    def moved(self, ctx: Context) -> None:
        """A download that was under way begins anew."""
        update = ctx.upkeep.update if ctx.upkeep is not None else None
        if update is not None and update.transfer:
            update.transfer = ""
            update.step = Step.PAUSE
            _alarm(ctx, ctx.now + _AFTER_BOOT)

    def powering_off(self, ctx: Context) -> None:
        """What is on its way is given up."""
        if ctx.upkeep is not None and ctx.upkeep.update is not None:
            self._abandon(ctx, ctx.upkeep.update)

    def accepted(self, ctx: Context) -> None:
        """The boot after an installation: it is done."""
        update = ctx.upkeep.update if ctx.upkeep is not None else None
        if update is not None and update.step is Step.REBOOTING:
            self._end(ctx, update, "Installed")
            words = f"firmware {ctx.settings.text(FIRMWARE_VERSION)}"
            security_event(ctx, SecurityEvent.FIRMWARE_UPDATED, words, told=update.signed is not None)

    def clock_set(self, ctx: Context) -> None:
        """What waits for a time of day waits for another while now."""
        update = ctx.upkeep.update if ctx.upkeep is not None else None
        if update is not None and update.step in {Step.SCHEDULED, Step.HELD}:
            _alarm(ctx, ctx.now)

    def _abandon(self, ctx: Context, update: Update) -> None:
        if update.transfer:
            ctx.effects.append(Abandon(update.transfer))
            update.transfer = ""


def _tell(ctx: Context, update: Update, status: str) -> None:
    upkeep = ctx.need_upkeep()
    if update.signed is not None:
        upkeep.last_signed, upkeep.last_request = status, update.signed.request_id
        tell(ctx, SIGNED, {"status": status, "requestId": update.signed.request_id})
    elif status in _PLAIN_WORDS:
        tell(ctx, PLAIN, {"status": status})
    else:
        return
    update.told = status


def _alarm(ctx: Context, at: float) -> None:
    """Set the timer; never to this very moment, which is over when a timer sets it."""
    ctx.timers[FIRMWARE_TIMER] = max(at, ctx.now + 0.001)


def _wait_until(ctx: Context, moment: float) -> None:
    """Set the timer to a moment of the charger's own clock."""
    _alarm(ctx, ctx.now + max(moment - ctx.clock.at(ctx.now), 0.0))


def _moment(ctx: Context, text: str) -> float:
    """A time that the CSMS named; one that cannot be read is now."""
    moment = parse_time(text)
    return ctx.clock.at(ctx.now) if moment is None else moment


def _certificate_refused(ctx: Context, pem: str) -> str:
    """L01.FR.23-25: why a signing certificate is refused, "" when it is good. No intermediate certificates (§L01)."""
    from chargers.simulator.model import certificates

    roots = ctx.upkeep.roots.get(MANUFACTURER_ROOT, ()) if ctx.upkeep is not None else ()
    try:
        certificate = certificates.read(pem)
        if certificates.serial_of(certificate) in ctx.settings.items(REVOKED_SERIALS):
            status, why = "RevokedCertificate", "the certificate is revoked"
        else:
            shown = ctx.clock.at(ctx.now)
            certificates.check_time(certificate, shown)
            certificates.check_issued([certificate], [certificates.read(root) for root in roots], shown)
            return ""
    except certificates.BadCertificate as error:
        status, why = "InvalidCertificate", str(error)
    security_event(ctx, SecurityEvent.INVALID_FIRMWARE_SIGNING_CERTIFICATE, why, told=True)
    return status


def _signature_problem(signed: Signature, digest: str) -> str:
    from chargers.simulator.model import certificates

    try:
        certificates.check_signature(certificates.read(signed.certificate), signed.signature, digest)
    except certificates.BadCertificate as error:
        return str(error)
    return ""


def _heard(_ctx: Context, _request: Payload, _answer: Payload | Failure) -> None:
    """Nothing depends on it."""
