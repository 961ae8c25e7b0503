"""GET /csms/: what the built-in CSMS is, and what this web process has seen of it."""

from collections.abc import Callable

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils.html import format_html
from django.views.decorators.http import require_safe

from .central import Central

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Built-in CSMS</title></head>
<body>
<h1>Built-in CSMS</h1>
<p><strong>For trying things; not a real backend.</strong> Every charger of this lab may connect to
<code>{scheme}://{host}/csms/&lt;identity&gt;</code> with the subprotocol <code>ocpp1.6</code> or
<code>ocpp2.0.1</code>. It accepts every id tag that the admin does not list otherwise, answers everything that a
charger may send, checks each frame against the official schema, and keeps the transactions that it saw. Set
<code>CSMS_ENABLED=0</code> to switch it off.</p>
<p>Anything may stand before the identity: <code>/csms/one/CP1</code> and <code>/csms/two/CP1</code> are two
stations.</p>
<table>
<caption>This web process since its start</caption>
<tr><th scope="row">stations connected</th><td>{connected}</td></tr>
<tr><th scope="row">stations met</th><td>{met}</td></tr>
<tr><th scope="row">messages received</th><td>{messages}</td></tr>
<tr><th scope="row">breaches of OCPP</th><td>{breaches}</td></tr>
</table>
</body></html>
"""


def csms_urls(central: Central, connected: Callable[[], int]) -> list[URLPattern]:
    """The HTTP addresses of the built-in CSMS."""

    @require_safe
    def about(request: HttpRequest) -> HttpResponse:
        _check_enabled()
        page = format_html(
            _PAGE,
            scheme="wss" if request.is_secure() else "ws",
            host=request.get_host(),
            connected=connected(),
            met=len(central.stations),
            messages=central.messages,
            breaches=central.breaches,
        )
        return HttpResponse(page)

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
