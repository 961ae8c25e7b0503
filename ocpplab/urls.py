"""All addresses. No path of the API ends in a slash."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, path
from drf_spectacular.views import SpectacularJSONAPIView, SpectacularSwaggerView

from ocpplab.api.health import health

urlpatterns: list[URLPattern | URLResolver] = [
    path("health", health, name="health"),
    path("admin/", admin.site.urls),
    path("openapi.json", SpectacularJSONAPIView.as_view(), name="schema"),
    path("docs", SpectacularSwaggerView.as_view(url_name="schema"), name="docs"),
]

handler400 = "ocpplab.api.exceptions.bad_request"
handler403 = "ocpplab.api.exceptions.forbidden"
handler404 = "ocpplab.api.exceptions.not_found"
handler500 = "ocpplab.api.exceptions.server_error"

websocket_urlpatterns: list[URLPattern] = []
