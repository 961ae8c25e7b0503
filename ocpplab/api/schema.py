"""The OpenAPI document: what drf-spectacular cannot see by itself."""

from typing import Any, Literal

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers

from ocpplab.api.authentication import ORGANIZATION_HEADER, HasTenant


class HttpError(serializers.Serializer[Any]):
    """Body of every error but 422."""

    detail = serializers.CharField()
    code = serializers.CharField(help_text="Stable key of the error, for programs.")


class ValidationProblem(serializers.Serializer[Any]):
    """One problem of a request."""

    loc = serializers.ListField(
        child=serializers.JSONField(), help_text='Strings and integers; starts with "body", "query" or "path".'
    )
    msg = serializers.CharField()
    type = serializers.CharField()
    input = serializers.JSONField(required=False)
    ctx = serializers.DictField(required=False, help_text="The figures of the message, where there are any.")


class HttpValidationError(serializers.Serializer[Any]):
    """Body of 422."""

    detail = ValidationProblem(many=True)


class GatewaySchema(AutoSchema):
    """Adds the errors that every route can answer with, and the tenant header."""

    def _get_response_bodies(self, direction: Literal["request", "response"] = "response") -> Any:
        bodies: dict[str, Any] = super()._get_response_bodies(direction)
        if not self.view.permission_classes:
            return bodies
        for code, meaning in (("401", "No valid token"), ("403", "Wrong role or organization")):
            bodies.setdefault(code, self._error(HttpError, meaning))
        if "{" in self.path:
            bodies.setdefault("404", self._error(HttpError, "No such thing for this caller"))
        if self.view.throttle_classes:
            bodies.setdefault("429", self._error(HttpError, "Too much at once: wait as long as Retry-After says"))
        bodies.setdefault("422", self._error(HttpValidationError, "The request breaks the schema or its rules"))
        return bodies

    def _error(self, serializer: type[serializers.Serializer[Any]], meaning: str) -> dict[str, Any]:
        component = self.resolve_serializer(serializer(), "response")
        return {"content": {"application/json": {"schema": component.ref}}, "description": meaning}

    def get_summary(self) -> str | None:
        """Return the first sentence of the description, for lists of routes."""
        first, stop, _ = " ".join(self.get_description().split()).partition(". ")
        return (first + stop).rstrip(" .;") or None

    def get_override_parameters(self) -> list[Any]:
        """Name the header that admin tokens must send."""
        if HasTenant not in self.view.permission_classes:
            return []
        return [
            OpenApiParameter(
                ORGANIZATION_HEADER, str, OpenApiParameter.HEADER, description="Needed with an admin token only."
            )
        ]


class BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """Tells the OpenAPI document about the bearer token."""

    target_class = "ocpplab.api.authentication.BearerAuthentication"
    name = "bearer"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        """Return the security scheme."""
        return {"type": "http", "scheme": "bearer"}
