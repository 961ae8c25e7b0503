"""`/health/live` and `/health/ready` on the public port: what an orchestrator asks, with the names of what is wrong."""

from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from ocpplab.common.metrics.door import OK, report
from ocpplab.common.metrics.readiness import Readiness

_ready = Readiness()


@require_safe
@never_cache
def live(request: HttpRequest) -> JsonResponse:
    """The process answers."""
    status, body = report({"process": OK})
    return JsonResponse(body, status=status)


@require_safe
@never_cache
def ready(request: HttpRequest) -> JsonResponse:
    """Database and broker answer, and the tables are this code's: 200, else 503."""
    status, body = report(_ready())
    return JsonResponse(body, status=status)
