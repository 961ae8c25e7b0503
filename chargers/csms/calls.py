"""How the rest of the project talks to stations at the built-in CSMS, whichever web process holds them.

Each function has a twin for async code, with an `a` in front of its verb. `identity` is what follows `/csms/` in the
station's address, percent-decoded: usually just its OCPP identity.
"""

import secrets
from dataclasses import dataclass
from typing import Any, Final, cast

import orjson
from django.conf import settings
from redis import Redis
from redis.asyncio import Redis as AsyncRedis
from redis.exceptions import RedisError

from chargers.protocol import Payload
from ocpplab.common.errors import DomainError, NotFound, Unavailable

from . import wire
from .stations import EVERY_STATION, Registration

_GRACE: Final = 2.0  #: seconds on top of a call's own timeout, for the ways
_ASK_PATIENCE: Final = 2.0  #: seconds in which a web process that lives has answered


class CallFailed(DomainError):
    """A call to a station at the built-in CSMS brought no result.

    Codes: `not_connected`, `timeout`, `busy`, `invalid` (the call breaks the schema; nothing was sent), `refused` (the
    station sent a CALLERROR: `error_code`, `details`), `bad_answer` (its result breaks the schema: `details`).
    """

    def __init__(self, *, code: str, detail: str, error_code: str = "", details: Payload | None = None) -> None:
        super().__init__(detail, code=code, retryable=code in {"not_connected", "timeout", "busy"})
        self.error_code = error_code
        self.details = details or {}


def station_call(
    *, identity: str, action: str, payload: Payload | None = None, timeout: float = 30.0, checked: bool = True
) -> Payload:
    """Send a CALL to the station, wait for its answer for `timeout` seconds, and return the payload of the CALLRESULT.

    `checked=False` also sends what the schema forbids. Raises CallFailed, and Unavailable when Redis is away.
    """
    question = _call(identity, action, payload or {}, timeout, checked=checked)
    return _result(identity, _ask(question))


async def station_acall(
    *,
    identity: str,
    action: str,
    payload: Payload | None = None,
    timeout: float = 30.0,  # noqa: ASYNC109 - it travels to the process that holds the station
    checked: bool = True,
) -> Payload:
    """As `station_call`."""
    question = _call(identity, action, payload or {}, timeout, checked=checked)
    return _result(identity, await _aask(question))


def station_status(*, identity: str) -> dict[str, Any]:
    """What the built-in CSMS knows of a station, connected or not: see `Station.as_dict`.

    Raises NotFound when it has never met it since its start, and Unavailable when Redis is away.
    """
    return _latest(identity, _ask(_status(identity)))


async def station_astatus(*, identity: str) -> dict[str, Any]:
    """As `station_status`."""
    return _latest(identity, await _aask(_status(identity)))


def boot_policy_set(*, identity: str = EVERY_STATION, status: Registration, interval: int | None = None) -> None:
    """From now on answer the BootNotifications of a station, or of every one that has no policy of its own, like this.

    `interval` in seconds; None for the usual one. Kept in Redis. Every web process knows it when this returns. Raises
    Unavailable when Redis is away.
    """
    _ask(_policy(identity, status, interval))


async def boot_policy_aset(*, identity: str = EVERY_STATION, status: Registration, interval: int | None = None) -> None:
    """As `boot_policy_set`."""
    await _aask(_policy(identity, status, interval))


def boot_policy_clear(*, identity: str = EVERY_STATION) -> None:
    """Forget the policy of a station: it is accepted again at its next BootNotification."""
    _ask(_policy(identity, None, None))


async def boot_policy_aclear(*, identity: str = EVERY_STATION) -> None:
    """As `boot_policy_clear`."""
    await _aask(_policy(identity, None, None))


def tags_announce() -> None:
    """Make every web process read the id tags again; they have when this returns. Raises Unavailable without Redis."""
    reply = _new_reply()
    _ask(_Question(wire.office_channel(), wire.dump(wire.TagsChanged(reply)), reply, _ASK_PATIENCE, every=True))


# --- questions, and what is made of the answers: no I/O ---------------------------------------------------------------


@dataclass(slots=True, frozen=True)
class _Question:
    """A message to publish, after `before` (a Redis command). `wait` in seconds; `every`: all who hear it answer."""

    channel: str
    message: bytes
    reply: str
    wait: float
    every: bool
    before: tuple[str | bytes, ...] = ()


def _new_reply() -> str:
    return wire.reply_name(secrets.token_hex(12))


def _call(identity: str, action: str, payload: Payload, timeout: float, *, checked: bool) -> _Question:
    reply = _new_reply()
    message = wire.CallStation(identity, reply, action, payload, timeout, checked)
    return _Question(wire.station_channel(identity), wire.dump(message), reply, timeout + _GRACE, every=False)


def _status(identity: str) -> _Question:
    reply = _new_reply()
    message = wire.dump(wire.AskStation(identity, reply))
    return _Question(wire.office_channel(), message, reply, _ASK_PATIENCE, every=True)


def _policy(identity: str, status: Registration | None, interval: int | None) -> _Question:
    reply = _new_reply()
    name = wire.policies_name()
    command: tuple[str | bytes, ...] = ("HDEL", name, identity)
    if status is not None:
        command = ("HSET", name, identity, orjson.dumps({"status": status, "interval": interval}))
    message = wire.dump(wire.PolicyChanged(reply))
    return _Question(wire.office_channel(), message, reply, _ASK_PATIENCE, every=True, before=command)


def _result(identity: str, answered: tuple[int, list[Any]]) -> Payload:
    heard, answers = answered
    if not heard:
        detail = f"{identity} is not connected to the built-in CSMS"
        raise CallFailed(code="not_connected", detail=detail)
    if not answers:
        raise CallFailed(code="timeout", detail=f"no web process answered for {identity}")
    outcome: dict[str, Any] = answers[0]
    if outcome["code"] == "ok":
        return cast("Payload", outcome["payload"])
    raise CallFailed(
        code=outcome["code"],
        detail=outcome["description"] or outcome["error_code"] or outcome["code"],
        error_code=outcome["error_code"],
        details=outcome["payload"],
    )


def _latest(identity: str, answered: tuple[int, list[Any]]) -> dict[str, Any]:
    met: list[dict[str, Any]] = [answer for answer in answered[1] if answer is not None]
    if not met:
        raise NotFound(f"The built-in CSMS has not met {identity} since it was started.")
    return max(met, key=lambda one: (one["connected"], one["last_seen"]))


# --- the two ways to ask ----------------------------------------------------------------------------------------------


def _unavailable(error: Exception) -> Unavailable:
    return Unavailable(f"Redis at REDIS_URL cannot be reached: {error}")


def _ask(question: _Question) -> tuple[int, list[Any]]:
    """Publish, and gather the answers. Returns how many heard it, and what they said in time."""
    answers: list[Any] = []
    try:
        with Redis.from_url(settings.REDIS_URL, socket_timeout=question.wait + 1, socket_connect_timeout=5) as client:
            if question.before:
                client.execute_command(*question.before)
            heard = cast("int", client.publish(question.channel, question.message))
            while len(answers) < (heard if question.every else min(heard, 1)):
                found = cast("tuple[bytes, bytes] | None", client.blpop([question.reply], timeout=question.wait))
                if found is None:
                    break
                answers.append(orjson.loads(found[1]))
    except (RedisError, OSError) as error:
        raise _unavailable(error) from error
    return heard, answers


async def _aask(question: _Question) -> tuple[int, list[Any]]:
    """As `_ask`."""
    answers: list[Any] = []
    options: dict[str, Any] = {"socket_timeout": question.wait + 1, "socket_connect_timeout": 5}
    try:
        async with AsyncRedis.from_url(settings.REDIS_URL, **options) as client:
            if question.before:
                await client.execute_command(*question.before)  # type: ignore[no-untyped-call]
            heard: int = await client.publish(question.channel, question.message)
            while len(answers) < (heard if question.every else min(heard, 1)):
                found = await client.blpop([question.reply], timeout=question.wait)
                if found is None:
                    break
                answers.append(orjson.loads(found[1]))
    except (RedisError, OSError) as error:
        raise _unavailable(error) from error
    return heard, answers
