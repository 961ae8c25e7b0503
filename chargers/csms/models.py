"""Rows of the built-in CSMS."""

from django.core.validators import RegexValidator
from django.db import models
from django.db.models.functions import Lower, Now

from ocpplab.common.base import TimeStamped

from .tags import TagStatus


class IdTag(TimeStamped):
    """How one id tag is answered, at every station. Unlisted ones are answered as the tag `*`, else Accepted."""

    tag = models.CharField(
        max_length=36,
        validators=[RegexValidator(r"\A[ -~]+\Z", "Id tags are printable ASCII.")],
        help_text="At most 20 characters in OCPP 1.6, 36 in 2.0.1; letter case does not count. * is any other.",
    )
    status = models.CharField(
        max_length=12,
        choices=[(one.value, one.value) for one in TagStatus],
        default=TagStatus.ACCEPTED.value,
        help_text="ConcurrentTx is answered to a start only; an Authorize is Accepted.",
    )
    parent_tag = models.CharField(
        max_length=36, blank=True, default="", help_text="The parent id tag (1.6), or group id token (2.0.1)."
    )
    expires_at = models.DateTimeField(null=True, blank=True, help_text="From then on it is Expired.")
    single = models.BooleanField(
        default=False, help_text="One transaction at a time: another start meanwhile is answered with ConcurrentTx."
    )

    class Meta:
        verbose_name = "id tag"
        constraints = [
            models.UniqueConstraint(Lower("tag"), name="csms_idtag_unique"),
            models.CheckConstraint(
                condition=models.Q(status__in=[one.value for one in TagStatus]), name="csms_idtag_status_known"
            ),
        ]

    def __str__(self) -> str:
        return self.tag


class SeenTransaction(models.Model):
    """One transaction as a station told it. The columns are those of `transactions.Transaction`.

    `station` is what follows `/csms/` in the station's address; times are texts, exactly as the station sent them.
    """

    station = models.CharField(max_length=300)
    transaction_id = models.CharField(max_length=64)
    version = models.CharField(max_length=10)
    connector = models.CharField(max_length=64, blank=True)
    id_token = models.CharField(max_length=255, blank=True)
    started_at = models.CharField(max_length=64, null=True)  # noqa: DJ001 - null: we never heard of a start
    meter_start = models.FloatField(null=True)
    stopped_at = models.CharField(max_length=64, null=True)  # noqa: DJ001 - null: it runs
    meter_stop = models.FloatField(null=True)
    reason = models.CharField(max_length=64, blank=True)
    token_status = models.CharField(max_length=20, blank=True)
    reservation_id = models.BigIntegerField(null=True)
    last_seq_no = models.BigIntegerField(null=True)
    messages = models.IntegerField()
    samples = models.IntegerField()
    last_wh = models.FloatField(null=True)
    last_at = models.CharField(max_length=64, null=True)  # noqa: DJ001 - null: no sample yet
    disorders = models.IntegerField()
    last_disorder = models.CharField(max_length=500, blank=True)
    digest = models.CharField(max_length=16, blank=True)
    seen_at = models.DateTimeField(db_default=Now(), help_text="When we last heard of it.")

    class Meta:
        verbose_name = "seen transaction"
        constraints = [
            models.UniqueConstraint(fields=["station", "transaction_id"], name="csms_transaction_unique"),
        ]
        indexes = [
            models.Index(fields=["station", "-id"], name="csms_transaction_latest"),
            models.Index(fields=["seen_at"], name="csms_transaction_seen"),
        ]

    def __str__(self) -> str:
        return f"{self.station} {self.transaction_id}"
