"""Addresses of the locations, below `ocpp/`."""

from django.urls import path

from locations.api.views import LocationsView, LocationView

urlpatterns = [
    path("locations", LocationsView.as_view()),
    path("locations/<str:location_id>", LocationView.as_view()),
]
