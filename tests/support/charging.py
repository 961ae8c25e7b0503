"""What tests of charging with real simulator processes ask: orders, the ledger, and whether both books agree."""

from collections.abc import Iterator
from typing import Any

from chargers.models import Charger, Transaction
from chargers.services.commands import Outcome, command_send
from tests.support.host import states
from tests.support.reference_csms import Charge, ReferenceCsms
from tests.support.waiting import eventually


def online(count: int = 1) -> None:
    eventually(lambda: states() == {"online": count}, timeout=40)


def order(charger: Charger, kind: str, **data: Any) -> Outcome:
    outcome = command_send(charger=charger, kind=kind, data=data, wait=5.0)
    assert outcome.ok, outcome
    return outcome


def running(charger: Charger) -> Transaction:
    """The charger's only running transaction, once the CSMS has accepted its start."""
    return eventually(lambda: Transaction.objects.filter(charger=charger, state="running").exclude(csms_id="").first())


def stopped(transaction: Transaction) -> Transaction:
    """The same transaction, once the CSMS has accepted its end."""
    done = Transaction.objects.filter(
        id=transaction.id, messages__action="StopTransaction", messages__accepted_at__isnull=False
    )
    return eventually(done.first, timeout=40)


def disagreements(csms: ReferenceCsms, chargers: list[Charger]) -> list[str]:
    """Where the books differ: transactions that one side only knows, or knows otherwise."""
    found = []
    for charger in chargers:
        charges = dict(csms.station(charger.identity).charges)
        rows = {row.csms_id: row for row in Transaction.objects.filter(charger=charger)}
        found += [f"{charger.identity}: the ledger lacks {number}" for number in charges if str(number) not in rows]
        for number, row in rows.items():
            charge = charges.get(int(number or 0))
            found += [f"{charger.identity} {number}: {text}" for text in differences(row, charge)]
    return found


def differences(row: Transaction, charge: Charge | None) -> Iterator[str]:
    if charge is None or charge.start is None:
        yield f"the CSMS never heard of {row.id}, {row.state}"
    elif charge.stop is None or row.state != "stopped":
        yield f"one side thinks that it goes on: {row.state}, {charge.stop}"
    else:
        meters = (row.meter_start, row.meter_stop)
        told = (charge.start["meter_start"], charge.stop["meter_stop"])
        if meters != told:
            yield f"{meters} Wh here, {told} Wh there"
        registers = [told[0], *(wh for _, wh in charge.samples), told[1]]
        if registers != sorted(registers):
            yield f"the register fell: {registers}"
