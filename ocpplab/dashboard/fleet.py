"""The fleet page: what is online, job by job and location by location, as it happens."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from chargers.selectors.fleet import Fleet, fleets, hosts_living
from chargers.simulator.effects import ConnectionState
from jobs.selectors import jobs_latest
from ocpplab.accounts.models import Organization, User

SHOWN_FLEETS = 50
SHOWN_JOBS = 8


@require_safe
@login_required
def fleet(request: HttpRequest) -> HttpResponse:
    """Show the page, or with htmx only the part that changes."""
    template = "dashboard/_fleet.html" if getattr(request, "htmx", False) else "dashboard/fleet.html"
    return render(request, template, picture(seen_by(request.user)))


def seen_by(user: Any) -> Organization | None:
    """Return the organization that a person sees; None is all of them, for staff without one."""
    if not isinstance(user, User) or (user.organization is None and not user.is_staff):
        return Organization(name="nothing")  # a person of no organization sees an empty lab
    return user.organization


def picture(organization: Organization | None) -> dict[str, Any]:
    """Gather what the page shows, in a fixed number of queries."""
    found = fleets(organization)
    totals = Fleet(location_id=None, name="", organization="")
    for one in found:
        totals.stopped += one.stopped
        for state, count in one.counts.items():
            totals.counts[state] += count
    return {
        "totals": totals,
        "tiles": [(state.value, totals.counts[state]) for state in reversed(ConnectionState)],
        "states": [state.value for state in reversed(ConnectionState)],
        "fleets": [(one, segments(one)) for one in found[:SHOWN_FLEETS]],
        "hidden": max(0, len(found) - SHOWN_FLEETS),
        "jobs": jobs_latest(organization, SHOWN_JOBS),
        "hosts": list(hosts_living()),
    }


def segments(one: Fleet) -> list[tuple[str, int, float]]:
    """Cut a fleet's bar: state, chargers, and the share in percent, without empty parts."""
    return [
        (state.value, one.counts[state], 100 * one.counts[state] / one.total)
        for state in reversed(ConnectionState)
        if one.counts[state]
    ]
