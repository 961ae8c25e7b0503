"""The emergency switch: everything off, and on again."""

from typing import Final

import structlog
from django.db import IntegrityError, transaction
from django.utils import timezone

from chargers.models import LabStop
from chargers.selectors.stops import stop_current
from chargers.services.nudge import nudge

log = structlog.get_logger(__name__)

#: what is said when nobody gave a reason
NO_REASON: Final = "no reason given"


def lab_stop(*, by: str, reason: str = "") -> tuple[LabStop, bool]:
    """Stop the lab and return the stop that holds, and whether it is this one.

    Hosts hear of it after commit, and find the row within a second in any case: they power off every charger and take
    none. A lab that is stopped already stays so, with its first reason.
    """
    stop = LabStop(started_by=by[:200], reason=" ".join(reason.split())[:300] or NO_REASON)
    try:
        with transaction.atomic():
            stop.save(force_insert=True)
            nudge()
    except IntegrityError:
        current = stop_current()
        return (current, False) if current is not None else lab_stop(by=by, reason=reason)  # it has just ended
    log.warning("lab_stopped", by=stop.started_by, reason=stop.reason)
    return stop, True


def lab_resume(*, by: str) -> LabStop | None:
    """End the stop that holds and return it; None when there is none. Hosts take what is wanted again."""
    stop = stop_current()
    if stop is None:
        return None
    with transaction.atomic():
        stop.ended_at, stop.ended_by = timezone.now(), by[:200]
        ended = LabStop.objects.filter(pk=stop.pk, ended_at=None).update(ended_at=stop.ended_at, ended_by=stop.ended_by)
        if not ended:
            return None
        nudge()
    log.warning("lab_resumed", by=stop.ended_by, stopped_for=str(stop.ended_at - stop.started_at))
    return stop
