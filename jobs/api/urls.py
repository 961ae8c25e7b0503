"""Addresses of jobs, and of the two collections of chargers, to which this app adds create."""

from django.urls import path

from jobs.api.views import (
    Chargers,
    ChargerStatus,
    Job,
    JobCancel,
    JobRetry,
    Jobs,
    LocationChargersWithCreate,
    LocationJob,
)

OF_LOCATION = "ocpp/locations/<str:location_id>/chargers"

urlpatterns = [
    path("ocpp/chargers", Chargers.as_view()),
    path("ocpp/chargers/<str:charger_id>/status", ChargerStatus.as_view()),
    path(OF_LOCATION, LocationChargersWithCreate.as_view()),
    path(f"{OF_LOCATION}/jobs/<str:job_id>", LocationJob.as_view()),
    path(f"{OF_LOCATION}/jobs/<str:job_id>/cancel", JobCancel.as_view()),
    path(f"{OF_LOCATION}/jobs/<str:job_id>/retry", JobRetry.as_view()),
    path("ocpp/jobs", Jobs.as_view()),
    path("ocpp/jobs/<str:job_id>", Job.as_view()),
    path("ocpp/jobs/<str:job_id>/cancel", JobCancel.as_view()),
    path("ocpp/jobs/<str:job_id>/retry", JobRetry.as_view()),
]
