"""Which connector a client means: EVSE and connector numbers of the API against the layout of a charger's model."""

from collections.abc import Sequence
from typing import Any


def connector_number(
    evses: Sequence[Sequence[Any]], *, evse_id: int | None = None, connector_id: int | None = None
) -> int | None:
    """Return the charger's own number of a connector, counted from 1 over all EVSEs; None when there is no such.

    Neither given is the first connector of the charger. `connector_id` alone is the charger's own number, which is the
    connectorId of OCPP 1.6; `evse_id` alone the first connector of that EVSE. With both, `connector_id` is the
    charger's own number if that connector is at this EVSE, and else counts within the EVSE as OCPP 2.0.1 does.
    """
    firsts = [1]
    for evse in evses:
        firsts.append(firsts[-1] + len(evse))
    if evse_id is None:
        number = 1 if connector_id is None else connector_id
        return number if 1 <= number < firsts[-1] else None
    if not 1 <= evse_id < len(firsts):
        return None
    first, end = firsts[evse_id - 1], firsts[evse_id]
    if connector_id is None:
        return first if first < end else None
    if first <= connector_id < end:
        return connector_id
    within = first + connector_id - 1
    return within if first <= within < end else None


def evse_of(evses: Sequence[Sequence[Any]], number: int) -> int | None:
    """Return the number of the EVSE that a connector is at, by the charger's own number of the connector."""
    end = 1
    for evse_id, evse in enumerate(evses, 1):
        end += len(evse)
        if 1 <= number < end:
            return evse_id
    return None
