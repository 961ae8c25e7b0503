"""What a charger knows about id tags: the local list that the CSMS keeps on it, and the cache of former answers."""

from dataclasses import dataclass
from typing import Any, Final

from .flat import flattener

ACCEPTED: Final = "Accepted"
MAX_CACHE: Final = 100  #: tags; the one that was not heard of for the longest time goes first


@dataclass(slots=True, frozen=True)
class Verdict:
    """What is known about a tag. `status` is `Accepted` or the word of the refusal; `expires` in the charger's time."""

    status: str
    parent: str | None = None
    expires: float | None = None

    def accepts(self, shown: float) -> bool:
        """Whether the tag may charge, when the charger's clock shows `shown`."""
        return self.status == ACCEPTED and (self.expires is None or shown < self.expires)


_VERDICT: Final = flattener(Verdict)


class Authorizations:
    """Local list and cache. Tags are compared without regard to letter case (1.6 §7.28, IdToken is a CiString)."""

    __slots__ = ("cache", "entries", "version")

    def __init__(self) -> None:
        self.version = 0
        self.entries: dict[str, Verdict] = {}
        self.cache: dict[str, Verdict] = {}

    def listed(self, tag: str) -> Verdict | None:
        """What the local list says."""
        return self.entries.get(tag.casefold())

    def cached(self, tag: str) -> Verdict | None:
        """What the cache says."""
        return self.cache.get(tag.casefold())

    def learn(self, tag: str, verdict: Verdict) -> None:
        """Put what the CSMS said into the cache, unless the tag is in the list (1.6 §3.5.1)."""
        if self.listed(tag) is not None:
            return
        self.cache.pop(tag.casefold(), None)
        while len(self.cache) >= MAX_CACHE:
            del self.cache[next(iter(self.cache))]
        self.cache[tag.casefold()] = verdict

    def clear_cache(self) -> int:
        """Forget the cache. Returns how many tags it held."""
        cleared = len(self.cache)
        self.cache.clear()
        return cleared

    def replace(self, version: int, entries: dict[str, Verdict]) -> None:
        """A full update of the list."""
        self.entries = {tag.casefold(): verdict for tag, verdict in entries.items()}
        self.version = version
        self._prefer_list()

    def update(self, version: int, entries: dict[str, Verdict | None]) -> None:
        """A differential update: None takes a tag out."""
        for tag, verdict in entries.items():
            if verdict is None:
                self.entries.pop(tag.casefold(), None)
            else:
                self.entries[tag.casefold()] = verdict
        self.version = version
        self._prefer_list()

    def dump(self) -> dict[str, Any]:
        """As JSON, for the memory."""
        return {
            "version": self.version,
            "entries": {tag: _VERDICT(verdict) for tag, verdict in self.entries.items()},
            "cache": {tag: _VERDICT(verdict) for tag, verdict in self.cache.items()},
        }

    def load(self, memory: dict[str, Any]) -> None:
        """Take back what `dump` gave."""
        self.version = memory["version"]
        self.entries = {tag: Verdict(**row) for tag, row in memory["entries"].items()}
        self.cache = {tag: Verdict(**row) for tag, row in memory["cache"].items()}

    def _prefer_list(self) -> None:
        for tag in self.entries.keys() & self.cache.keys():
            del self.cache[tag]
