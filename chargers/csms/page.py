"""GET /csms/: what the built-in CSMS is, and what this web process has seen of it."""

from collections.abc import Callable

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path
from django.views.decorators.http import require_safe

from .central import Central


def csms_urls(central: Central, connected: Callable[[], int]) -> list[URLPattern]:
    """The HTTP addresses of the built-in CSMS."""

    @require_safe
    def about(request: HttpRequest) -> HttpResponse:
        _check_enabled()
        seen = {
            "scheme": "wss" if request.is_secure() else "ws",
            "host": request.get_host(),
            "connected": connected(),
            "met": len(central.stations),
            "messages": central.messages,
            "breaches": central.breaches,
        }
        return render(request, "csms/about.html", seen)

    def station(_request: HttpRequest, key: str) -> HttpResponse:
        _check_enabled()
        text = "This is the address of a charger at the built-in CSMS: connect to it by WebSocket. See /csms/.\n"
        response = HttpResponse(text, status=426, content_type="text/plain; charset=utf-8")
        response["Upgrade"] = "websocket"
        return response

    return [path("csms", about), path("csms/", about, name="csms"), path("csms/<path:key>", station)]


def _check_enabled() -> None:
    if not settings.CSMS_ENABLED:
        raise Http404("the built-in CSMS is switched off")
