"""Orders to chargers and what became of them."""

import secrets
from typing import Any

from django.db import models
from django.db.models import Q
from django.utils import timezone

from chargers.choices import CommandStatus
from chargers.models.charger import Charger

#: statuses in which a command has no outcome yet
UNSETTLED = (CommandStatus.QUEUED, CommandStatus.RUNNING)

#: what ends commands whose lease is over: nobody will run them, or say what became of them. Rows on which somebody
#: works are left to the next time; it is said again and again.
LOSE_ORPHANS = """
    UPDATE chargers_command AS command
    SET status = 'lost', settled_at = now(),
        outcome = jsonb_build_object(
            'code', 'host_lost',
            'data', jsonb_build_object('ran', CASE WHEN status = 'queued' THEN 'false'::jsonb ELSE 'null'::jsonb END)
        )
    WHERE id IN (
        SELECT orphan.id FROM chargers_command AS orphan
        WHERE orphan.status IN ('queued', 'running') AND NOT EXISTS (
            SELECT FROM chargers_charger AS charger
            WHERE charger.id = orphan.charger_id AND charger.host_id = orphan.host_id
              AND charger.lease_epoch = orphan.lease_epoch
        )
        FOR NO KEY UPDATE SKIP LOCKED
    )
"""


def new_command_id() -> str:
    """Return a fresh id: 12 hex digits."""
    return secrets.token_hex(6)


class Command(models.Model):
    """One order to one charger, addressed to the lease (`host_id`, `lease_epoch`) that held it when it was given.

    Only that host takes it, by one conditional UPDATE from `queued` to `running`, and hands it to the session after
    that: so it is carried out at most once. When the lease ends before the outcome is written, it is `lost`: never run
    (`taken_at` is null), or run with an end that nobody knows.
    """

    id = models.CharField(primary_key=True, max_length=12, default=new_command_id, editable=False)
    # No foreign key in the database: deleting chargers must not wait for a batch of outcomes, nor the other way round.
    # The commands of a deleted charger can no longer be reached and are pruned later.
    charger = models.ForeignKey(Charger, on_delete=models.DO_NOTHING, db_constraint=False, related_name="commands")
    kind = models.CharField(max_length=50)
    payload = models.JSONField[dict[str, Any]](default=dict)
    status = models.CharField(max_length=10, choices=CommandStatus.choices, default=CommandStatus.QUEUED)
    outcome = models.JSONField[dict[str, Any] | None](null=True, blank=True, help_text="`code` and `data`.")
    host_id = models.UUIDField()
    lease_epoch = models.BigIntegerField()
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    taken_at = models.DateTimeField(null=True, blank=True)
    settled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=UNSETTLED, outcome__isnull=True, settled_at__isnull=True)
                | (~Q(status__in=UNSETTLED) & Q(outcome__isnull=False, settled_at__isnull=False)),
                name="command_outcome_exactly_when_settled",
            ),
        ]
        indexes = [
            models.Index(fields=["charger", "-created_at", "-id"], name="command_of_charger"),
            models.Index(fields=["host_id"], condition=Q(status__in=UNSETTLED), name="command_unsettled"),
            models.Index(fields=["created_at"], name="command_by_age"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"
