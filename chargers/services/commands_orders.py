"""Orders in the words of the API, before they become commands: what can be refused at once is refused here.

A command that was queued is the charger's to refuse; what is certain beforehand (a version that cannot do it, a
connector that the model does not have) leaves no row behind.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from chargers.choices import CommandStatus, OcppVersion
from chargers.errors import CommandRefused
from chargers.models import Charger, Command
from chargers.models.command import UNSETTLED
from chargers.services.commands import WAIT_MOST, FanOut, NotQueued, Outcome, Queued, command_send, commands_fan_out
from chargers.services.commands_places import connector_number
from chargers.services.commands_words import sentence
from chargers.simulator.dialects.registry import dialect_of

#: IdToken: CiString20 in 1.6 (Part 1 §7.28), identifierString[36] in 2.0.1
_TAG_MAX: Final = {OcppVersion.V16: 20, OcppVersion.V201: 36}


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is ordered: the `kind` of intent and its arguments.

    `placed` tells that it concerns a connector, which `evse_id` and `connector_id` name as the API does; its number is
    added to the arguments as `connector`.
    """

    kind: str
    data: dict[str, Any] = field(default_factory=dict)
    placed: bool = False
    evse_id: int | None = None
    connector_id: int | None = None


def order_send(*, charger: Charger, order: Order) -> str:
    """Give an order to one charger without waiting; return the command's id.

    Raises `CommandRefused`, or `ChargerNotRunning` when no simulator holds the charger. Nothing is written then.
    """
    return command_send(charger=charger, kind=order.kind, data=_checked(charger, order)).command_id


def order_settle(*, charger: Charger, order: Order, passing: frozenset[str] = frozenset()) -> Outcome:
    """Give an order to one charger and wait for its outcome, `WAIT_MOST` seconds at most.

    Raises `ChargerNotRunning`, and `CommandRefused` with the charger's code when it did not do it, when the outcome is
    lost (`host_lost`) and when none came in time (`no_outcome`; the command may still be carried out). Failures whose
    code is among `passing` are returned.
    """
    outcome = command_send(charger=charger, kind=order.kind, data=_checked(charger, order), wait=WAIT_MOST)
    if outcome.ok or (outcome.status is CommandStatus.FAILED and outcome.code in passing):
        return outcome
    if outcome.status in UNSETTLED:
        detail = f"{sentence('no_outcome')} Ask GET /ocpp/commands/{outcome.command_id} later."
        raise CommandRefused(detail, code="no_outcome")
    raise CommandRefused(sentence(outcome.code, outcome.data), code=outcome.code)


def state_ask(*, charger: Charger) -> dict[str, Any]:
    """Ask a running charger how it is. It is a question and no order: no command is left behind.

    Raises `ChargerNotRunning` and `CommandRefused` as `order_settle` does.
    """
    data = _checked(charger, Order(kind="state"))
    outcome = command_send(charger=charger, kind="state", data=data, wait=WAIT_MOST)
    Command.objects.filter(pk=outcome.command_id).delete()
    if outcome.ok:
        return outcome.data
    code = "no_outcome" if outcome.status in UNSETTLED else outcome.code
    raise CommandRefused(sentence(code, outcome.data), code=code, retryable=True)


def orders_fan_out(*, chargers: Sequence[Charger], order: Order) -> FanOut:
    """Give an order to many chargers without waiting; who cannot be ordered is in `failed`. Both in the order given."""
    batches: dict[int | None, list[Charger]] = defaultdict(list)
    failed: dict[int, NotQueued] = {}
    for charger in chargers:
        try:
            batches[_checked(charger, order).get("connector")].append(charger)
        except CommandRefused as refused:
            failed[charger.pk] = NotQueued(charger=charger, code=refused.code, detail=refused.detail)
    queued: dict[int, Queued] = {}
    # One batch, but for an EVSE's connector that has different numbers on different models.
    for number, batch in batches.items():
        data = order.data if number is None else order.data | {"connector": number}
        done = commands_fan_out(chargers=batch, kind=order.kind, data=data)
        queued |= {one.charger.pk: one for one in done.queued}
        failed |= {one.charger.pk: one for one in done.failed}
    return FanOut(
        queued=[queued[charger.pk] for charger in chargers if charger.pk in queued],
        failed=[failed[charger.pk] for charger in chargers if charger.pk in failed],
    )


def _checked(charger: Charger, order: Order) -> dict[str, Any]:
    """Return the arguments of an order for one charger. Raises `CommandRefused`."""
    version = OcppVersion(charger.ocpp_version)
    if order.kind not in dialect_of(version).intents:
        detail = f"A charger that speaks {version.label} cannot do this: {order.kind} is not supported."
        raise CommandRefused(detail, code="not_supported")
    if len(str(order.data.get("id_tag", ""))) > _TAG_MAX[version]:
        raise CommandRefused(sentence("bad_id_tag"), code="bad_id_tag")
    if not order.placed:
        return order.data
    number = connector_number(charger.model.evses, evse_id=order.evse_id, connector_id=order.connector_id)
    if number is None:
        raise CommandRefused(sentence("unknown_connector"), code="unknown_connector")
    return order.data | {"connector": number}
