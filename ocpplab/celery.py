"""The Celery application of worker and beat, and of everyone who publishes."""

import os
from typing import Any

from celery import Celery
from celery.signals import task_prerun
from django.db import close_old_connections

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ocpplab.settings")

app = Celery("ocpplab")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
# By name: only a worker needs what it takes to be one.
app.steps["worker"].add("ocpplab.observing.worker:DoorStep")
app.steps["consumer"].add("ocpplab.observing.worker:ConsumingStep")


@task_prerun.connect
def check_connections(**_: Any) -> None:
    """Have the database connection looked at before its first use in a task, as Django does for each request."""
    close_old_connections()
