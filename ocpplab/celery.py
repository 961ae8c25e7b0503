"""The Celery application of worker and beat, and of everyone who publishes."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ocpplab.settings")

app = Celery("ocpplab")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
