"""Which connector a client means."""

import pytest

from chargers.services.commands_places import connector_number, evse_of

ONE = [["a"]]
TWO_SOCKETS = [["a"], ["b"]]  # two EVSEs with a connector each: numbers 1, 2
TWIN_CABLES = [["a", "b"], ["c", "d"]]  # two EVSEs with two connectors each: numbers 1, 2 and 3, 4


@pytest.mark.parametrize(
    ("evses", "evse_id", "connector_id", "number"),
    [
        (ONE, None, None, 1),
        (ONE, 1, 1, 1),
        (ONE, None, 2, None),
        (ONE, 2, None, None),
        (ONE, 2, 1, None),
        (TWO_SOCKETS, None, 2, 2),
        (TWO_SOCKETS, 2, None, 2),
        (TWO_SOCKETS, 2, 2, 2),  # OCPP 1.6's number of the connector
        (TWO_SOCKETS, 2, 1, 2),  # OCPP 2.0.1's: the first of EVSE 2
        (TWO_SOCKETS, 1, 2, None),
        (TWIN_CABLES, None, 4, 4),
        (TWIN_CABLES, 2, None, 3),
        (TWIN_CABLES, 2, 3, 3),
        (TWIN_CABLES, 2, 1, 3),
        (TWIN_CABLES, 2, 2, 4),
        (TWIN_CABLES, 1, 2, 2),
        (TWIN_CABLES, 1, 3, None),
        (TWIN_CABLES, 3, 1, None),
        (TWIN_CABLES, None, 5, None),
        (TWIN_CABLES, 0, 1, None),
        (TWIN_CABLES, None, 0, None),
        ([], None, None, None),
        ([[], ["a"]], 1, None, None),
    ],
)
def test_it_finds_the_connector_that_is_meant_or_none(evses, evse_id, connector_id, number):
    assert connector_number(evses, evse_id=evse_id, connector_id=connector_id) == number


def test_it_knows_the_evse_of_a_connector():
    assert [evse_of(TWIN_CABLES, number) for number in range(6)] == [None, 1, 1, 2, 2, None]
