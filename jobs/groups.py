"""Groups of a request as the job's row keeps them, and how they unfold into chargers."""

import hashlib
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NotRequired, TypedDict

SUFFIX_DIGITS = 8


class Group(TypedDict):
    """One validated group: what its chargers have in common, the suffixes that were given, and how many are wanted."""

    model_id: str
    connector_type: str
    ocpp_version: str
    ws_url: str
    prefix: str
    name: str | None
    location_name: str | None
    ids: list[str]
    number: int
    message_log: NotRequired[str]  #: absent in jobs of former releases


@dataclass(frozen=True, slots=True)
class Planned:
    """One charger to be. `ordinal` counts through the whole job, `group` is the index of its group."""

    ordinal: int
    group: int
    identity: str
    name: str | None
    explicit: bool


def group_size(ids: Sequence[str], number: int | None) -> int:
    """Return how many chargers a group has: the number when one is given, else as many as there are ids."""
    return len(ids) if number is None else number


def display_name(base: str | None, suffix: str) -> str | None:
    """Return the name of a charger: `Bay` and `001` make `Bay 001`; no base, no name."""
    return None if base is None else f"{base} {suffix}"[:200]


def suffix_of(job_id: uuid.UUID, ordinal: int, draw: int = 0) -> str:
    """Return a random-looking suffix that is the same at every call: 8 lower-case hex digits."""
    return hashlib.blake2s(f"{job_id}/{ordinal}/{draw}".encode(), digest_size=SUFFIX_DIGITS // 2).hexdigest()


def planned(job_id: uuid.UUID, groups: Sequence[Group]) -> Iterator[Planned]:
    """Unfold the groups: given ids first, cut down or padded to the number. The same job gives the same result.

    A drawn suffix is unique within the job, whatever the prefixes, and is none of the given ones.
    """
    used = {suffix for group in groups for suffix in group["ids"][: group["number"]]}
    ordinal = 0
    for index, group in enumerate(groups):
        given = group["ids"][: group["number"]]
        for position in range(group["number"]):
            explicit = position < len(given)
            suffix = given[position] if explicit else _draw(job_id, ordinal, used)
            yield Planned(ordinal, index, group["prefix"] + suffix, display_name(group["name"], suffix), explicit)
            ordinal += 1


def _draw(job_id: uuid.UUID, ordinal: int, used: set[str]) -> str:
    draw = 0
    while (suffix := suffix_of(job_id, ordinal, draw)) in used:
        draw += 1
    used.add(suffix)
    return suffix
