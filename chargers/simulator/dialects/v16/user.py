"""What people do at the station, as the lab orders it: plug, show a tag, start, stop, unplug."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

from chargers.protocol import Payload, validate_request
from chargers.simulator.dialects.base import Block, Done, Failure, IntentHandler, Registration
from chargers.simulator.dialects.context import Context
from chargers.simulator.effects import Intent
from chargers.simulator.model.charging import Refused, Transaction
from chargers.simulator.model.connector import Connector
from chargers.simulator.model.vehicle import Vehicle
from chargers.simulator.model.vehicles import BY_NAME, arriving

from .authorization import BAD_TAG, Answer, authorize, known_parent, may_begin, tag_of
from .remote import unlock
from .transactions import asked_for, claim, plugged, stop, unplug
from .words import STATUS, Reason

UNKNOWN: Final = Done(ok=False, code=Refused.UNKNOWN_CONNECTOR.value)
NOT_CONNECTED: Final = Done(ok=False, code="not_connected")
_At = Callable[[Context, Intent, Connector], Done | None]


class UserBlock(Block):
    """Carries out the orders of the lab."""

    title = "People at the station"

    def intents(self) -> Mapping[str, IntentHandler]:
        """Orders that concern a connector, which is the first one unless `connector` says otherwise."""
        at: dict[str, _At] = {
            "plug": _plug,
            "unplug": _unplug,
            "present": _present,
            "start_transaction": _start_transaction,
            "start_session": _start_session,
            "stop_session": _stop_session,
            "unlock": _unlock,
            "ev_requests_energy": _ev_requests_energy,
            "ev_stops_energy": _ev_stops_energy,
            "power_update": _power_update,
        }
        placed: dict[str, IntentHandler] = {name: partial(_at_connector, handler) for name, handler in at.items()}
        return placed | {"stop_transaction": _stop_transaction, "emergency_stop": _emergency_stop, "proxy": _proxy}


def _at_connector(handler: _At, ctx: Context, intent: Intent) -> Done | None:
    connector = asked_for(ctx, intent)
    return UNKNOWN if connector is None else handler(ctx, intent, connector)


def refusal(refused: Refused | None, ctx: Context, connector: Connector) -> Done:
    """A refusal as an outcome, or that all went well."""
    data = {"connector": connector.number, "status": status_of(ctx, connector)}
    return Done(ok=True, data=data) if refused is None else Done(ok=False, code=refused.value, data=data)


def status_of(ctx: Context, connector: Connector) -> str:
    """The status of a connector in the words of 1.6."""
    return STATUS[ctx.station.connector_condition(connector, ctx.now)].value


def _plug(ctx: Context, intent: Intent, connector: Connector) -> Done:
    vehicle = _vehicle(ctx, intent.data.get("vehicle"), connector)
    if vehicle is None:
        return Done(ok=False, code="unknown_vehicle", data={"known": sorted(BY_NAME)})
    return refusal(plug(ctx, connector, vehicle), ctx, connector)


def plug(ctx: Context, connector: Connector, vehicle: Vehicle) -> Refused | None:
    """Plug a car in; charging begins if a tag was shown before."""
    refused = ctx.station.plug(connector, ctx.now, vehicle, seed=ctx.seed())
    if refused is None:
        plugged(ctx, connector)
    return refused


def _vehicle(ctx: Context, wanted: Any, connector: Connector) -> Vehicle | None:
    """Some car, or the one described by `{"name", "soc", "target_soc"}` (all optional) or by its name."""
    described = {"name": wanted} if isinstance(wanted, str) else wanted or {}
    if not isinstance(described, dict) or not isinstance(described.get("name") or "", str):
        return None
    car = arriving(ctx.dice, connector.spec)
    spec = BY_NAME.get(described.get("name") or car.spec.name)
    if spec is None:
        return None
    try:
        return Vehicle(
            spec,
            soc=float(described.get("soc", car.soc)),
            target_soc=float(described.get("target_soc", car.target_soc)),
            derate=car.derate,
        )
    except (TypeError, ValueError):
        return None


def _unplug(ctx: Context, _intent: Intent, connector: Connector) -> Done:
    return refusal(unplug(ctx, connector), ctx, connector)


def _present(ctx: Context, intent: Intent, connector: Connector) -> Done | None:
    tag = tag_of(intent)
    if tag is None:
        return BAD_TAG

    def then(ctx: Context, refused: Refused | None) -> None:
        ctx.settle_intent(intent.id, refusal(refused, ctx, connector))

    present(ctx, connector, tag, then)
    return None


def present(ctx: Context, connector: Connector, tag: str, then: Callable[[Context, Refused | None], None]) -> None:
    """Show a tag at a connector: it starts a transaction, or ends the one that it or its group started (§4.2, §4.10).

    `then` hears once what came of it.
    """
    running = connector.transaction
    if running is not None and running.tag.casefold() == tag.casefold():
        stop(ctx, connector, Reason.LOCAL, tag=tag)
        then(ctx, None)
        return
    refused = None if running is not None else may_begin(ctx, connector, tag)
    if refused is not None:
        then(ctx, refused)
        return
    authorize(ctx, tag, partial(_presented, connector, tag, then))


def _presented(
    connector: Connector, tag: str, then: Callable[[Context, Refused | None], None], ctx: Context, answer: Answer
) -> None:
    running = connector.transaction
    if not answer.accepted:
        then(ctx, Refused.ID_TAG_REFUSED)
    elif running is None:
        then(ctx, claim(ctx, connector, tag, parent=answer.parent))
    elif answer.parent is not None and answer.parent == running.parent:
        stop(ctx, connector, Reason.LOCAL, tag=tag)
        then(ctx, None)
    else:
        then(ctx, Refused.CONNECTOR_OCCUPIED)


def _start_transaction(ctx: Context, intent: Intent, connector: Connector) -> Done:
    """Only StartTransaction: whoever asks has plugged in and authorized before."""
    tag = tag_of(intent)
    if tag is None:
        return BAD_TAG
    parent = known_parent(ctx, tag)
    refused = ctx.station.may_claim(connector, tag, parent)
    if refused is None and connector.vehicle is None:
        refused = Refused.NOT_PLUGGED
    if refused is None:
        refused = claim(ctx, connector, tag, parent=parent)
    return _started(ctx, connector, refused)


def _started(ctx: Context, connector: Connector, refused: Refused | None) -> Done:
    ctx.settle_power()
    done = refusal(refused, ctx, connector)
    if refused is None and connector.transaction is not None:
        done.data["transaction"] = connector.transaction.key
    return done


def _stop_transaction(ctx: Context, intent: Intent) -> Done:
    """The transaction of that id (the CSMS's or the charger's own), by default the only one that runs."""
    wanted = intent.data.get("transaction_id")
    running = [
        one
        for one in ctx.station.connectors
        if one.transaction is not None and (wanted is None or str(wanted) in _names_of(one.transaction))
    ]
    if not running:
        return Done(ok=False, code=Refused.NO_TRANSACTION.value)
    if len(running) > 1:
        return Done(ok=False, code="ambiguous_transaction", data={"connectors": [one.number for one in running]})
    return _stopped(ctx, running[0])


def _emergency_stop(ctx: Context, _intent: Intent) -> Done:
    """Somebody hits the emergency button: all that charges stops at once (§7.36, EmergencyStop)."""
    ended = [stop(ctx, connector, Reason.EMERGENCY_STOP) for connector in ctx.station.connectors]
    return Done(ok=True, data={"transactions": [one.key for one in ended if one is not None]})


def _names_of(transaction: Transaction) -> set[str]:
    """The charger's own id, and the CSMS's when it has given one."""
    return {transaction.key} if transaction.number is None else {transaction.key, str(transaction.number)}


def _stopped(ctx: Context, connector: Connector) -> Done:
    ended = stop(ctx, connector, Reason.LOCAL, tag=connector.transaction.tag if connector.transaction else None)
    if ended is None:
        return refusal(Refused.NO_TRANSACTION, ctx, connector)
    data = {"connector": connector.number, "transaction": ended.key, "transaction_id": ended.number}
    return Done(ok=True, data=data | {"energy_wh": connector.wh(ctx.now) - ended.start_wh})


def _start_session(ctx: Context, intent: Intent, connector: Connector) -> Done | None:
    """The whole way: plug a car in if none is there, show the tag, charge, and leave when it has what was wanted."""
    tag = tag_of(intent)
    if tag is None:
        return BAD_TAG
    duration, energy = intent.data.get("duration_seconds"), intent.data.get("target_energy_kwh")
    if not _is_amount(duration) or not _is_amount(energy):
        return Done(ok=False, code="bad_goal", data={"hint": "seconds and kWh are numbers above 0, or absent"})
    refused = may_begin(ctx, connector, tag)
    if refused is not None:
        return refusal(refused, ctx, connector)
    came = connector.vehicle is None
    if came:
        plug(ctx, connector, arriving(ctx.dice, connector.spec, wish_wh=energy * 1000 if energy else None))
    options = {
        "lasts": None if duration is None else float(duration),
        "target_wh": None if energy is None else max(round(energy * 1000), 1),
        "leaves": True,
    }

    def then(ctx: Context, answer: Answer) -> None:
        done = _begin_session(ctx, connector, tag, answer, options)
        if not done.ok and came and connector.transaction is None:
            unplug(ctx, connector)
        ctx.settle_intent(intent.id, done)

    authorize(ctx, tag, then)
    return None


def _is_amount(value: object) -> bool:
    """Whether it is absent, or a number above 0 that is no nonsense."""
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 1e9)


def _begin_session(ctx: Context, connector: Connector, tag: str, answer: Answer, options: dict[str, Any]) -> Done:
    if not answer.accepted:
        return Done(
            ok=False, code=Refused.ID_TAG_REFUSED.value, data={"status": answer.status, "source": answer.source}
        )
    if connector.vehicle is None:
        return refusal(Refused.NOT_PLUGGED, ctx, connector)
    return _started(ctx, connector, claim(ctx, connector, tag, parent=answer.parent, **options))


def _stop_session(ctx: Context, _intent: Intent, connector: Connector) -> Done:
    done = _stopped(ctx, connector)
    if done.ok:
        ctx.show_conditions()
        unplug(ctx, connector)
    return done


def _unlock(ctx: Context, _intent: Intent, connector: Connector) -> Done:
    if unlock(ctx, connector):
        return refusal(None, ctx, connector)
    return Done(ok=False, code="unlock_failed", data={"connector": connector.number})


def _ev_requests_energy(ctx: Context, _intent: Intent, connector: Connector) -> Done:
    car = connector.vehicle
    if car is None or connector.meter is None:
        return refusal(Refused.NOT_PLUGGED, ctx, connector)
    if car.full and car.soc < 1.0:
        car.target_soc = 1.0  # it has what it wanted, and now wants more
    connector.meter.want(ctx.now, ready=True)
    return _flow_changed(ctx, connector)


def _ev_stops_energy(ctx: Context, _intent: Intent, connector: Connector) -> Done:
    if connector.meter is None or connector.vehicle is None:
        return refusal(Refused.NOT_PLUGGED, ctx, connector)
    connector.meter.want(ctx.now, ready=False)
    return _flow_changed(ctx, connector)


def _power_update(ctx: Context, intent: Intent, connector: Connector) -> Done:
    """The car asks for a fixed power; without `power_w` for what it likes."""
    power = intent.data.get("power_w")
    if connector.meter is None or connector.vehicle is None:
        return refusal(Refused.NOT_PLUGGED, ctx, connector)
    if power != 0 and not _is_amount(power):
        return Done(ok=False, code="bad_power", data={"hint": "power_w is a number of watts from 0 on"})
    connector.meter.ask(ctx.now, None if power is None else float(power))
    return _flow_changed(ctx, connector)


def _flow_changed(ctx: Context, connector: Connector) -> Done:
    ctx.power_changed = True
    ctx.settle_power()
    ctx.remember(urgent=True)
    return refusal(None, ctx, connector)


def _proxy(ctx: Context, intent: Intent) -> Done | None:
    """Send a message as it is. It changes nothing at the charger, whatever the CSMS answers."""
    action, payload = str(intent.data.get("action", "")), intent.data.get("payload") or {}
    if not isinstance(payload, dict):
        return Done(ok=False, code="bad_payload", data={"reason": "payload is an object"})
    if action not in ctx.dialect.answers.keys() | ctx.dialect.not_sent.keys():
        return Done(ok=False, code="unknown_action")
    breach = validate_request(ctx.dialect.version, action, payload)
    if breach is not None:
        return Done(ok=False, code="bad_payload", data={"reason": breach.message})
    if not ctx.connected or ctx.registration is not Registration.ACCEPTED:
        return NOT_CONNECTED
    ctx.call(action, payload, then=partial(_proxied, intent.id))
    return None


def _proxied(intent_id: str, ctx: Context, _request: Payload, answer: Payload | Failure) -> None:
    if isinstance(answer, Failure):
        code = "no_answer" if answer.lost else "refused"
        ctx.settle_intent(intent_id, Done(ok=False, code=code, data={"reason": answer.reason}))
    else:
        ctx.settle_intent(intent_id, Done(ok=True, data={"answer": answer}))
