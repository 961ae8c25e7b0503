"""GetDiagnostics (§5.9) and DiagnosticsStatusNotification (§4.4). The upload itself is that of `logs`."""

from collections.abc import Mapping

from chargers.protocol import Payload, parse_time
from chargers.simulator.dialects.base import AnswerHandler, Block, CallHandler, Failure, TriggerHandler
from chargers.simulator.dialects.context import Context
from chargers.simulator.model.upkeep import Log, pause_of, tries_of

from .logs import DIAGNOSTICS_STATUS, begin, file_name

_PAUSE = 60.0  #: s between two tries when the CSMS leaves it open


class DiagnosticsBlock(Block):
    """Brings a file about itself where the CSMS wants it."""

    title = "Diagnostics"

    def calls(self) -> Mapping[str, CallHandler]:
        """GetDiagnostics."""
        return {"GetDiagnostics": self._get}

    def answers(self) -> Mapping[str, AnswerHandler]:
        """DiagnosticsStatusNotification, when it was triggered; otherwise it goes as a notice."""
        return {DIAGNOSTICS_STATUS: self._heard}

    def triggers(self) -> Mapping[str, TriggerHandler]:
        """DiagnosticsStatusNotification: Uploading, or Idle when nothing is uploaded (§5.17)."""
        return {DIAGNOSTICS_STATUS: self._triggered}

    def _get(self, ctx: Context, request: Payload) -> Payload:
        log = Log(
            request["location"],
            file_name(ctx, "diagnostics"),
            tries_of(request.get("retries")),
            pause_of(request.get("retryInterval"), _PAUSE),
            since=parse_time(request.get("startTime", "")),
            until=parse_time(request.get("stopTime", "")),
        )
        begin(ctx, log)
        return {"fileName": log.name}

    def _triggered(self, ctx: Context, _request: Payload) -> bool:
        log = ctx.upkeep.log if ctx.upkeep is not None else None
        busy = log is not None and log.request_id is None
        ctx.call(DIAGNOSTICS_STATUS, {"status": "Uploading" if busy else "Idle"}, asked=True)
        return True

    def _heard(self, _ctx: Context, _request: Payload, _answer: Payload | Failure) -> None:
        """Nothing depends on it."""
