"""How a battery fills while nothing about the offer changes: exactly, in closed form.

The power that flows is a function of the state of charge made of straight pieces (what the car takes, cut at what is
offered), so within a piece the state of charge follows an exponential or a straight line in time. The state at the
entry of a piece depends only on the pieces before it. What is read at some instant is therefore the same number, bit
for bit, whoever asked at whatever instants before.
"""

import math
from bisect import bisect_right
from typing import Final

from .vehicle import Curve, value_at

NEVER: Final = math.inf
_HOUR: Final = 3600.0


def cut(curve: Curve, *, cap_w: float, end: float) -> Curve:
    """The lower of `curve` and `cap_w`, up to the state of charge `end`, with a point wherever the line bends."""
    points: list[tuple[float, float]] = []
    before: tuple[float, float] | None = None
    for place, watts in (*(point for point in curve if point[0] < end), (end, value_at(curve, end))):
        if before is not None and (before[1] - cap_w) * (watts - cap_w) < 0:
            crossing = before[0] + (place - before[0]) * (cap_w - before[1]) / (watts - before[1])
            if before[0] < crossing < place:
                points.append((crossing, cap_w))
        points.append((place, min(watts, cap_w)))
        before = (place, watts)
    return tuple(points)


class Charge:
    """One battery filling from `since` on, along `points` (power in watts over the state of charge, all above 0).

    `gain` is how much the state of charge rises per watt-hour; `wh` is where the register stands at the start.
    """

    __slots__ = ("_gain", "_piece", "_points", "_since", "_soc", "_until", "_wh")

    def __init__(self, points: Curve, *, gain: float, since: float, soc: float, wh: float) -> None:
        self._points = points
        self._gain = gain
        self._since = since
        self._soc = soc
        self._wh = wh
        self._piece = bisect_right(points, soc, key=lambda point: point[0]) - 1
        self._until = since + self._duration(self._piece, soc)

    def at(self, now: float) -> tuple[float, float, float]:
        """State of charge, register in watt-hours and watts at `now`, which is not before the last time asked."""
        while now >= self._until:
            self._wh += (self._end(self._piece) - self._soc) / self._gain
            self._soc = self._end(self._piece)
            self._since = self._until
            self._piece += 1
            self._until = self._since + self._duration(self._piece, self._soc)
        watts, slope = self._line(self._piece, self._soc)
        if watts == 0.0:
            return self._soc, self._wh, 0.0
        passed = now - self._since
        if slope == 0.0:
            wh = watts * passed / _HOUR
            rise = wh * self._gain
        else:
            rise = watts / slope * math.expm1(slope * self._gain / _HOUR * passed)
            wh = rise / self._gain
        room = self._end(self._piece) - self._soc  # rounding must not carry a piece beyond its end
        return self._soc + min(rise, room), self._wh + min(wh, room / self._gain), watts + slope * min(rise, room)

    @property
    def since(self) -> float:
        """When the piece began that the last time asked lies in; when it is full: since when."""
        return self._since

    @property
    def last_w(self) -> float:
        """The power just before the end."""
        return self._points[-1][1]

    def when_full(self) -> float:
        """The instant when the last piece ends."""
        until, piece = self._until, self._piece
        while until < NEVER:
            piece += 1
            lasts = self._duration(piece, self._end(piece - 1))
            if lasts == NEVER:
                return until
            until += lasts
        return self._since  # it was full from the start

    def when_register(self, wh: float) -> float:
        """The first instant when the register shows `wh` or more; never, when the battery is full before."""
        since, soc, have, piece = self._since, self._soc, self._wh, self._piece
        if have >= wh:
            return since
        while True:
            watts, slope = self._line(piece, soc)
            if watts == 0.0:
                return NEVER
            rise = (wh - have) * self._gain
            if soc + rise <= self._end(piece):
                grown = rise / watts if slope == 0.0 else math.log1p(slope * rise / watts) / slope
                return since + grown / self._gain * _HOUR
            since += self._duration(piece, soc)
            have += (self._end(piece) - soc) / self._gain
            soc = self._end(piece)
            piece += 1

    def _end(self, piece: int) -> float:
        """The state of charge where a piece ends; the first one begins at its left, for a car emptier than that."""
        return self._points[min(piece + 1, len(self._points) - 1)][0]

    def _line(self, piece: int, soc: float) -> tuple[float, float]:
        """Watts at `soc` in a piece, and how much they rise per unit of the state of charge. 0 watts when full."""
        if piece >= len(self._points) - 1:
            return 0.0, 0.0
        if piece < 0:
            return self._points[0][1], 0.0
        (left, low), (right, high) = self._points[piece : piece + 2]
        if low == high:
            return low, 0.0
        slope = (high - low) / (right - left)
        return low + slope * (soc - left), slope

    def _duration(self, piece: int, soc: float) -> float:
        """Seconds from `soc` to the end of a piece."""
        watts, slope = self._line(piece, soc)
        if watts == 0.0:
            return NEVER
        rise = self._end(piece) - soc
        grown = rise / watts if slope == 0.0 else math.log1p(slope * rise / watts) / slope
        return grown / self._gain * _HOUR
