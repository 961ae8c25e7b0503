"""What most rows have."""

from django.db import models
from django.utils import timezone


class TimeStamped(models.Model):
    """Creation and last change. Bulk updates must set `updated_at` themselves."""

    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        abstract = True
