"""What every view of the API stands on."""

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.views import APIView

from ocpplab.accounts.models import Organization
from ocpplab.api.exceptions import problems_of
from ocpplab.common.errors import Invalid

_LISTS = (serializers.ListField, serializers.MultipleChoiceField)


class GatewayView(APIView):
    """A view on the data of one organization."""

    @property
    def organization(self) -> Organization:
        """Return the organization that this call acts on; the permission `HasTenant` has found it."""
        found: Organization = self.request.organization  # type: ignore[attr-defined]
        return found


def body(serializer: type[serializers.BaseSerializer[Any]], request: Request, **options: Any) -> Any:
    """Validate the body; `many=True` and `partial=True` as in DRF. Raises `Invalid` (422)."""
    bound = serializer(data=request.data, **options)
    bound.is_valid(raise_exception=True)
    return bound.validated_data


def query(serializer: type[serializers.BaseSerializer[Any]], request: Request) -> Any:
    """Validate the query arguments. Raises `Invalid` (422) whose `loc` starts with `query`.

    DRF would read them as an HTML form, where an empty value counts as absent and an absent flag as false.
    """
    given = request.query_params
    fields = getattr(serializer(), "fields", {})
    data = {name: given.getlist(name) if isinstance(fields.get(name), _LISTS) else given[name] for name in given}
    bound = serializer(data=data)
    try:
        bound.is_valid(raise_exception=True)
    except serializers.ValidationError as error:
        raise Invalid(*problems_of(error.get_full_details(), source="query")) from None
    return bound.validated_data
