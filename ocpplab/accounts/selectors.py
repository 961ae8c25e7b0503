"""Reading accounts."""

import uuid
from dataclasses import dataclass

from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from ocpplab.accounts.models import ApiToken, Organization, token_digest


@dataclass(frozen=True, slots=True)
class Limits:
    """What an organization may have and do; 0 is no limit."""

    chargers: int
    open_jobs: int
    requests_per_minute: int


def token_find(text: str) -> ApiToken | None:
    """Return the valid token with this text, with its organization: one indexed query."""
    return (
        ApiToken.objects.select_related("organization")
        .filter(Q(expires_at=None) | Q(expires_at__gt=timezone.now()), digest=token_digest(text), revoked_at=None)
        .first()
    )


def limits_of(organization: Organization) -> Limits:
    """Return an organization's limits: its own, and the settings' where it has none. Asks nothing of the database."""
    return Limits(
        chargers=_first(organization.max_chargers, settings.LIMIT_CHARGERS),
        open_jobs=_first(organization.max_open_jobs, settings.LIMIT_OPEN_JOBS),
        requests_per_minute=_first(organization.max_requests_per_minute, settings.LIMIT_REQUESTS_PER_MINUTE),
    )


def _first(own: int | None, default: int) -> int:
    return default if own is None else own


def limits_read(organization_id: uuid.UUID) -> Limits:
    """Return the limits as they stand now: one query."""
    return limits_of(Organization.objects.get(pk=organization_id))
