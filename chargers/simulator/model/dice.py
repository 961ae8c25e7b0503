"""Repeatable chance: the only source of randomness of a session."""

from typing import Final

_MASK: Final = (1 << 64) - 1


class Dice:
    """SplitMix64 (Steele, Lea, Flood 2014): good enough for jitter and ids, and its state is one integer.

    `random.Random` would cost 2.5 KB for each charger.
    """

    __slots__ = ("_state",)

    def __init__(self, seed: int) -> None:
        self._state = seed & _MASK

    @property
    def state(self) -> int:
        """The seed of dice that go on from here."""
        return self._state

    def draw(self) -> int:
        """A whole number of 64 bits."""
        self._state = (self._state + 0x9E3779B97F4A7C15) & _MASK
        mixed = self._state
        mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & _MASK
        return mixed ^ (mixed >> 31)

    def between(self, low: float, high: float) -> float:
        """A number from `low` (included) to `high` (not included, unless both are the same)."""
        return low + (high - low) * (self.draw() >> 11) / (1 << 53)

    def uuid(self) -> str:
        """The text of a UUID of version 4: 36 characters."""
        text = (self.draw() << 64 | self.draw()).to_bytes(16, "big").hex()
        return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-a{text[17:20]}-{text[20:]}"
