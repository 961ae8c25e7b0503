"""How many dials to one CSMS are under way at once: a ramp that finds its own steepness."""

from collections import deque
from collections.abc import Callable
from typing import Final

#: dials to one CSMS that are under way in a process; what is more waits in the listen queue of the CSMS or is dropped
#: there, and is asked for again seconds later
AT_ONCE: Final = 250
#: doors kept, so that those of another thousand addresses do not stay for ever
_KEPT: Final = 1000


class Door:
    """Lets so many in at once; the others wait, first come first served."""

    __slots__ = ("_inside", "_most", "_waiting")

    def __init__(self, most: int) -> None:
        self._most = most
        self._inside = 0
        self._waiting: deque[Callable[[], bool]] = deque()

    def enter(self, go: Callable[[], bool]) -> None:
        """Call `go` as soon as there is room, perhaps at once. It says whether it went in; then `leave` must follow."""
        self._waiting.append(go)
        self._fill()

    def leave(self) -> None:
        """One of those that went in is done."""
        self._inside -= 1
        self._fill()

    @property
    def idle(self) -> bool:
        """Whether nobody is inside or waits."""
        return not (self._inside or self._waiting)

    def _fill(self) -> None:
        while self._waiting and self._inside < self._most:
            self._inside += self._waiting.popleft()()


class Doors:
    """A door for each CSMS, so that one that does not answer holds up nobody but its own chargers."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._doors: dict[tuple[str, int], Door] = {}

    def of(self, host: str, port: int) -> Door:
        """The door of that CSMS."""
        door = self._doors.get((host, port))
        if door is None:
            if len(self._doors) >= _KEPT:
                self._doors = {where: door for where, door in self._doors.items() if not door.idle}
            door = self._doors[host, port] = Door(self._most)
        return door
