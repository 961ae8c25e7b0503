"""The Celery application of worker and beat, and of everyone who publishes."""

import os
from typing import Any

import structlog
from celery import Celery
from celery.signals import task_postrun, task_prerun
from django.db import close_old_connections

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ocpplab.settings")

#: tasks whose first argument is the id of a job (jobs.tasks)
_ABOUT_JOBS = frozenset({"jobs.start", "jobs.finish"})

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


@task_prerun.connect
def name_task(task: Any, args: Any, **_: Any) -> None:
    """Have the lines that a task logs say which it is, and about which job: its message says so, or its argument."""
    job_id = task.request.get("job_id") or (args[0] if task.name in _ABOUT_JOBS and args else None)
    structlog.contextvars.bind_contextvars(task=task.name, **({"job_id": job_id} if job_id else {}))


@task_postrun.connect
def forget_task(**_: Any) -> None:
    """What is logged from here on is about none."""
    structlog.contextvars.clear_contextvars()
