"""Counting everything at once, for metrics: no tenant sees these."""

from dataclasses import dataclass

from django.db.models import Count, Q

from chargers.choices import TransactionState
from chargers.models import Charger, Command, SimulatorHost, Transaction
from chargers.models.command import UNSETTLED


@dataclass(frozen=True, slots=True)
class Totals:
    """How many rows there are: chargers by connection state, hosts and open commands by status."""

    chargers: dict[str, int]
    unclaimed: int
    hosts: dict[str, int]
    commands: dict[str, int]
    transactions: int


def totals() -> Totals:
    """Count: four queries, none of which grows with what is long over, but for the hosts and transactions."""
    states = Charger.objects.values_list("connection_state").annotate(
        total=Count("id"), unclaimed=Count("id", filter=Q(wanted=True, host__isnull=True))
    )
    chargers = {state: (total, unclaimed) for state, total, unclaimed in states.order_by()}
    hosts = SimulatorHost.objects.values_list("status").annotate(total=Count("id")).order_by()
    commands = Command.objects.filter(status__in=UNSETTLED).values_list("status").annotate(total=Count("id")).order_by()
    return Totals(
        chargers={state: total for state, (total, _) in chargers.items()},
        unclaimed=sum(unclaimed for _, unclaimed in chargers.values()),
        hosts=dict(hosts),
        commands=dict(commands),
        transactions=Transaction.objects.filter(state=TransactionState.RUNNING).count(),
    )
