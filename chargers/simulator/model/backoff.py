"""How long to wait before trying again."""

from .dice import Dice


class BackOff:
    """Doubling waits with a fresh random part each time.

    It follows the RetryBackOff variables of OCPP 2.0.1 (Part 4, "Reconnecting"): the first wait is `minimum` + random,
    each next one doubles the wait before it and adds a new random part, `repeats` times; then the wait stays as it is.
    """

    __slots__ = ("_tries", "_wait")

    def __init__(self) -> None:
        self._tries = 0
        self._wait = 0.0

    def next(self, dice: Dice, *, minimum: int, spread: int, repeats: int) -> float:
        """Seconds to wait now: at least `minimum`; `spread` is the most that chance adds to one step."""
        if self._tries == 0:
            self._wait = minimum + dice.between(0.0, spread)
        elif self._tries <= repeats:
            self._wait = 2 * self._wait + dice.between(0.0, spread)
        self._tries = min(self._tries + 1, repeats + 1)
        return max(self._wait, float(minimum))

    def reset(self) -> None:
        """Begin with the shortest wait again."""
        self._tries = 0
