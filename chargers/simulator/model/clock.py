"""The clock of a charger: the host's time and what the CSMS says about it."""

from typing import Final

_LATEST: Final = (
    221_845_392_000.0  #: the year 9000; later times could leave what a date-time can hold while counting on
)


class Clock:
    """A clock that is set from outside and runs on with the host's. All times are seconds since the Unix epoch."""

    __slots__ = ("_offset", "_set_at")

    def __init__(self) -> None:
        self._offset = 0.0
        self._set_at = float("-inf")

    def at(self, now: float) -> float:
        """What this clock shows at the host's time `now`."""
        return now + self._offset

    def age(self, now: float) -> float:
        """Seconds since it was last set; infinite when it never was."""
        return now - self._set_at

    def set(self, now: float, shown: float) -> bool:
        """Make it show `shown` at `now`. False, and unchanged, for a time before 1970 or absurdly far ahead."""
        if not 0.0 <= shown < _LATEST:
            return False
        self._offset = shown - now
        self._set_at = now
        return True
