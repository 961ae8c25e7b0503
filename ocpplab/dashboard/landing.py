"""The landing page: `GET /`, for everybody."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.csrf import csrf_exempt

from ocpplab.api.exceptions import json_error


@csrf_exempt  # it changes nothing, and a POST must meet the API's 405, not an HTML page about cookies
def landing(request: HttpRequest) -> HttpResponse:
    """Say what this is and where to go on; the SDK reads it as text."""
    if request.method not in ("GET", "HEAD"):
        detail = f'Method "{request.method}" not allowed.'
        return json_error(405, detail, "method_not_allowed", {"Allow": "GET, HEAD"})
    return render(request, "landing.html", {"base": request.build_absolute_uri("/").rstrip("/")})
