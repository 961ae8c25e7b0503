"""What can be refused about a job."""

from ocpplab.common.errors import Invalid, NotFound, Problem, Refused, TooMany

#: seconds after which one of many jobs may be expected to have ended
RETRY_AFTER = 5


class JobNotFound(NotFound):
    """The organization has no such job."""

    code = "job_not_found"

    def __init__(self) -> None:
        super().__init__("Job not found.")


class JobFinished(Refused):
    """A job that is READY or FAILED cannot be cancelled."""

    code = "job_finished"

    def __init__(self, status: str) -> None:
        super().__init__(f"The job is {status} already: there is nothing left to cancel.")


class JobRunning(Refused):
    """A job that still runs cannot be retried."""

    code = "job_running"

    def __init__(self) -> None:
        super().__init__("The job still runs: wait until it is READY or FAILED, or cancel it, before you retry.")


class NothingToRetry(Refused):
    """No charger of the job failed."""

    code = "nothing_to_retry"

    def __init__(self) -> None:
        super().__init__("No charger of this job failed: there is nothing to retry.")


class OpenJobLimitReached(TooMany):
    """The organization has as many unfinished jobs as it may have. Nothing was written."""

    code = "open_job_limit_reached"

    def __init__(self, *, limit: int, present: int) -> None:
        super().__init__(
            f"This organization may have {limit} unfinished jobs at a time, and has {present}: wait until one is READY "
            "or FAILED, cancel one, put more chargers into one job, or have an administrator raise the limit.",
            retry_after=RETRY_AFTER,
        )


class IdempotencyKeyReused(Invalid):
    """An Idempotency-Key came back with another request."""

    code = "idempotency_key_reused"

    def __init__(self) -> None:
        super().__init__(
            Problem(
                ("Idempotency-Key",),
                "This key was used for another request: repeat that request unchanged, or take a new key.",
                self.code,
                source="header",
            )
        )


#: what happened to an item, by the code in `results.failed`; each message tells what to do
ITEM_MESSAGES = {
    "cancelled": "The job was cancelled before this charger was up. Retry the job to create it.",
    "charger_deleted": "The charger was deleted while the job ran.",
    "charger_stopped": "The charger was stopped before a simulator took it. Start it to bring it up.",
    "not_hosted": "No simulator took the charger in time. See that one runs and is below its capacity, then retry.",
    "database_unavailable": "The database could not be used, several times in a row. Retry the job.",
    "internal_error": "An internal error: the worker's log has its traceback. Retry the job; report it if it stays.",
    "attempts_exhausted": "Its call was lost several times without an outcome. See the worker's log, then retry.",
    "no_free_suffix": "No free random suffix was found. Choose another identity_prefix.",
}

#: codes for which the very same request may work later
RETRYABLE = frozenset(
    {"cancelled", "charger_deleted", "not_hosted", "database_unavailable", "internal_error", "attempts_exhausted"}
)
