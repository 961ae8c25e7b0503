"""What must be true after any chaos, and evidence when it is not.

Each job is final, each charger exists once and is online exactly once, by the lab's rows and by the CSMS's own view;
every command has an outcome; ledger and CSMS agree on every transaction; nobody was connected twice at any time.
"""

import time
from collections import Counter, defaultdict
from collections.abc import Iterable
from itertools import pairwise
from typing import Any

from django.db import connection
from ocpp.charge_point import camel_to_snake_case

from chargers.models import Charger, Command, Message, SimulatorHost, Transaction, TransactionMessage
from jobs.models import ProvisioningItem, ProvisioningJob
from tests.support.books import Seen, compare, kept_by_reference
from tests.support.chaos.csms import View
from tests.support.chaos.stack import Stack
from tests.support.reference_csms import Charge
from tests.support.waiting import eventually

#: seconds in which everything must be well after the last thing was broken; it takes ten on a machine that is free
RECOVERY = 180.0
SHOWN = 8  #: complaints, chargers and rows that are shown as evidence
LOG_ROWS = 40
#: numbers left out by a charger that was killed: a thousand (dialects.memory), less what the memory had not yet
FORGOTTEN = 500


def everything_is_well(stack: Stack, *, chargers: int, frozen: bool = False) -> None:
    """Wait until nothing is wrong; fail with what is.

    `frozen`: a process was paused beyond its lease. It cannot close the connections that it holds meanwhile, so its
    chargers may be connected twice as the network sees it; then nothing may be said on the older connection.
    """
    began = time.monotonic()
    seen: list[View] = []
    wrong: list[str] = ["not looked yet"]
    while wrong and time.monotonic() - began < RECOVERY:
        stack.tend()
        seen.append(stack.csms.view())
        wrong = complaints(stack, seen[-1], chargers=chargers)
        if not wrong and (len(seen) < 2 or seen[-1].opened != seen[-2].opened):
            wrong = [f"connections still come: {seen[-1].opened}"]
        time.sleep(0.5)
    stack.say(f"{'all is well' if not wrong else 'not well'} after {time.monotonic() - began:.1f} s")
    wrong += [*past_complaints(seen[-1], frozen=frozen), *stack.deaths]
    if wrong:
        _show_evidence(stack, seen[-1])
        raise AssertionError(f"{len(wrong)} things are wrong:\n" + "\n".join(wrong[: 2 * SHOWN]))


def complaints(stack: Stack, view: View, *, chargers: int) -> list[str]:
    """What is wrong now and may come right."""
    return [*_jobs(stack.jobs), *_fleet(view, chargers), *_commands(), *_books(stack)]


def past_complaints(view: View, *, frozen: bool = False) -> list[str]:
    """What was wrong at any time, by the CSMS's own view."""
    wrong = [f"it said this on a connection left behind: {voice}" for voice in view.stale_voices]
    if not frozen:
        wrong += [f"connected twice: {overlap}" for overlap in view.overlaps]
    return wrong + view.complaints


def charging_has_ended(stack: Stack) -> None:
    """Order all that charge to stop, again and again until they have: an order may be lost with its host."""

    def ended() -> bool:
        running = Transaction.objects.filter(state="running").values("charger_id")
        charging = list(Charger.objects.filter(id__in=running))
        if charging:
            stack.order(charging, "stop_session", connector=1)
        return not charging

    eventually(ended, timeout=RECOVERY, every=2.0, what="nobody charges any more")


def _jobs(jobs: Iterable[ProvisioningJob]) -> list[str]:
    wrong = []
    for job in jobs:
        job.refresh_from_db()
        items = Counter(ProvisioningItem.objects.filter(job=job).values_list("status", flat=True))
        if job.status != "READY" or items != {"held": job.total}:
            wrong.append(f"job {job.id} of {job.total} is {job.status} {job.error_code}, its items are {dict(items)}")
    return wrong


def _fleet(view: View, chargers: int) -> list[str]:
    rows = list(
        Charger.objects.values_list("identity", "connection_state", "provisioning_status", "host__status").order_by(
            "id"
        )
    )
    wrong = [] if len(rows) == chargers else [f"there are {len(rows)} chargers, not {chargers}"]
    identities = Counter(row[0] for row in rows)
    wrong += [f"{identity} exists {count} times" for identity, count in identities.items() if count > 1]
    wrong += [f"{row[0]} is {row[1:]}" for row in rows if row[1:] != ("online", "READY", "live")]
    wrong += [
        f"{identity} has {view.sockets.get(identity, 0)} connections"
        for identity in identities.keys() | view.sockets.keys()
        if view.sockets.get(identity, 0) != (identity in identities)
    ]
    return wrong


def _commands() -> list[str]:
    unsettled = Command.objects.filter(status__in=["queued", "running"]).values_list("kind", "status", "charger_id")
    return [f"command without an outcome: {row}" for row in unsettled]


def _books(stack: Stack) -> list[str]:
    """Ledger and CSMS, transaction by transaction."""
    told = stack.csms.books()
    ledger = _ledger()
    wrong = []
    for identity in sorted(told.keys() | ledger.keys()):
        lived = ledger.get(identity, [])
        wrong += [f"{identity}: {text}" for one in lived for text in _unfinished(one)]
        wrong += [f"{identity}: {text}" for text in compare(lived, [_seen(one) for one in told.get(identity, [])])]
    return wrong


def _ledger() -> dict[str, list[Seen]]:
    messages: dict[Any, list[TransactionMessage]] = defaultdict(list)
    for message in TransactionMessage.objects.order_by("sequence"):
        messages[message.transaction_id].append(message)
    book: dict[str, list[Seen]] = defaultdict(list)
    for row in Transaction.objects.select_related("charger").order_by("started_at"):
        accepted = [one for one in messages[row.id] if one.accepted_at is not None]
        book[row.charger.identity].append(
            Seen(
                id=row.csms_id or None,
                connector=row.connector,
                tag=row.id_tag,
                started_at=row.started_at.timestamp(),
                meter_start=row.meter_start,
                stopped_at=row.stopped_at and row.stopped_at.timestamp(),
                meter_stop=row.meter_stop,
                reason=row.reason or None,
                last_wh=row.meter_wh,
                messages=[(one.sequence, one.action) for one in accepted],
                dropped=len(messages[row.id]) - len(accepted),
            )
        )
    return book


def _unfinished(one: Seen) -> list[str]:
    wrong = []
    if one.stopped_at is None:
        wrong.append(f"transaction {one.id} goes on")
    if one.dropped:
        wrong.append(f"{one.dropped} messages of transaction {one.id} were dropped")
    numbers = [number for number, _ in one.messages]
    # A charger that was killed goes on counting a thousand later, beyond all that it may have said and forgotten.
    if any(1 < after - before < FORGOTTEN for before, after in pairwise(numbers)):
        wrong.append(f"messages of transaction {one.id} are missing: {one.messages}")
    return wrong


def _seen(told: dict[str, Any]) -> Seen:
    start, stop = (camel_to_snake_case(told[key]) if told[key] else None for key in ("start", "stop"))
    return kept_by_reference(Charge(told["id"], start, [(at, wh) for at, wh in told["samples"]], stop))


def _show_evidence(stack: Stack, view: View) -> None:
    """Print what a reader of the report wants to see next."""
    connection.close()
    print(f"overlaps ({len(view.overlaps)}): {view.overlaps[:SHOWN]}")
    for host in SimulatorHost.objects.order_by("started_at"):
        held = Charger.objects.filter(host=host).count()
        print(
            f"host {host.name}, pid {host.pid}: {host.status}, beat {host.beat_at}, gone {host.gone_at}, holds {held}"
        )
    states = Counter(Charger.objects.values_list("connection_state", "provisioning_status", "host__name"))
    print(f"chargers: {dict(states)}")
    told, ledger = stack.csms.books(), _ledger()
    suspects = [
        charger
        for charger in Charger.objects.select_related("host").order_by("id")
        if charger.connection_state != "online"
        or view.sockets.get(charger.identity, 0) != 1
        or compare(ledger.get(charger.identity, []), [_seen(one) for one in told.get(charger.identity, [])])
    ]
    for charger in suspects[:SHOWN]:
        print(f"--- {charger.identity}: {charger.connection_state}, {charger.connection_error!r}, host {charger.host},")
        print(f"    epoch {charger.lease_epoch}, {view.sockets.get(charger.identity, 0)} connections")
        for one in ledger.get(charger.identity, []):
            print(f"    lived {one}")
        for charge in told.get(charger.identity, []):
            print(f"    told  {_seen(charge)}")
        for row in reversed(Message.objects.filter(charger=charger).order_by("-at", "-id")[:LOG_ROWS]):
            print(f"    {row.at:%H:%M:%S.%f} {row.direction} {row.message[:160]}")
