"""What the database and the broker know, as metrics; asked at most every few seconds."""

import threading
import time
from collections import defaultdict
from collections.abc import Iterable
from typing import Any, Final

import structlog
from celery import current_app
from django.db import Error as DatabaseError
from django.db import connection, transaction
from django.db.models import Count
from kombu.exceptions import KombuError
from prometheus_client.core import Metric
from redis.exceptions import RedisError

from chargers.selectors.totals import totals
from jobs.choices import ItemStatus
from jobs.ended import Endings
from jobs.models import FINAL, ProvisioningItem, ProvisioningJob
from ocpplab.common.choices import ProvisioningStatus
from ocpplab.common.metrics.histogram import Histogram, histograms
from ocpplab.common.metrics.registry import counters, gauge, gauges

log = structlog.get_logger(__name__)

#: seconds for which an answer is good, and for one query
GOOD_FOR: Final = 5.0
QUERY_MS: Final = 5_000
#: seconds that jobs take
JOB_SECONDS: Final = (1.0, 2.5, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0)


class Rows:
    """Counts rows; endings of jobs are counted from when this was made."""

    def __init__(self) -> None:
        self._endings = Endings()
        self._durations: defaultdict[tuple[str, str], Histogram] = defaultdict(lambda: Histogram(JOB_SECONDS))
        self._items: defaultdict[str, int] = defaultdict(int)
        self._lock = threading.Lock()
        self._asked_at = -GOOD_FOR
        self._last: list[Metric] = []

    def metrics(self) -> Iterable[Metric]:
        """What the rows say; while the database is away only that, and the counters as they were."""
        with self._lock:
            if time.monotonic() - self._asked_at >= GOOD_FOR:
                self._last, self._asked_at = [*self._ask(), *self._counted(), *_broker()], time.monotonic()
            return self._last

    def _ask(self) -> list[Metric]:
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(f"SET LOCAL statement_timeout = {QUERY_MS}")
                found = [*_chargers(), *_jobs()]
                for end in self._endings.look():
                    self._durations[end.kind, end.status].observe(end.seconds)
                    for status, count in end.items.items():
                        self._items[status] += count
        except DatabaseError as error:
            log.warning("rows_not_counted", error=str(error))
            return [gauge("ocpplab_database_up", "Whether the database answers.", 0)]
        finally:
            connection.close()  # each caller comes in a thread of its own
        return [gauge("ocpplab_database_up", "Whether the database answers.", 1), *found]

    def _counted(self) -> Iterable[Metric]:
        yield histograms(
            "ocpplab_job_duration_seconds",
            "Time from when a job was asked for until it was READY or FAILED.",
            ("kind", "status"),
            self._durations.items(),
        )
        yield counters(
            "ocpplab_job_items_total",
            "Chargers of jobs that ended, by what became of them.",
            ("status",),
            (((status,), count) for status, count in self._items.items()),
        )


def _chargers() -> Iterable[Metric]:
    found = totals()
    yield _by("ocpplab_chargers", "Chargers in the database, by connection state.", "state", found.chargers)
    yield gauge("ocpplab_chargers_unclaimed", "Chargers that should have a session and no host holds.", found.unclaimed)
    yield _by("ocpplab_hosts", "Simulator hosts by status.", "status", found.hosts)
    yield _by("ocpplab_commands", "Commands that have no outcome yet, by status.", "status", found.commands)
    yield gauge("ocpplab_transactions_running", "Charging transactions that go on.", found.transactions)


def _jobs() -> Iterable[Metric]:
    jobs = dict(ProvisioningJob.objects.values_list("status").annotate(total=Count("id")).order_by())
    yield _by("ocpplab_jobs", "Jobs by status.", "status", dict.fromkeys(ProvisioningStatus.values, 0) | jobs)
    rows = ProvisioningItem.objects.exclude(job__status__in=FINAL).values_list("status")
    items = dict(rows.annotate(total=Count("id")).order_by())
    yield _by(
        "ocpplab_job_items",
        "Items of unfinished jobs by status.",
        "status",
        dict.fromkeys(ItemStatus.values, 0) | items,
    )


def _by(name: str, text: str, label: str, values: dict[str, int]) -> Metric:
    return gauges(name, text, (label,), (((value,), count) for value, count in values.items()))


def _broker() -> Iterable[Metric]:
    up, waiting = 1, 0
    try:
        with current_app.connection_for_read() as line:
            channel: Any = line.default_channel
            try:
                queue = current_app.conf.task_default_queue
                waiting = channel.queue_declare(queue=queue, passive=True).message_count
            except line.channel_errors:
                pass  # a queue that is empty does not exist in Redis
    except (KombuError, RedisError, OSError) as error:
        log.warning("queue_not_counted", error=str(error))
        up = 0
    yield gauge("ocpplab_broker_up", "Whether the broker answers.", up)
    if up:
        yield gauge("ocpplab_broker_messages", "Task messages that wait for a worker.", waiting)
