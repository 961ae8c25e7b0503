"""Writing jobs: every way in which a job or an item of it changes."""

from jobs.services.batching import items_provision
from jobs.services.creating import charger_request, job_create
from jobs.services.expanding import job_expand, job_start
from jobs.services.losing import Found, items_find_lost, items_redelivered
from jobs.services.provisioning import Outcome, item_fail, item_provision, item_tried
from jobs.services.pruning import jobs_prune
from jobs.services.settling import job_settle
from jobs.services.steering import job_cancel, job_retry_failed
from jobs.services.sweeping import jobs_sweep

__all__ = [
    "Found",
    "Outcome",
    "charger_request",
    "item_fail",
    "item_provision",
    "item_tried",
    "items_find_lost",
    "items_provision",
    "items_redelivered",
    "job_cancel",
    "job_create",
    "job_expand",
    "job_retry_failed",
    "job_settle",
    "job_start",
    "jobs_prune",
    "jobs_sweep",
]
