"""Wiring of the project: settings, addresses, processes. No business rule lives here."""

from ocpplab.celery import app as celery_app

__all__ = ["celery_app"]
