"""Durable bulk work."""

from django.apps import AppConfig


class JobsConfig(AppConfig):
    """Provisioning jobs."""

    name = "jobs"
