"""What requests for chargers look like, and the bodies of jobs."""

from typing import Any

from rest_framework import serializers

from chargers.api.serializers import ChargerResponse
from chargers.fields import ConnectorTypeField, DisplayName, Identity, MessageLogField, OcppVersionField, WsUrl
from chargers.rules import IDENTITY_MAX
from jobs.choices import JobKind
from ocpplab.api.fields import Choice, Text, Whole
from ocpplab.api.pagination import PageQuery, page_serializer
from ocpplab.common.choices import ProvisioningStatus

SLUG_MAX = 80
OPTIONAL: dict[str, Any] = {"required": False, "allow_null": True}


class CreateChargerRequest(serializers.Serializer[Any]):
    """A single charger."""

    identity = Identity(help_text="Unique OCPP charge point identity.")
    brand_slug = Text(max_length=SLUG_MAX, help_text="From the catalog.")
    model_slug = Text(max_length=SLUG_MAX, help_text="From the catalog.")
    connector_type = ConnectorTypeField()
    ws_url = WsUrl()
    ocpp_version = OcppVersionField(**OPTIONAL)
    charge_point_name = DisplayName(**OPTIONAL, allow_blank=True, help_text="Display name.")
    location_id = Text(**OPTIONAL, max_length=100, help_text="Site.")
    location_name = DisplayName(**OPTIONAL, allow_blank=True, help_text="Passed to the runtime only.")
    message_log = MessageLogField(**OPTIONAL)


class ChargerTemplate(serializers.Serializer[Any]):
    """What the chargers of one group have in common."""

    brand_slug = Text(max_length=SLUG_MAX, help_text="From the catalog.")
    model_slug = Text(max_length=SLUG_MAX, help_text="From the catalog.")
    connector_type = ConnectorTypeField()
    ws_url = WsUrl()
    ocpp_version = OcppVersionField(**OPTIONAL)
    identity_prefix = Text(
        **OPTIONAL,
        allow_blank=True,
        trim_whitespace=False,
        max_length=IDENTITY_MAX,
        help_text="Put in front of each suffix.",
    )
    template_name = DisplayName(**OPTIONAL, allow_blank=True, help_text="Base of the display names.")
    message_log = MessageLogField(**OPTIONAL)


class Suffixes(serializers.ListField):
    """Suffixes as strings. There may be 10,000, so that the list is checked in one go; `jobs.api.requests` checks the
    identities that they make.
    """

    child = Text()

    def run_child_validation(self, data: Any) -> Any:
        """Return the list when it holds strings only; else have DRF say which entry is none."""
        if all(type(entry) is str and entry for entry in data):
            return data
        return super().run_child_validation(data)


class ChargerGroup(serializers.Serializer[Any]):
    """Ids, a number, or both: the ids first, then random suffixes up to the number."""

    template = ChargerTemplate()
    charger_ids = Suffixes(**OPTIONAL, help_text="Suffixes of the identities.")
    chargers_number = Whole(**OPTIONAL, min_value=1, help_text="How many are wanted in total.")


class ChargerAcceptedResponse(serializers.Serializer[Any]):
    """202 of a single create."""

    charger_id = serializers.CharField()
    identity = serializers.CharField()
    status = serializers.ChoiceField(ProvisioningStatus.choices)
    workflow_run_id = serializers.CharField()
    status_url = serializers.CharField(help_text="Poll it every second or two until READY or FAILED.")


class ProvisioningErrorDetail(serializers.Serializer[Any]):
    """Why it FAILED."""

    code = serializers.CharField(help_text="Stable; one that you do not know counts as unknown_error.")
    message = serializers.CharField()
    retryable = serializers.BooleanField(help_text="Whether the same request may work later.")


class ChargerStatusResponse(serializers.Serializer[Any]):
    """How far the provisioning of one charger is. Says nothing about its CSMS: see `connection_state` for that."""

    charger_id = serializers.CharField()
    status = serializers.ChoiceField(ProvisioningStatus.choices)
    workflow_run_id = serializers.CharField(allow_null=True)
    error = ProvisioningErrorDetail(allow_null=True)
    provisioned_at = serializers.DateTimeField(allow_null=True)


class LocationChargerBulkAcceptedResponse(serializers.Serializer[Any]):
    """202 of a bulk create."""

    job_id = serializers.CharField()
    status = serializers.ChoiceField(ProvisioningStatus.choices)
    workflow_run_id = serializers.CharField()
    status_url = serializers.CharField(help_text="Poll it every second or two until READY or FAILED.")


class JobFailure(serializers.Serializer[Any]):
    """One charger that could not be provisioned."""

    identity = serializers.CharField()
    error = serializers.CharField()
    code = serializers.CharField()
    retryable = serializers.BooleanField()


class JobResults(serializers.Serializer[Any]):
    """What a finished job came to, in the order of its request."""

    created_count = serializers.IntegerField()
    failed_count = serializers.IntegerField()
    created = ChargerResponse(many=True)
    failed = JobFailure(many=True)


class JobProgress(serializers.Serializer[Any]):
    """How far a job is: of `total` chargers so many are created, held by a simulator, online at their CSMS, failed."""

    total = serializers.IntegerField()
    created = serializers.IntegerField()
    hosted = serializers.IntegerField()
    online = serializers.IntegerField()
    failed = serializers.IntegerField()


class JobResponse(serializers.Serializer[Any]):
    """A job in short."""

    job_id = serializers.CharField()
    job_type = serializers.ChoiceField(JobKind.choices)
    status = serializers.ChoiceField(ProvisioningStatus.choices)
    workflow_run_id = serializers.CharField()
    error = ProvisioningErrorDetail(allow_null=True)
    provisioned_at = serializers.DateTimeField(allow_null=True, help_text="When it became READY.")
    location_id = serializers.CharField(allow_null=True)
    created_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)
    progress = JobProgress(required=False, help_text="Only in lists, and while the job is PENDING or PROVISIONING.")


class LocationChargerBulkStatusResponse(JobResponse):
    """A job with its results, once it is READY or FAILED."""

    results = JobResults(allow_null=True)


class JobListQuery(PageQuery):
    """Filters of a list of jobs."""

    status = Choice(ProvisioningStatus.choices, required=False)
    location_id = serializers.CharField(required=False)


JobListResponse = page_serializer(JobResponse, "JobListResponse")
