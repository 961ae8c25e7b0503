"""Reading accounts."""

from django.db.models import Q
from django.utils import timezone

from ocpplab.accounts.models import ApiToken, token_digest


def token_find(text: str) -> ApiToken | None:
    """Return the valid token with this text, with its organization: one indexed query."""
    return (
        ApiToken.objects.select_related("organization")
        .filter(Q(expires_at=None) | Q(expires_at__gt=timezone.now()), digest=token_digest(text), revoked_at=None)
        .first()
    )
