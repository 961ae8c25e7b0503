"""The OCPP message log."""

from django.db import models

from chargers.choices import DIRECTIONS
from chargers.models.charger import Charger


class Message(models.Model):
    """One frame of one charger, written in batches by the simulator host that holds it.

    There is no foreign key in the database: a batch must not fail because one of its chargers was deleted meanwhile.
    `id` gives the order within a charger.
    """

    charger = models.ForeignKey(Charger, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False)
    at = models.DateTimeField()
    direction = models.CharField(max_length=10, choices=DIRECTIONS)
    action = models.CharField(max_length=50)
    message = models.TextField()

    class Meta:
        indexes = [models.Index(fields=["charger", "at", "id"], name="message_of_charger")]

    def __str__(self) -> str:
        return f"{self.direction} {self.action}"
