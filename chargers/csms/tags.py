"""Whom the built-in CSMS lets charge: its id tags. Pure.

A tag that nobody listed is welcome, so that a fresh lab charges at once. Some names are refused from the start, for
trying how a charger takes that; a row with the tag `*` says how all unlisted ones are answered.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from chargers.protocol import Payload, format_time

EVERY_TAG: Final = "*"  #: the id of the rule for tags that have none of their own


class TagStatus(StrEnum):
    """AuthorizationStatus of 1.6 (§7.2); all of these are words of 2.0.1's AuthorizationStatusEnumType, too."""

    ACCEPTED = "Accepted"
    BLOCKED = "Blocked"
    EXPIRED = "Expired"
    INVALID = "Invalid"
    CONCURRENT_TX = "ConcurrentTx"


@dataclass(slots=True, frozen=True)
class Tag:
    """One id tag. `expires` in seconds since the epoch: from then on it is Expired, whatever its status.

    `single`: while a transaction of it runs, another start is answered with ConcurrentTx.
    """

    status: TagStatus = TagStatus.ACCEPTED
    parent: str = ""
    expires: float | None = None
    single: bool = False


#: what is refused until a row says otherwise
DEFAULTS: Final = {
    "blocked": Tag(TagStatus.BLOCKED),
    "expired": Tag(TagStatus.EXPIRED),
    "invalid": Tag(TagStatus.INVALID),
    "unknown": Tag(TagStatus.INVALID),
    "concurrenttx": Tag(TagStatus.CONCURRENT_TX),
}


@dataclass(slots=True)
class Tags:
    """The rules by id tag (1.6 §7.28: letter case does not count), and where `single` ones charge.

    `running` knows the transactions of stations of this process only: two web processes do not see each other's.
    """

    rules: dict[str, Tag] = field(default_factory=dict)
    running: dict[str, set[tuple[str, str]]] = field(default_factory=dict)

    def replace(self, rules: dict[str, Tag]) -> None:
        """Take the rules from the database in place of the former ones."""
        self.rules = {tag.casefold(): rule for tag, rule in rules.items()}

    def rule(self, tag: str) -> Tag:
        """The rule for an id tag, listed or not."""
        name = tag.casefold()
        return self.rules.get(name) or DEFAULTS.get(name) or self.rules.get(EVERY_TAG) or _WELCOME

    def status(self, tag: str, now: float, *, starting: bool = False) -> TagStatus:
        """How it is answered now. ConcurrentTx is a word for `starting` a transaction only (1.6 §7.2)."""
        rule = self.rule(tag)
        if rule.expires is not None and rule.expires <= now and rule.status is TagStatus.ACCEPTED:
            return TagStatus.EXPIRED
        if rule.status is TagStatus.CONCURRENT_TX:
            return rule.status if starting else TagStatus.ACCEPTED
        if starting and rule.single and self.running.get(tag.casefold()):
            return TagStatus.CONCURRENT_TX
        return rule.status

    def info(self, tag: str, now: float, *, starting: bool = False) -> Payload:
        """The IdTagInfo of 1.6 (§7.27)."""
        rule = self.rule(tag)
        info: Payload = {"status": self.status(tag, now, starting=starting).value}
        if rule.parent:
            info["parentIdTag"] = rule.parent
        if rule.expires is not None:
            info["expiryDate"] = format_time(rule.expires)
        return info

    def token_info(self, token: str, now: float, *, starting: bool = False) -> Payload:
        """The IdTokenInfoType of 2.0.1."""
        rule = self.rule(token)
        info: Payload = {"status": self.status(token, now, starting=starting).value}
        if rule.parent:
            info["groupIdToken"] = {"idToken": rule.parent, "type": "Central"}
        if rule.expires is not None:
            info["cacheExpiryDateTime"] = format_time(rule.expires)
        return info

    def began(self, tag: str, station: str, transaction: str) -> None:
        """A transaction of this tag runs. May be told again."""
        if self.rule(tag).single:
            self.running.setdefault(tag.casefold(), set()).add((station, transaction))

    def ended(self, tag: str, station: str, transaction: str) -> None:
        """A transaction of this tag runs no more."""
        running = self.running.get(tag.casefold())
        if running is not None:
            running.discard((station, transaction))
            if not running:
                del self.running[tag.casefold()]


_WELCOME: Final = Tag()
