"""Choices that several apps and the contract share."""

from django.db.models import TextChoices


class ProvisioningStatus(TextChoices):
    """How far the durable work behind a charger or a job is. READY and FAILED are final for a run."""

    PENDING = "PENDING"
    PROVISIONING = "PROVISIONING"
    READY = "READY"
    FAILED = "FAILED"
