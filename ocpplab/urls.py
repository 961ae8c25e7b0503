"""All addresses. No path of the API ends in a slash."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path, re_path
from drf_spectacular.views import SpectacularJSONAPIView, SpectacularSwaggerSplitView

from chargers.csms.consumer import CsmsApplication, no_station
from chargers.csms.page import csms_urls
from chargers.selectors.identities import charger_identities_known
from ocpplab.api import probes
from ocpplab.api.health import HealthView
from ocpplab.dashboard.fleet import fleet
from ocpplab.dashboard.landing import landing

csms = CsmsApplication(known=charger_identities_known)

admin.site.enable_nav_sidebar = False  # wide tables need the room
admin.site.index_title = "The lab"

urlpatterns: list[URLPattern | URLResolver] = [
    path("", landing, name="landing"),
    path("health", HealthView.as_view(), name="health"),
    path("health/live", probes.live, name="health-live"),
    path("health/ready", probes.ready, name="health-ready"),
    path("fleet", fleet, name="fleet"),
    path("admin/", admin.site.urls),
    path("openapi.json", SpectacularJSONAPIView.as_view(), name="schema"),
    path("docs", SpectacularSwaggerSplitView.as_view(url_name="schema"), name="docs"),
    path("ocpp/catalog/", include("chargers.catalog.urls")),
    path("ocpp/", include("locations.api.urls")),
    path("", include("chargers.api.urls")),
    path("", include("jobs.api.urls")),
    *csms_urls(csms.central, lambda: len(csms.sockets)),
]

handler400 = "ocpplab.api.exceptions.bad_request"
handler403 = "ocpplab.api.exceptions.forbidden"
handler404 = "ocpplab.api.exceptions.not_found"
handler500 = "ocpplab.api.exceptions.server_error"

websocket_urlpatterns = [
    re_path(r"(?s)^csms/.+", csms),  # type: ignore[arg-type]  # an ASGI application
    re_path("", no_station),  # type: ignore[arg-type]
]
