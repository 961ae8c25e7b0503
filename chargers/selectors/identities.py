"""Which OCPP identities the lab has."""

from collections.abc import Collection

from chargers.models import Charger


def charger_identities_known(identities: Collection[str]) -> set[str]:
    """Those of `identities` that a charger of any organization bears, in one query."""
    return set(Charger.objects.filter(identity__in=identities).values_list("identity", flat=True).distinct())
