"""Organizations (tenants), users and API tokens."""

import hashlib
import uuid

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.db.models import Q
from django.utils import timezone


class Organization(models.Model):
    """A tenant. Locations, chargers and jobs belong to exactly one."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=200, unique=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    max_chargers = models.PositiveIntegerField(
        null=True, blank=True, help_text="Chargers at the same time; empty: LIMIT_CHARGERS, 0: no limit."
    )
    max_open_jobs = models.PositiveIntegerField(
        null=True, blank=True, help_text="Unfinished jobs at the same time; empty: LIMIT_OPEN_JOBS, 0: no limit."
    )
    max_requests_per_minute = models.PositiveIntegerField(
        null=True, blank=True, help_text="API requests; empty: LIMIT_REQUESTS_PER_MINUTE, 0: no limit."
    )

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class User(AbstractUser):
    """A person. One with an organization sees that one; staff without one sees all in the admin."""

    organization = models.ForeignKey(
        Organization, null=True, blank=True, on_delete=models.CASCADE, related_name="users"
    )


class Role(models.TextChoices):
    """What a token may act on."""

    USER = "user", "User: one organization"
    ADMIN = "admin", "Admin: any organization, named by X-Organization-Id"


def token_digest(token: str) -> str:
    """Return what the database keeps of a token: 64 hex digits."""
    return hashlib.sha256(token.encode()).hexdigest()


class ApiToken(models.Model):
    """A bearer token. Only its SHA-256 digest is stored: a token has 256 random bits, so no salt is needed."""

    name = models.CharField(max_length=100, help_text="What the token is for.")
    role = models.CharField(max_length=5, choices=Role.choices, default=Role.USER)
    organization = models.ForeignKey(
        Organization, null=True, blank=True, on_delete=models.CASCADE, related_name="tokens"
    )
    prefix = models.CharField(max_length=8, editable=False, help_text="The first characters, to tell tokens apart.")
    digest = models.CharField(max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField(null=True, blank=True, help_text="Empty: never.")
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(role=Role.USER, organization__isnull=False) | Q(role=Role.ADMIN, organization__isnull=True),
                name="token_user_has_organization_admin_has_none",
                violation_error_message="A user token needs an organization; an admin token must not have one.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"
