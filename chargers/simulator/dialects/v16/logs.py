"""Uploads of logs: GetLog and LogStatusNotification (white paper, N01), and what GetDiagnostics shares with them.

There is one upload at a time: a new request takes the place of the one under way. Without `retries` there is one try.
"""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from chargers.protocol import Payload, parse_time
from chargers.simulator.dialects.base import AnswerHandler, Block, CallHandler, Failure, TimerHandler, TriggerHandler
from chargers.simulator.dialects.context import Context
from chargers.simulator.dialects.notices import tell
from chargers.simulator.effects import Abandon, Intent, Transfer, Upload, Verdict
from chargers.simulator.model.upkeep import Log, Step, pause_of, tries_of
from chargers.simulator.model.variables import FIRMWARE_VERSION, UPLOAD_OUTCOME, UPLOAD_TIME

from .keys import Key, Setting

LOG_STATUS: Final = "LogStatusNotification"
DIAGNOSTICS_STATUS: Final = "DiagnosticsStatusNotification"
UPLOAD_TIMER: Final = "upload"
_PAUSE: Final = 60.0  #: s between two tries when the CSMS leaves it open
_AFTER_BOOT: Final = 10.0  #: s after a boot that a broken upload begins again
_OUTCOMES: Final = {
    Verdict.DONE: "Uploaded",
    Verdict.FAILED: "UploadFailure",
    Verdict.DENIED: "PermissionDenied",
    Verdict.UNSUPPORTED: "NotSupportedOperation",
    Verdict.BAD: "BadMessage",
}

#: the lab's own keys
KEYS: Final[tuple[Key, ...]] = (
    Setting("OcppLabUploadOutcome", UPLOAD_OUTCOME),
    Setting("OcppLabUploadSeconds", UPLOAD_TIME),
)


class LogsBlock(Block):
    """Writes its own log and brings it where the CSMS wants it."""

    title = "Logs"

    def calls(self) -> Mapping[str, CallHandler]:
        """GetLog."""
        return {"GetLog": self._get}

    def answers(self) -> Mapping[str, AnswerHandler]:
        """LogStatusNotification, when it was triggered; otherwise it goes as a notice."""
        return {LOG_STATUS: _heard}

    def timers(self) -> Mapping[str, TimerHandler]:
        """The end of a transfer, and the next try."""
        return {UPLOAD_TIMER: _due}

    def triggers(self) -> Mapping[str, TriggerHandler]:
        """LogStatusNotification: Uploading or Idle (N01.FR.12)."""
        return {LOG_STATUS: self._triggered}

    def transferred(self, ctx: Context, transfer_id: str, transfer: Transfer) -> None:
        """The file is there, or not. It never takes less than the time of the setting."""
        log = ctx.upkeep.log if ctx.upkeep is not None else None
        if log is not None and transfer_id and log.transfer == transfer_id:
            log.transfer, log.outcome = "", _OUTCOMES[transfer.verdict]
            _alarm(ctx, max(log.ready, ctx.now))

    def powered_on(self, ctx: Context) -> None:
        """An upload that the power was taken from begins anew."""
        self.powering_off(ctx)
        if ctx.upkeep is not None and ctx.upkeep.log is not None:
            ctx.upkeep.log.step = Step.PAUSE
            _alarm(ctx, ctx.now + _AFTER_BOOT)

    def moved(self, ctx: Context) -> None:
        """An upload that was under way begins anew."""
        log = ctx.upkeep.log if ctx.upkeep is not None else None
        if log is not None and log.transfer:
            log.transfer = ""
            log.step = Step.PAUSE
            _alarm(ctx, ctx.now + _AFTER_BOOT)

    def powering_off(self, ctx: Context) -> None:
        """What is on its way is given up."""
        if ctx.upkeep is not None and ctx.upkeep.log is not None:
            _abandon(ctx, ctx.upkeep.log)

    def _get(self, ctx: Context, request: Payload) -> Payload:
        wanted, security = request["log"], request["logType"] == "SecurityLog"
        log = Log(
            wanted["remoteLocation"],
            file_name(ctx, "security" if security else "diagnostics"),
            tries_of(request.get("retries")),
            pause_of(request.get("retryInterval"), _PAUSE),
            request_id=request["requestId"],
            security=security,
            since=parse_time(wanted.get("oldestTimestamp", "")),
            until=parse_time(wanted.get("latestTimestamp", "")),
        )
        canceled = begin(ctx, log)
        return {"status": "AcceptedCanceled" if canceled else "Accepted", "filename": log.name}

    def _triggered(self, ctx: Context, _request: Payload) -> bool:
        log = ctx.upkeep.log if ctx.upkeep is not None else None
        if log is not None and log.request_id is not None and log.told:
            ctx.call(LOG_STATUS, {"status": log.told, "requestId": log.request_id}, asked=True)
        else:
            ctx.call(LOG_STATUS, {"status": "Idle"}, asked=True)
        return True


def begin(ctx: Context, log: Log) -> bool:
    """Start an upload. Returns whether another one was given up for it."""
    upkeep = ctx.need_upkeep()
    old, upkeep.log = upkeep.log, log
    if old is not None:
        _abandon(ctx, old)
        if old.request_id is None:
            # Nothing in the answer to a later request says that a GetDiagnostics is over, unlike N01.FR.11.
            _tell(ctx, old, "UploadFailure")
    ctx.timers.pop(UPLOAD_TIMER, None)
    _attempt(ctx, log)
    return old is not None


def file_name(ctx: Context, kind: str) -> str:
    """The name of a new file: who, what, and when by the charger's clock."""
    who = re.sub(r"[^A-Za-z0-9-]+", "_", ctx.spec.identity)[:100]
    when = datetime.fromtimestamp(ctx.clock.at(ctx.now), UTC)
    return f"{who}_{kind}_{when:%Y%m%dT%H%M%SZ}.log"


def _due(ctx: Context) -> None:
    log = ctx.upkeep.log if ctx.upkeep is not None else None
    if log is None:
        return
    if log.step is Step.PAUSE:
        _attempt(ctx, log)
        return
    log.tries -= 1
    if log.outcome == "UploadFailure" and log.tries > 0:  # the other failures would come again
        log.step = Step.PAUSE
        _alarm(ctx, ctx.now + log.pause)
        ctx.remember(urgent=True)
        return
    ctx.need_upkeep().log = None
    _tell(ctx, log, log.outcome)


def _attempt(ctx: Context, log: Log) -> None:
    if not log.told:
        _tell(ctx, log, "Uploading")
    log.step, log.outcome = Step.TRANSFER, ""
    log.ready = ctx.now + ctx.settings.number(UPLOAD_TIME)
    wanted = ctx.settings.text(UPLOAD_OUTCOME)
    if wanted != "Uploaded":
        log.outcome = wanted
        _alarm(ctx, log.ready)
        return
    log.transfer = ctx.need_upkeep().next_id("upload")
    ahead = ctx.clock.at(ctx.now) - ctx.now
    ctx.effects.append(
        Upload(
            log.transfer,
            log.location,
            log.name,
            _security_log(ctx, log) if log.security else _diagnostics(ctx, log),
            frames=not log.security,
            since=log.since,
            until=log.until,
            clock=ahead,
        )
    )


def _alarm(ctx: Context, at: float) -> None:
    """Set the timer; never to this very moment, which is over when a timer sets it."""
    ctx.timers[UPLOAD_TIMER] = max(at, ctx.now + 0.001)


def _abandon(ctx: Context, log: Log) -> None:
    if log.transfer:
        ctx.effects.append(Abandon(log.transfer))
        log.transfer = ""


def _tell(ctx: Context, log: Log, status: str) -> None:
    log.told = status
    if log.request_id is not None:
        tell(ctx, LOG_STATUS, {"status": status, "requestId": log.request_id})
    else:
        known = status if status in {"Uploading", "Uploaded"} else "UploadFailed"  # §7.24
        tell(ctx, DIAGNOSTICS_STATUS, {"status": known})


def _title(ctx: Context, kind: str) -> list[str]:
    model = ctx.spec.model
    firmware = ctx.settings.text(FIRMWARE_VERSION) or model.firmware
    return [
        f"# {kind} of {ctx.spec.identity}, made {ctx.timestamp()}",
        f"# {model.vendor} {model.model}, serial number {ctx.spec.serial}, firmware {firmware}",
    ]


def _security_log(ctx: Context, log: Log) -> str:
    return "\n".join([*_title(ctx, "Security log"), *_events(ctx, log), ""])


def _diagnostics(ctx: Context, log: Log) -> str:
    """The state as the intent `state` tells it, the security events; what was said is added by the shell."""
    report = ctx.dialect.intents["state"](ctx, Intent("", "state", {}))
    state = json.dumps(report.data, indent=1, sort_keys=True) if report is not None else ""
    return "\n".join([*_title(ctx, "Diagnostics"), "## State", state, "## Security events", *_events(ctx, log), ""])


def _events(ctx: Context, log: Log) -> list[str]:
    def inside(stamp: str) -> bool:
        at = parse_time(stamp) or 0.0
        return (log.since is None or at >= log.since) and (log.until is None or at <= log.until)

    events = ctx.upkeep.events if ctx.upkeep is not None else []
    return [" ".join(event) for event in events if inside(event[0])]


def _heard(_ctx: Context, _request: Payload, _answer: Payload | Failure) -> None:
    """Nothing depends on it."""
