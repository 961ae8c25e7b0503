"""The banner of a stopped lab, for every page."""

from typing import Any

from django.db import Error
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from chargers.models import LabStop
from chargers.selectors.stops import stop_current


def lab_stop(request: HttpRequest) -> dict[str, Any]:
    """Give templates `lab_stop`: the stop that holds, or nothing. Asks the database when a template does."""
    del request
    return {"lab_stop": SimpleLazyObject(_stop)}


def _stop() -> LabStop | None:
    try:
        return stop_current()
    except Error:
        return None  # no page is worse off for a missing banner: those that need the database say so themselves
