"""Writing accounts: organizations and tokens."""

import secrets
from datetime import datetime

from django.utils import timezone

from ocpplab.accounts.models import ApiToken, Organization, Role, token_digest


def token_create(
    *,
    name: str,
    role: Role,
    organization: Organization | None,
    expires_at: datetime | None = None,
    token: str | None = None,
) -> tuple[ApiToken, str]:
    """Make a token and return its row and its text; the text is not stored and cannot be shown again.

    `token` fixes the text (for CI and demos): a row with the same text is taken over with the new values.
    """
    text = token or f"lab_{secrets.token_urlsafe(32)}"
    row, _ = ApiToken.objects.update_or_create(
        digest=token_digest(text),
        defaults={
            "name": name,
            "role": role,
            "organization": organization,
            "prefix": text[: min(8, len(text) // 3)],  # of a short token that somebody chose, less
            "expires_at": expires_at,
            "revoked_at": None,
        },
    )
    return row, text


def token_revoke(*, token: ApiToken) -> bool:
    """Revoke a token; return whether it was valid until now."""
    return bool(ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=timezone.now()))
