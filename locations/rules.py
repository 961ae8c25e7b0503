"""Rules of a location's values; the API, the import and the admin ask the same ones."""

import difflib
import zoneinfo
from functools import cache

from locations.countries import COUNTRIES

#: names in the zone files that are no places
_NO_ZONES = frozenset({"localtime", "Factory", "posixrules"})


@cache
def time_zones() -> frozenset[str]:
    """Return the IANA names that this installation knows."""
    return frozenset(zoneinfo.available_timezones() - _NO_ZONES)


def country_code(text: str) -> str:
    """Return a code in upper case; what is not ASCII stays as it is, for `ß` would become SS, South Sudan."""
    return text.upper() if text.isascii() else text


def country_problem(code: str) -> str | None:
    """Return what is wrong with an upper-case country code, or None."""
    if code in COUNTRIES:
        return None
    hint = "UK is spelt GB. " if code == "UK" else ""
    return f"{hint}Use an ISO 3166-1 alpha-2 code: two letters, such as DE or FR."


def time_zone_problem(name: str) -> str | None:
    """Return what is wrong with the name of a time zone, or None."""
    if name in time_zones():
        return None
    near = difflib.get_close_matches(name[:64], time_zones(), n=1)
    hint = f" Did you mean {near[0]}?" if near else ""
    return f"Use an IANA time zone name, such as Europe/Berlin.{hint}"
