"""Do the chargers' ledger and the built-in CSMS agree? Two books by code that shares nothing but the protocol."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from django.db.models import Count, Q

from chargers.choices import TransactionState
from chargers.csms.address import PREFIX
from chargers.csms.models import SeenTransaction
from chargers.models import Charger, Transaction
from chargers.protocol import parse_time

_TOLD: Final = 0.001  #: seconds: messages tell whole milliseconds, what is below is cut off
_ROUNDING: Final = 0.00001  #: seconds, of the numbers


@dataclass(slots=True)
class Reconciliation:
    """How far the books agree.

    `running` transactions have not ended for the charger; `untold` have messages that the CSMS has not accepted yet.
    `complaints` say in words what does not agree; with nothing running and nothing untold there should be none.
    """

    transactions: int = 0
    running: int = 0
    untold: int = 0
    energy_wh: int = 0
    messages: int = 0
    complaints: list[str] = field(default_factory=list)


def transactions_reconcile(*, since: datetime | None = None) -> Reconciliation:
    """Compare all transactions of chargers of the built-in CSMS, or those that began at or after `since`.

    Looked at for each: that the CSMS has it exactly once, under the number that the charger knows; the same connector,
    tag, times, registers and reason on both sides; start and stop accepted; no accepted message missing at the CSMS;
    no register that fell and no time that ran back.
    """
    result = Reconciliation()
    stations = dict(_stations())
    rows = Transaction.objects.filter(charger_id__in=stations).annotate(
        accepted=Count("messages", filter=Q(messages__accepted_at__isnull=False)),
        starts=Count("messages", filter=Q(messages__action="StartTransaction", messages__accepted_at__isnull=False)),
        stops=Count("messages", filter=Q(messages__action="StopTransaction", messages__accepted_at__isnull=False)),
    )
    if since is not None:
        rows = rows.filter(started_at__gte=since)
    seen = _seen(set(stations.values()), since)
    for row in rows.order_by("started_at", "id").iterator(chunk_size=2000):
        _compare(result, row, stations[row.charger_id], seen)
    for (station, number), other in sorted(seen.items(), key=lambda item: item[0]):
        if other.started_at is None:
            result.complaints.append(f"{station}: the CSMS heard of transaction {number} but not of its start")
        else:
            result.complaints.append(f"{station}: no charger lived transaction {number}")
    return result


def _stations() -> Iterator[tuple[int, str]]:
    """The chargers of the built-in CSMS that speak 1.6, and the key of each there."""
    chargers = Charger.objects.filter(ws_url__contains=PREFIX.rstrip("/"), ocpp_version="OCPP1.6")
    for pk, address, identity in chargers.values_list("id", "ws_url", "identity"):
        path = f"{unquote(urlsplit(address).path).rstrip('/')}/{identity}"
        if path.startswith(PREFIX):
            yield pk, path.removeprefix(PREFIX)


def _seen(stations: set[str], since: datetime | None) -> dict[tuple[str, str], SeenTransaction]:
    found = {}
    for one in SeenTransaction.objects.filter(version="OCPP1.6", station__in=stations).iterator(chunk_size=2000):
        began = parse_time(one.started_at) if one.started_at is not None else None
        if since is None or began is None or began >= since.timestamp():
            found[one.station, one.transaction_id] = one
    return found


def _compare(result: Reconciliation, row: Any, station: str, seen: dict[tuple[str, str], SeenTransaction]) -> None:
    result.transactions += 1
    result.messages += row.accepted
    running = row.state == TransactionState.RUNNING
    result.running += running
    if not row.csms_id or not row.starts or (not running and not row.stops):
        result.untold += 1
    other = seen.pop((station, row.csms_id), None)
    if other is None:
        if row.csms_id:
            result.complaints.append(f"{station}: the CSMS does not know transaction {row.csms_id}, {row.id}")
        return
    if not running:
        result.energy_wh += row.meter_stop - row.meter_start
    result.complaints += [f"{station}, transaction {row.csms_id}: {text}" for text in _differences(row, other)]


def _differences(row: Any, other: SeenTransaction) -> Iterator[str]:
    pairs = [
        ("connector", str(row.connector), other.connector),
        ("id tag", row.id_tag, other.id_token),
        ("meter start", row.meter_start, other.meter_start),
    ]
    if row.stops:
        pairs += [("meter stop", row.meter_stop, other.meter_stop), ("reason", row.reason, other.reason)]
        if not _same_time(row.stopped_at, other.stopped_at):
            yield f"it ended {row.stopped_at} for the charger, {other.stopped_at} for the CSMS"
    if not _same_time(row.started_at, other.started_at):
        yield f"it began {row.started_at} for the charger, {other.started_at} for the CSMS"
    for name, here, there in pairs:
        if here != there:
            yield f"{name} is {here} for the charger, {there} for the CSMS"
    if row.starts > 1 or row.stops > 1:
        yield f"{row.starts} starts and {row.stops} stops were accepted"
    if other.messages < row.accepted:
        yield f"the CSMS accepted {row.accepted} messages and has {other.messages}"
    if other.disorders:
        yield other.last_disorder


def _same_time(moment: datetime | None, text: str | None) -> bool:
    told = parse_time(text) if text is not None else None
    if moment is None or told is None:
        return moment is None and told is None
    return -_ROUNDING < moment.timestamp() - told < _TOLD + _ROUNDING
