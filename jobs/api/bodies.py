"""Bodies of jobs, built by hand: a job's result holds thousands of chargers."""

from typing import Any

from chargers.api.serializers import charger_body
from chargers.models import Charger
from jobs.errors import RETRYABLE
from jobs.models import FINAL, ProvisioningJob
from jobs.selectors import Counts, job_chargers, job_counts, job_failures
from ocpplab.common.choices import ProvisioningStatus


def charger_accepted_body(job: ProvisioningJob, charger: Charger) -> dict[str, Any]:
    """Return the 202 of a single create."""
    return {
        "charger_id": charger.public_id,
        "identity": charger.identity,
        "status": charger.provisioning_status,
        "workflow_run_id": job.workflow_run_id,
        "status_url": f"/ocpp/chargers/{charger.public_id}/status",
    }


def charger_status_body(charger: Charger, job: ProvisioningJob | None) -> dict[str, Any]:
    """Return how far one charger is; `job` is the one that made it."""
    return {
        "charger_id": charger.public_id,
        "status": charger.provisioning_status,
        "workflow_run_id": None if job is None else job.workflow_run_id,
        "error": _error(charger.error_code, charger.error_message, charger.error_code in RETRYABLE),
        "provisioned_at": charger.provisioned_at,
    }


def job_accepted_body(job: ProvisioningJob) -> dict[str, Any]:
    """Return the 202 of a bulk create."""
    return {
        "job_id": str(job.id),
        "status": job.status,
        "workflow_run_id": job.workflow_run_id,
        "status_url": f"/ocpp/locations/{job.location_id}/chargers/jobs/{job.id}",
    }


def job_body(job: ProvisioningJob, counts: Counts | None = None) -> dict[str, Any]:
    """Return a job in short, with progress when counts are given."""
    body = {
        "job_id": str(job.id),
        "job_type": job.kind,
        "status": job.status,
        "workflow_run_id": job.workflow_run_id,
        "error": _error(job.error_code, job.error_message, job.error_retryable),
        "provisioned_at": job.finished_at if job.status == ProvisioningStatus.READY else None,
        "location_id": None if job.location_id is None else str(job.location_id),
        "created_at": job.created_at,
        "finished_at": job.finished_at,
    }
    if counts is not None:
        body["progress"] = {
            "total": job.total,
            "created": counts.created,
            "hosted": counts.hosted,
            "online": counts.online,
            "failed": counts.failed,
        }
    return body


def job_status_body(job: ProvisioningJob) -> dict[str, Any]:
    """Return a job with its progress while it runs, and with its results when it is final."""
    if job.status not in FINAL:
        return job_body(job, job_counts(job.id)) | {"results": None}
    created = [charger_body(charger) for charger in job_chargers(job.id)]
    failed = job_failures(job.id)
    results = {"created_count": len(created), "failed_count": len(failed), "created": created, "failed": failed}
    return job_body(job) | {"results": results}


def _error(code: str, message: str, retryable: bool) -> dict[str, Any] | None:
    return {"code": code, "message": message, "retryable": retryable} if code else None
