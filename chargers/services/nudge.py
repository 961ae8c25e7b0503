"""Telling the simulator hosts that there is something to look at."""

from django.db import transaction

from chargers.simulator import wire


def nudge() -> None:
    """Hint every live host to look at its chargers once the transaction has committed.

    Only a hint: hosts look by themselves every few seconds, so nothing depends on its arrival.
    """
    transaction.on_commit(wire.look, robust=True)
