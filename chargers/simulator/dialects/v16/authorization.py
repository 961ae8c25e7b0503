"""Authorize (§4.1), the authorization cache (§3.5.1, ClearCache §5.4) and the order in which tags are looked up."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final

from chargers.protocol import Payload, parse_time
from chargers.simulator.dialects.base import AnswerHandler, Block, CallHandler, Done, Failure, IntentHandler
from chargers.simulator.dialects.context import Context
from chargers.simulator.effects import Intent
from chargers.simulator.model.authorization import ACCEPTED, Verdict
from chargers.simulator.model.charging import Refused
from chargers.simulator.model.connector import Connector
from chargers.simulator.model.settings import Variable
from chargers.simulator.model.variables import (
    ALLOW_OFFLINE_UNKNOWN,
    CACHE_ENABLED,
    LOCAL_AUTHORIZE_OFFLINE,
    LOCAL_LIST_ENABLED,
    LOCAL_PRE_AUTHORIZE,
)

AUTHORIZE: Final = "Authorize"
MAX_TAG: Final = 20  #: characters of an idTag (§7.28)


@dataclass(slots=True, frozen=True)
class Answer:
    """Whether a tag may charge, and who said so: `csms`, `local_list`, `cache`, `offline` or `unknown_offline`."""

    accepted: bool
    status: str
    source: str
    parent: str | None = None


Then = Callable[[Context, Answer], None]


class AuthorizationBlock(Block):
    """Asks the CSMS, or list and cache, whether a tag may charge."""

    title = "Authorization"

    def calls(self) -> Mapping[str, CallHandler]:
        """ClearCache."""
        return {"ClearCache": self._clear_cache}

    def answers(self) -> Mapping[str, AnswerHandler]:
        """Authorize; whoever sends it says what follows, so there is nothing to do for others."""
        return {AUTHORIZE: _nothing_to_do}

    def intents(self) -> Mapping[str, IntentHandler]:
        """`authorize` looks a tag up and starts nothing; `clear_cache` forgets what the CSMS said."""
        return {"authorize": self._authorize_intent, "clear_cache": self._clear_cache_intent}

    def settings(self) -> Mapping[Variable, Callable[[Context], None]]:
        """A cache that is switched off is forgotten."""
        return {CACHE_ENABLED: self._cache_switched}

    def _clear_cache(self, ctx: Context, _request: Payload) -> Payload:
        # §5.4: Rejected when the Charge Point has no cache, as when it is switched off
        if not ctx.settings.flag(CACHE_ENABLED):
            return {"status": "Rejected"}
        _clear(ctx)
        return {"status": "Accepted"}

    def _clear_cache_intent(self, ctx: Context, _intent: Intent) -> Done:
        return Done(ok=True, data={"cleared_entries": _clear(ctx)})

    def _cache_switched(self, ctx: Context) -> None:
        if not ctx.settings.flag(CACHE_ENABLED):
            _clear(ctx)

    def _authorize_intent(self, ctx: Context, intent: Intent) -> Done | None:
        tag = tag_of(intent)
        if tag is None:
            return BAD_TAG
        authorize(ctx, tag, partial(_told, intent.id))
        return None


BAD_TAG: Final = Done(ok=False, code="bad_id_tag", data={"hint": "id_tag is a text of 1 to 20 characters"})


def tag_of(intent: Intent) -> str | None:
    """The `id_tag` of an intent, None when it is none."""
    tag = intent.data.get("id_tag")
    return tag if isinstance(tag, str) and 1 <= len(tag) <= MAX_TAG else None


def authorize(ctx: Context, tag: str, then: Then) -> None:
    """Find out whether a tag may charge; `then` hears of it exactly once, at once or when the CSMS has answered.

    Online (§3.5, §4.1): with LocalPreAuthorize a tag that list or cache accepts needs no question; any other is asked
    for. Without a CSMS (§3.5.3): with LocalAuthorizeOffline the list decides, then the cache; a tag that neither knows
    is accepted with AllowOfflineTxForUnknownId.
    """
    if not ctx.online:
        then(ctx, _offline(ctx, tag))
        return
    local = _local(ctx, tag)
    if local is not None and ctx.settings.flag(LOCAL_PRE_AUTHORIZE):
        verdict, source = local
        if verdict.accepts(ctx.clock.at(ctx.now)):
            then(ctx, Answer(accepted=True, status=ACCEPTED, source=source, parent=verdict.parent))
            return
    ctx.call(AUTHORIZE, {"idTag": tag}, then=partial(_answered, tag, then))


def learn(ctx: Context, tag: str, info: Payload) -> Verdict:
    """Take in an IdTagInfo (§7.27) of the CSMS: the cache keeps it."""
    expiry = info.get("expiryDate")
    verdict = Verdict(info["status"], info.get("parentIdTag"), parse_time(expiry) if expiry else None)
    if ctx.settings.flag(CACHE_ENABLED):
        ctx.need_authorizations().learn(tag, verdict)
        ctx.remember(urgent=False)
    return verdict


def learn_of(ctx: Context, tag: str, answer: Payload) -> str | None:
    """Take in the idTagInfo of an answer. Returns its status, None when there is none."""
    info = answer.get("idTagInfo")
    return learn(ctx, tag, info).status if info else None


def listed(ctx: Context, tag: str) -> Verdict | None:
    """What the local list says, if it counts."""
    if ctx.authorizations is None or not ctx.settings.flag(LOCAL_LIST_ENABLED):
        return None
    return ctx.authorizations.listed(tag)


def known_parent(ctx: Context, tag: str) -> str | None:
    """The group of a tag, as far as the list or the cache knows it (§5.13)."""
    local = _local(ctx, tag)
    return None if local is None else local[0].parent


def may_begin(ctx: Context, connector: Connector, tag: str) -> Refused | None:
    """Whether it makes sense to authorize a tag for a connector, or why not.

    A connector that is reserved for a group may be used by every tag of it, and it may be only the CSMS who knows
    whether this is one (§5.13).
    """
    refused = ctx.station.may_claim(connector, tag, known_parent(ctx, tag))
    bookings = ctx.station.reservations
    if refused is Refused.RESERVED and bookings is not None and bookings.asks_parent(connector.number):
        return None if _local(ctx, tag) is None else refused
    return refused


def _local(ctx: Context, tag: str) -> tuple[Verdict, str] | None:
    entry = listed(ctx, tag)
    if entry is not None:
        return entry, "local_list"
    if ctx.authorizations is None or not ctx.settings.flag(CACHE_ENABLED):
        return None
    known = ctx.authorizations.cached(tag)
    return None if known is None else (known, "cache")


def _offline(ctx: Context, tag: str) -> Answer:
    local = _local(ctx, tag) if ctx.settings.flag(LOCAL_AUTHORIZE_OFFLINE) else None
    if local is not None:
        verdict, source = local
        good = verdict.accepts(ctx.clock.at(ctx.now))
        expired = verdict.status == ACCEPTED and not good
        return Answer(good, "Expired" if expired else verdict.status, source, verdict.parent)
    if ctx.settings.flag(ALLOW_OFFLINE_UNKNOWN):
        return Answer(accepted=True, status=ACCEPTED, source="unknown_offline")
    return Answer(accepted=False, status="Invalid", source="offline")


def _answered(tag: str, then: Then, ctx: Context, _request: Payload, answer: Payload | Failure) -> None:
    if isinstance(answer, Failure):
        # no answer at all is being offline; an error is the CSMS's way to refuse
        refused = Answer(accepted=False, status="Invalid", source="csms")
        then(ctx, _offline(ctx, tag) if answer.lost else refused)
        return
    verdict = learn(ctx, tag, answer["idTagInfo"])
    then(ctx, Answer(verdict.status == ACCEPTED, verdict.status, "csms", verdict.parent))


def _told(intent_id: str, ctx: Context, answer: Answer) -> None:
    data = {"status": answer.status, "source": answer.source, "parent_id_tag": answer.parent}
    ctx.settle_intent(
        intent_id, Done(answer.accepted, "accepted" if answer.accepted else Refused.ID_TAG_REFUSED.value, data)
    )


def _clear(ctx: Context) -> int:
    if ctx.authorizations is None:
        return 0
    ctx.remember(urgent=True)
    return ctx.authorizations.clear_cache()


def _nothing_to_do(_ctx: Context, _request: Payload, _answer: Payload | Failure) -> None:
    """An Authorize that nobody waits for."""
