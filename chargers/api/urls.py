"""Addresses of single chargers. The two collections are routed by `jobs.api.urls`, which adds POST to them."""

from django.urls import path

from chargers.api.commands_urls import urlpatterns as commands
from chargers.api.stop_views import LabSwitch
from chargers.api.views import ChargerDetail, ChargerLog, ResetCharger, StartCharger, StopCharger

urlpatterns = [
    path("ocpp/chargers/<str:charger_id>", ChargerDetail.as_view()),
    path("ocpp/chargers/<str:charger_id>/logs", ChargerLog.as_view()),
    path("ocpp/chargers/<str:charger_id>/start-charger", StartCharger.as_view()),
    path("ocpp/chargers/<str:charger_id>/stop-charger", StopCharger.as_view()),
    path("ocpp/chargers/<str:charger_id>/reset-charger", ResetCharger.as_view()),
    path("ocpp/lab/stop", LabSwitch.as_view()),
    *commands,
]
