"""Local Auth List Management: GetLocalListVersion (§5.10) and SendLocalList (§5.15), and the same from the lab."""

from collections.abc import Mapping
from typing import Any, Final

from chargers.protocol import Payload, parse_time
from chargers.simulator.dialects.base import Block, CallHandler, Done, IntentHandler
from chargers.simulator.dialects.context import Context
from chargers.simulator.effects import Intent
from chargers.simulator.model.authorization import ACCEPTED, Verdict
from chargers.simulator.model.variables import LOCAL_LIST_ENABLED

from .authorization import MAX_TAG
from .keys import LIST_MAX, LIST_MESSAGE_MAX

_STATUSES: Final = frozenset({"Accepted", "Blocked", "Expired", "Invalid", "ConcurrentTx"})


class LocalListBlock(Block):
    """Keeps the list of tags that the CSMS sends."""

    title = "Local authorization list"

    def calls(self) -> Mapping[str, CallHandler]:
        """GetLocalListVersion and SendLocalList."""
        return {"GetLocalListVersion": self._version, "SendLocalList": self._send}

    def intents(self) -> Mapping[str, IntentHandler]:
        """`send_local_list` replaces the list, `clear_local_list` empties it."""
        return {"send_local_list": self._send_intent, "clear_local_list": self._clear_intent}

    def _version(self, ctx: Context, _request: Payload) -> Payload:
        # §5.10: 0 is an empty list, -1 is no list at all
        if not ctx.settings.flag(LOCAL_LIST_ENABLED):
            return {"listVersion": -1}
        return {"listVersion": version(ctx)}

    def _send(self, ctx: Context, request: Payload) -> Payload:
        if not ctx.settings.flag(LOCAL_LIST_ENABLED):
            return {"status": "NotSupported"}
        number, rows = request["listVersion"], request.get("localAuthorizationList", [])
        full = request["updateType"] == "Full"
        entries: dict[str, Verdict | None] = {row["idTag"]: _verdict(row.get("idTagInfo")) for row in rows}
        twice = len({tag.casefold() for tag in entries}) != len(rows)
        nameless = full and None in entries.values()  # §5.15: in a full update every tag comes with its idTagInfo
        if twice or nameless or number <= 0 or len(rows) > LIST_MESSAGE_MAX:
            return {"status": "Failed"}
        if number <= version(ctx) and not full:
            return {"status": "VersionMismatch"}
        known = ctx.need_authorizations()
        if full:
            known.replace(number, {tag: verdict for tag, verdict in entries.items() if verdict is not None})
        else:
            gone = {tag.casefold() for tag, verdict in entries.items() if verdict is None}
            new = {tag.casefold() for tag, verdict in entries.items() if verdict is not None}
            if len((known.entries.keys() | new) - gone) > LIST_MAX:
                return {"status": "Failed"}
            known.update(number, entries)
        ctx.remember(urgent=True)
        return {"status": "Accepted"}

    def _send_intent(self, ctx: Context, intent: Intent) -> Done:
        number, rows = intent.data.get("list_version"), intent.data.get("entries") or []
        if not isinstance(number, int) or number <= version(ctx):
            return Done(ok=False, code="version_mismatch", data={"list_version": version(ctx)})
        bad = Done(ok=False, code="bad_entries", data={"list_version": version(ctx)})
        if not isinstance(rows, list) or len(rows) > LIST_MAX:
            return bad
        entries: dict[str, Verdict] = {}
        for row in rows:
            verdict = _from_lab(row)
            if verdict is None:
                return bad
            entries[row["id_tag"]] = verdict
        ctx.need_authorizations().replace(number, entries)
        ctx.remember(urgent=True)
        return Done(ok=True, data={"list_version": number, "entries_received": len(rows)})

    def _clear_intent(self, ctx: Context, _intent: Intent) -> Done:
        deleted = len(ctx.authorizations.entries) if ctx.authorizations is not None else 0
        if ctx.authorizations is not None:
            ctx.authorizations.replace(0, {})
            ctx.remember(urgent=True)
        return Done(ok=True, data={"entries_deleted": deleted, "list_version": 0})


def version(ctx: Context) -> int:
    """The version of the list that is installed; 0 for none."""
    return ctx.authorizations.version if ctx.authorizations is not None else 0


def _verdict(info: Payload | None) -> Verdict | None:
    if info is None:
        return None
    expiry = info.get("expiryDate")
    return Verdict(info["status"], info.get("parentIdTag"), parse_time(expiry) if expiry else None)


def _from_lab(row: Any) -> Verdict | None:
    if not isinstance(row, dict):
        return None
    tag, status, parent = row.get("id_tag"), str(row.get("status") or ACCEPTED), row.get("parent_id_tag")
    if not isinstance(tag, str) or not 1 <= len(tag) <= MAX_TAG:
        return None
    if status not in _STATUSES or not (parent is None or (isinstance(parent, str) and len(parent) <= MAX_TAG)):
        return None
    expiry = row.get("expiry_date")
    expires = parse_time(str(expiry)) if expiry else None
    return None if expiry and expires is None else Verdict(status, parent, expires)
