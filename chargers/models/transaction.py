"""The ledger: what the chargers know to be true about their transactions, and what the CSMS has acknowledged of it."""

from django.db import models
from django.db.models import F, Q

from chargers.choices import TransactionState
from chargers.models.charger import Charger


class Transaction(models.Model):
    """One charging transaction as the charger lived it; `id` is the charger's own. Times are the charger's.

    Registers are in Wh. `meter_wh` is the newest register that was told, or is to be told, to the CSMS. The rows of a
    deleted charger can no longer be reached and are pruned later, as its message log is.
    """

    id = models.UUIDField(primary_key=True)
    charger = models.ForeignKey(Charger, on_delete=models.DO_NOTHING, db_constraint=False, related_name="transactions")
    csms_id = models.CharField(max_length=64, blank=True, default="", help_text="The CSMS's id, once it gave one.")
    connector = models.PositiveIntegerField()
    id_tag = models.CharField(max_length=255, blank=True)
    reservation_id = models.BigIntegerField(null=True, blank=True)
    state = models.CharField(max_length=10, choices=TransactionState.choices, default=TransactionState.RUNNING)
    started_at = models.DateTimeField()
    meter_start = models.BigIntegerField()
    started_offline = models.BooleanField()
    sampled_at = models.DateTimeField(null=True, blank=True)
    meter_wh = models.BigIntegerField()
    stopped_at = models.DateTimeField(null=True, blank=True)
    meter_stop = models.BigIntegerField(null=True, blank=True)
    stopped_offline = models.BooleanField(null=True, blank=True)
    reason = models.CharField(max_length=50, blank=True, default="")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state=TransactionState.STOPPED, stopped_at__isnull=False, meter_stop__isnull=False)
                | (Q(state=TransactionState.RUNNING, stopped_at__isnull=True, meter_stop__isnull=True)),
                name="transaction_stop_exactly_when_stopped",
            ),
        ]
        indexes = [
            models.Index(fields=["charger", "-started_at", "-id"], name="transaction_of_charger"),
            models.Index(fields=["charger", "csms_id"], condition=~Q(csms_id=""), name="transaction_by_csms_id"),
            models.Index(F("started_at").desc(), F("id").desc(), name="transaction_newest_first"),
        ]

    def __str__(self) -> str:
        return f"transaction {self.csms_id or self.id}"


class TransactionMessage(models.Model):
    """A message of a transaction with its end: accepted by the CSMS, or given up (`dropped` says why).

    `sequence` counts the messages of one transaction from 1 as the charger made them.
    """

    transaction = models.ForeignKey(
        Transaction, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="messages"
    )
    sequence = models.PositiveIntegerField()
    action = models.CharField(max_length=50)
    at = models.DateTimeField(help_text="The message's own time, by the charger's clock.")
    accepted_at = models.DateTimeField(null=True, blank=True)
    dropped = models.CharField(max_length=20, blank=True, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["transaction", "sequence"], name="transaction_message_once"),
        ]
        ordering = ["sequence"]

    def __str__(self) -> str:
        return f"{self.action} {self.sequence}"
