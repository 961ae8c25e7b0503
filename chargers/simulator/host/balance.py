"""How many chargers this host takes and gives up, and when: decisions without I/O. Times are the loop's, in seconds."""

from typing import Final
from uuid import UUID

from chargers.simulator.host.leases import Survey
from chargers.simulator.host.shares import fair_share, surplus

#: chargers claimed, or handed over, at once
BATCH: Final = 500
#: seconds that chargers above the fair share may wait for another host before this one takes them
PATIENCE: Final = 5.0
#: seconds without rebalancing after that, unless hosts come or go: the other host does not seem to claim
TRUCE: Final = 600.0
#: seconds between two steps of rebalancing, and the part of its sessions that a host gives up in one
STEP_EVERY, STEP_PART = 1.0, 0.1
NEVER: Final = float("inf")
#: seconds that a host that stops waits before it hands over: the others may just be told to stop, too
LOOK_AROUND: Final = 0.4


class Balance:
    """Of one host. `capacity` is in sessions; others are taken to dial `ramp` chargers a second, as this one does."""

    def __init__(self, *, capacity: int, ramp: float) -> None:
        self._capacity = capacity
        self._ramp = ramp
        self._waiting_since: float | None = None
        self._no_step_before = 0.0
        self._truce_with: frozenset[UUID] = frozenset()
        self._left_at = self._leave_by = NEVER

    # --- taking -----------------------------------------------------------------------------------------------------

    def nothing_waits(self) -> None:
        """Every wanted charger has a host."""
        self._waiting_since = None

    def room(self, fleet: Survey, held: int) -> int:
        """How many more chargers are this host's by its fair share; 0 or below: none."""
        return self._share(fleet, self._capacity) - held

    def leftovers(self, now: float, fleet: Survey, held: int) -> int:
        """How many chargers above the fair share to take: a batch, once they have waited too long for another host."""
        if self._waiting_since is None:
            self._waiting_since = now
        if now - self._waiting_since < PATIENCE:
            return 0
        self._no_step_before = now + TRUCE
        self._truce_with = frozenset(fleet.hosts)
        return min(BATCH, self._capacity - held)

    # --- giving up --------------------------------------------------------------------------------------------------

    def to_move(self, now: float, fleet: Survey, me: UUID, *, held: int, idle: int) -> int:
        """How many chargers to hand to live hosts that have less than their share.

        `idle` of those that are held have no connection: a host that started first has claimed everything and not
        dialled it yet. Handing them over disturbs nobody, so they go at once and the others a few at a time.
        """
        needed = sum(
            max(0, self._share(fleet, capacity) - theirs)
            for other, (capacity, theirs) in fleet.hosts.items()
            if other != me
        )
        count = min(surplus(held, self._share(fleet, self._capacity)), needed)
        if count <= 0:
            return 0
        if self._truce_with and self._truce_with != fleet.hosts.keys():
            self._truce_with = frozenset()
            self._no_step_before = now
        step = 0
        if now >= self._no_step_before:
            self._no_step_before = now + STEP_EVERY
            step = max(1, min(BATCH, int(held * STEP_PART)))
        elif self._truce_with:
            return 0
        return min(count, max(step, idle))

    def leave(self, now: float, within: float) -> None:
        """This host stops, and has `within` seconds to hand over what it holds."""
        self._left_at = now + LOOK_AROUND
        self._leave_by = now + within

    def to_leave(self, now: float, fleet: Survey, me: UUID, held: int) -> int | None:
        """How many chargers to hand over now; None when there is no live host with room for any.

        As fast as the others dial, so that no charger is away for longer than need be; or faster, to be in time.
        """
        places = [capacity - theirs for other, (capacity, theirs) in fleet.hosts.items() if other != me]
        room = sum(max(0, free) for free in places) - fleet.unclaimed
        if not places or room <= 0:
            return None
        passed = now - self._left_at
        if passed <= 0:
            return 0
        self._left_at = now
        left = max(self._leave_by - now, 0.0)
        pace = max(self._ramp * len(places) * passed, held * passed / (passed + left))
        return min(held, room, int(pace) + 1)

    def _share(self, fleet: Survey, capacity: int) -> int:
        return fair_share(fleet.wanted, [one for one, _ in fleet.hosts.values()], capacity)
