"""The form of a charger: the rules of the API, said before anything is written."""

from typing import Any

from django import forms

from chargers import rules
from chargers.errors import IdentityInUse
from chargers.models import Charger


class ChargerForm(forms.ModelForm[Charger]):
    """A charger to be made or changed. On an existing one identity, model and organization are not part of it."""

    class Meta:
        model = Charger
        fields = [
            "organization",
            "identity",
            "model",
            "connector_type",
            "name",
            "location",
            "location_name",
            "ws_url",
            "ocpp_version",
            "message_log",
        ]
        widgets = {"ws_url": forms.TextInput(attrs={"class": "vTextField"})}

    def clean_identity(self) -> str:
        """Apply the rule of identities, to what was typed and not to a trimmed form of it."""
        return _ruled(rules.identity_clean, self.cleaned_data["identity"])

    def clean_ws_url(self) -> str:
        """Apply the rule of addresses; one that stays may be of a time when it was allowed."""
        rule = rules.ws_url_dialable if "ws_url" in self.changed_data else rules.ws_url_clean
        return _ruled(rule, self.cleaned_data["ws_url"])

    def clean_name(self) -> str | None:
        """Store no name as null, as the API does."""
        return self.cleaned_data["name"] or None

    def clean_location_name(self) -> str | None:
        """Store no name as null, as the API does."""
        return self.cleaned_data["location_name"] or None

    def clean(self) -> dict[str, Any]:
        """Check what concerns several values: the owner of the location, and who else has the identity."""
        values = super().clean() or self.cleaned_data
        organization = values.get("organization") or (self.instance.organization if self.instance.pk else None)
        location = values.get("location")
        if organization is None:
            return values
        if location is not None and location.organization_id != organization.pk:
            self.add_error("location", "This location belongs to another organization.")
        identity = values.get("identity", self.instance.identity)
        ws_url = values.get("ws_url")
        if identity and ws_url and self._is_taken(organization.pk, identity, ws_url):
            self.add_error("ws_url", IdentityInUse(identity, ws_url).detail)
        return values

    def _is_taken(self, organization_id: Any, identity: str, ws_url: str) -> bool:
        others = Charger.objects.filter(organization_id=organization_id, identity=identity, ws_url=ws_url)
        return others.exclude(pk=self.instance.pk).exists()


def _ruled(rule: Any, value: str) -> str:
    try:
        return str(rule(value))
    except ValueError as error:
        raise forms.ValidationError(str(error)) from None
