"""The row of a charger: what is wanted of it, who holds it, and where it stands."""

import secrets

from django.db import models
from django.db.models import Q

from chargers.catalog.models import ChargerModel
from chargers.choices import CONNECTION_STATES, ConnectorType, MessageLog, OcppVersion
from chargers.models.host import SimulatorHost
from chargers.simulator.effects import ConnectionState
from locations.models import Location
from ocpplab.accounts.models import Organization
from ocpplab.common.base import TimeStamped
from ocpplab.common.choices import ProvisioningStatus
from ocpplab.common.transitions import Moves

#: moves of `Charger.provisioning_status`
PROVISIONING_MOVES: Moves = {
    ProvisioningStatus.PROVISIONING: frozenset({ProvisioningStatus.PENDING, ProvisioningStatus.FAILED}),
    ProvisioningStatus.READY: frozenset({ProvisioningStatus.PENDING, ProvisioningStatus.PROVISIONING}),
    ProvisioningStatus.FAILED: frozenset({ProvisioningStatus.PENDING, ProvisioningStatus.PROVISIONING}),
}


def new_public_id() -> str:
    """Return a fresh id for the API: `dep-` and 12 hex digits."""
    return f"dep-{secrets.token_hex(6)}"


class Charger(TimeStamped):
    """One simulated charging station, which is one OCPP session.

    Three groups of columns with one writer each: services write what is *wanted* (`wanted`, `revision` and the
    configuration), the claim of a simulator host writes who *holds* it (`host`, `lease_epoch`), and that host's
    recorder writes where it *stands* (`connection_*`), always on condition that it still holds the same epoch.
    """

    public_id = models.CharField(max_length=16, unique=True, default=new_public_id, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="chargers")
    location = models.ForeignKey(Location, null=True, blank=True, on_delete=models.CASCADE, related_name="chargers")
    model = models.ForeignKey(ChargerModel, on_delete=models.PROTECT, related_name="chargers")
    identity = models.CharField(max_length=48, help_text="The OCPP charge point identity.")
    name = models.CharField(max_length=200, null=True, blank=True)  # noqa: DJ001 - null is in the contract
    connector_type = models.CharField(max_length=10, choices=ConnectorType.choices)
    ocpp_version = models.CharField(max_length=10, choices=OcppVersion.choices, default=OcppVersion.V16)
    ws_url = models.CharField(max_length=500, help_text="The identity is appended to it as the last path segment.")
    location_name = models.CharField(max_length=200, null=True, blank=True)  # noqa: DJ001 - passed to the runtime only

    message_log = models.CharField(
        max_length=12, choices=MessageLog.choices, default=MessageLog.ALL, help_text="Which frames are kept."
    )

    wanted = models.BooleanField(default=True, help_text="Whether it should have a session.")
    revision = models.PositiveIntegerField(
        default=0, help_text="Grows when the session must be restarted: a changed address or version, or a reset."
    )

    turn = models.PositiveIntegerField(
        default=0, help_text="Its place in the request that asked for it: of those that wait, hosts take the lowest."
    )
    host = models.ForeignKey(SimulatorHost, null=True, blank=True, on_delete=models.SET_NULL, related_name="chargers")
    lease_epoch = models.BigIntegerField(default=0, help_text="Grows with each claim: the fencing token of its host.")

    connection_state = models.CharField(max_length=10, choices=CONNECTION_STATES, default=ConnectionState.OFFLINE)
    connection_error = models.CharField(max_length=500, blank=True, default="")
    connection_changed_at = models.DateTimeField(null=True, blank=True)

    provisioning_status = models.CharField(
        max_length=12, choices=ProvisioningStatus.choices, default=ProvisioningStatus.PENDING
    )
    provisioned_at = models.DateTimeField(null=True, blank=True)
    error_code = models.CharField(max_length=50, blank=True, default="")
    error_message = models.CharField(max_length=2000, blank=True, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "ws_url", "identity"], name="charger_identity_unique_at_csms"
            ),
            models.CheckConstraint(
                condition=~Q(provisioning_status=ProvisioningStatus.FAILED) | ~Q(error_code=""),
                name="charger_failed_has_error",
            ),
            models.CheckConstraint(
                condition=~Q(provisioning_status=ProvisioningStatus.READY) | Q(provisioned_at__isnull=False),
                name="charger_ready_has_provisioned_at",
            ),
        ]
        indexes = [
            models.Index(fields=["organization", "-created_at", "-id"], name="charger_newest_first"),
            models.Index(fields=["location", "-created_at", "-id"], name="charger_of_location"),
            models.Index(fields=["turn", "id"], condition=Q(wanted=True, host__isnull=True), name="charger_waiting"),
            models.Index(fields=["organization", "connection_state"], name="charger_by_connection"),
            models.Index(fields=["identity"], name="charger_by_identity"),  # the built-in CSMS asks at each handshake
        ]

    def __str__(self) -> str:
        return self.identity
