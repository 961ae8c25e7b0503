"""What a charger does not forget when its simulator host ends."""

from typing import Any

from django.db import models

from chargers.models.charger import Charger


class ChargerMemory(models.Model):
    """The memory of one charger (`Session.memory()`): written by the host that holds it, read with the claim.

    A row is written only on condition that the host still holds the charger under `lease_epoch`, in the same
    transaction as what the charger has to say to the ledger.
    """

    charger = models.OneToOneField(
        Charger, primary_key=True, on_delete=models.CASCADE, db_constraint=False, related_name="memory"
    )
    lease_epoch = models.BigIntegerField()
    state = models.JSONField[dict[str, Any]]()
    at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "charger memories"

    def __str__(self) -> str:
        return f"memory of charger {self.charger_id}"
