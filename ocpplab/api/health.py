"""Reachability: `GET /health`."""

from django.db import OperationalError, connection
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from ocpplab.common.errors import Unavailable


class HealthView(APIView):
    """A probe: no token is needed, and none is looked at."""

    authentication_classes = []
    permission_classes = []

    @extend_schema(
        operation_id="health_check",
        tags=["health"],
        auth=[],
        responses={200: {"type": "object", "additionalProperties": {"type": "string"}}},
    )
    def get(self, request: Request) -> Response:
        """Say that the process answers and the database does; every value is a string."""
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1")
        except OperationalError:
            raise Unavailable("The database does not answer.", code="database_unavailable") from None
        return Response({"status": "ok"})
