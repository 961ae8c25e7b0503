"""Asking for chargers, and the jobs that bring them up."""

import uuid

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from chargers.api.location_views import LocationChargers
from chargers.api.views import ChargerCollection
from chargers.choices import MessageLog, OcppVersion
from chargers.errors import UnknownLocation
from chargers.selectors import charger_get, location_get
from chargers.services.provisioning import NewCharger
from jobs.api.bodies import (
    charger_accepted_body,
    charger_status_body,
    job_accepted_body,
    job_body,
    job_status_body,
)
from jobs.api.requests import groups_of, idempotency_key, model_of
from jobs.api.serializers import (
    ChargerAcceptedResponse,
    ChargerGroup,
    ChargerStatusResponse,
    CreateChargerRequest,
    JobListQuery,
    JobListResponse,
    LocationChargerBulkAcceptedResponse,
    LocationChargerBulkStatusResponse,
)
from jobs.models import ProvisioningJob
from jobs.selectors import job_get, job_of_charger, jobs_counts, jobs_list
from jobs.services import charger_request, job_cancel, job_create, job_retry_failed
from locations.models import Location
from ocpplab.api.fields import as_uuid
from ocpplab.api.pagination import paged
from ocpplab.api.schema import HttpError
from ocpplab.api.views import GatewayView, body, query

KEY = OpenApiParameter(
    "Idempotency-Key",
    str,
    OpenApiParameter.HEADER,
    description="A repeated request with the same key is answered with the first one's job. At most 255 characters.",
)


class Chargers(ChargerCollection):
    """`/ocpp/chargers`, with create."""

    @extend_schema(
        operation_id="chargers_create",
        tags=["chargers"],
        parameters=[KEY],
        request=CreateChargerRequest,
        responses={202: ChargerAcceptedResponse, 400: HttpError, 503: HttpError},
    )
    def post(self, request: Request) -> Response:
        """Accept a single charger; poll `status_url` for what becomes of it."""
        asked = body(CreateChargerRequest, request)
        new = NewCharger(
            organization_id=self.organization.id,
            identity=asked["identity"],
            name=asked.get("charge_point_name") or None,
            model_id=model_of(asked).id,
            connector_type=asked["connector_type"],
            ocpp_version=asked.get("ocpp_version") or OcppVersion.V16,
            ws_url=asked["ws_url"],
            location_id=self._location_id(asked.get("location_id")),
            location_name=asked.get("location_name") or None,
            message_log=asked.get("message_log") or MessageLog.ALL,
        )
        job, charger = charger_request(
            organization=self.organization, new=new, idempotency_key=idempotency_key(request)
        )
        return Response(charger_accepted_body(job, charger), status=status.HTTP_202_ACCEPTED)

    def _location_id(self, text: str | None) -> uuid.UUID | None:
        if text is None:
            return None
        location_id = as_uuid(text)
        if location_id is None or not Location.objects.filter(organization=self.organization, pk=location_id).exists():
            raise UnknownLocation(text)
        return location_id


class ChargerStatus(GatewayView):
    """`/ocpp/chargers/{charger_id}/status`."""

    @extend_schema(operation_id="chargers_get_status", tags=["chargers"], responses=ChargerStatusResponse)
    def get(self, request: Request, charger_id: str) -> Response:
        """Say how far the charger's provisioning is."""
        charger = charger_get(organization=self.organization, charger_id=charger_id)
        return Response(charger_status_body(charger, job_of_charger(charger.pk)))


class LocationChargersWithCreate(LocationChargers):
    """`/ocpp/locations/{location_id}/chargers`, with bulk create."""

    @extend_schema(
        operation_id="location_chargers_create",
        tags=["location_chargers"],
        parameters=[KEY],
        request=ChargerGroup(many=True),
        responses={202: LocationChargerBulkAcceptedResponse, 503: HttpError},
    )
    def post(self, request: Request, location_id: str) -> Response:
        """Accept groups of chargers; poll `status_url` for what becomes of them."""
        location = location_get(organization=self.organization, location_id=location_id)
        groups = groups_of(body(ChargerGroup, request, many=True, allow_empty=False))
        job, _ = job_create(location=location, groups=groups, idempotency_key=idempotency_key(request))
        return Response(job_accepted_body(job), status=status.HTTP_202_ACCEPTED)


class JobView(GatewayView):
    """One job, below its location or by itself."""

    def job(self, job_id: str, location_id: str | None = None) -> ProvisioningJob:
        """Find the job. Raises 404 for an unknown job or location."""
        if location_id is None:
            return job_get(self.organization, as_uuid(job_id))
        location = location_get(organization=self.organization, location_id=location_id)
        return job_get(self.organization, as_uuid(job_id), location_id=location.id)


class LocationJob(JobView):
    """`/ocpp/locations/{location_id}/chargers/jobs/{job_id}`."""

    @extend_schema(
        operation_id="location_chargers_get_bulk_job",
        tags=["location_chargers"],
        responses=LocationChargerBulkStatusResponse,
    )
    def get(self, request: Request, location_id: str, job_id: str) -> Response:
        """Return the job, with `progress` while it runs and `results` when it is READY or FAILED."""
        return Response(job_status_body(self.job(job_id, location_id)))


class Jobs(GatewayView):
    """`/ocpp/jobs`."""

    @extend_schema(operation_id="jobs_list", tags=["jobs"], parameters=[JobListQuery], responses=JobListResponse)
    def get(self, request: Request) -> Response:
        """List the organization's jobs, newest first."""
        asked = query(JobListQuery, request)
        rows = jobs_list(self.organization, status=asked.get("status"))
        if (text := asked.get("location_id")) is not None:
            location_id = as_uuid(text)
            rows = rows.none() if location_id is None else rows.filter(location_id=location_id)
        page, limit = asked["page"], asked["limit"]
        counts = jobs_counts(list(rows.values_list("id", flat=True)[(page - 1) * limit : page * limit]))
        return paged(rows, lambda job: job_body(job, counts.get(job.id)), page=page, limit=limit)


class Job(JobView):
    """`/ocpp/jobs/{job_id}`."""

    @extend_schema(operation_id="jobs_get", tags=["jobs"], responses=LocationChargerBulkStatusResponse)
    def get(self, request: Request, job_id: str) -> Response:
        """Return the job, with `progress` while it runs and `results` when it is READY or FAILED."""
        return Response(job_status_body(self.job(job_id)))


class JobCancel(JobView):
    """`…/jobs/{job_id}/cancel`."""

    @extend_schema(tags=["jobs"], request=None, responses={200: LocationChargerBulkStatusResponse, 400: HttpError})
    def post(self, request: Request, job_id: str, location_id: str | None = None) -> Response:
        """End the job now: chargers that are up stay, all others are listed in `failed` with code `cancelled`."""
        job = self.job(job_id, location_id)
        job_cancel(job_id=job.id)
        return Response(job_status_body(self.job(job_id, location_id)))


class JobRetry(JobView):
    """`…/jobs/{job_id}/retry`."""

    @extend_schema(
        tags=["jobs"], request=None, responses={202: LocationChargerBulkStatusResponse, 400: HttpError, 503: HttpError}
    )
    def post(self, request: Request, job_id: str, location_id: str | None = None) -> Response:
        """Try the failed chargers of a finished job again."""
        job = self.job(job_id, location_id)
        job_retry_failed(job_id=job.id)
        return Response(job_status_body(self.job(job_id, location_id)), status=status.HTTP_202_ACCEPTED)
