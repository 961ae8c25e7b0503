"""The emergency switch of the lab, for admin tokens."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from chargers.models import LabStop
from chargers.selectors.stops import sessions_held, stop_current
from chargers.services.stopping import lab_resume, lab_stop
from ocpplab.api.authentication import IsAdmin
from ocpplab.api.views import body


class StopRequest(serializers.Serializer[Any]):
    """Why the lab is stopped."""

    reason = serializers.CharField(
        required=False,
        allow_blank=True,
        max_length=300,
        default="",
        help_text="Everybody who looks at the lab reads it.",
    )


class StopBody(serializers.Serializer[LabStop]):
    """The stop that holds."""

    since = serializers.DateTimeField(source="started_at")
    by = serializers.CharField(source="started_by")
    reason = serializers.CharField()


class SwitchBody(serializers.Serializer[Any]):
    """Whether the lab is stopped, and how many chargers hosts hold: none some seconds after a stop."""

    stopped = serializers.BooleanField()
    stop = StopBody(allow_null=True)
    sessions = serializers.IntegerField()


class LabSwitch(APIView):
    """`/ocpp/lab/stop`. Never held up by a limit of requests: this is what one needs when everything is too much."""

    permission_classes = [IsAdmin]
    throttle_classes = []

    @extend_schema(operation_id="lab_get_stop", tags=["lab"], responses=SwitchBody)
    def get(self, request: Request) -> Response:
        """Say whether the lab is stopped, since when, by whom and why."""
        return _answer()

    @extend_schema(operation_id="lab_stop", tags=["lab"], request=StopRequest, responses=SwitchBody)
    def post(self, request: Request) -> Response:
        """Stop the lab: all hosts power off all chargers within seconds and take none until it is resumed.

        A lab that is stopped already stays so, with its first reason.
        """
        lab_stop(by=_by(request), reason=body(StopRequest, request)["reason"])
        return _answer()

    @extend_schema(operation_id="lab_resume", tags=["lab"], responses={200: SwitchBody})
    def delete(self, request: Request) -> Response:
        """Let the lab go on: the chargers that are wanted come back. Does nothing when it is not stopped."""
        lab_resume(by=_by(request))
        return _answer()


def _by(request: Request) -> str:
    caller: Any = request.user
    return f"token {caller.token}"


def _answer() -> Response:
    stop = stop_current()
    state = {"stopped": stop is not None, "stop": stop, "sessions": sessions_held()}
    return Response(SwitchBody(state).data)
