"""How the people of a charger behave: a description that many chargers share."""

import math
from dataclasses import dataclass


@dataclass(slots=True, frozen=True)
class Tag:
    """An id tag and how often it is used, relative to the others."""

    id: str
    weight: float = 1.0


@dataclass(slots=True, frozen=True)
class Behaviour:
    """What drives an automatic fleet. Share one instance between chargers.

    `arrivals_per_hour` counts for the whole charger. A visitor who finds no free connector drives on. A stay lasts
    `mean_minutes` on average, until the driver comes back to stop charging; `mean_wish_wh` is the energy wanted on
    average (None: the car charges to a target of its own). With `wrong_tag` probability the driver holds one of
    `wrong_tags`, and after a refusal finds the right one half of the time. With `early_unplug` probability the car
    drives off in mid-charge without stopping. With `tag_first` probability the tag is shown before the car is plugged
    in. After charging the car stays plugged in for `mean_idle_minutes` on average.
    """

    arrivals_per_hour: float
    tags: tuple[Tag, ...]
    mean_minutes: float = 45.0
    mean_wish_wh: float | None = None
    wrong_tag: float = 0.0
    wrong_tags: tuple[str, ...] = ("UNKNOWN",)
    early_unplug: float = 0.0
    tag_first: float = 0.3
    mean_idle_minutes: float = 5.0

    def __post_init__(self) -> None:
        numbers = (self.arrivals_per_hour, self.mean_minutes, self.mean_idle_minutes, self.mean_wish_wh or 0.0)
        if not all(math.isfinite(number) for number in (*numbers, *(tag.weight for tag in self.tags))):
            raise ValueError("rates, means and weights are finite numbers")
        if self.arrivals_per_hour < 0 or self.mean_minutes <= 0 or self.mean_idle_minutes < 0:
            raise ValueError("arrivals_per_hour and mean_idle_minutes are 0 or above, mean_minutes is above 0")
        if self.mean_wish_wh is not None and self.mean_wish_wh <= 0:
            raise ValueError("mean_wish_wh is above 0, or None")
        if not self.tags or any(tag.weight < 0 for tag in self.tags) or sum(tag.weight for tag in self.tags) <= 0:
            raise ValueError("tags has at least one tag, and weights of 0 or above, not all of them 0")
        if any(not 0 <= chance <= 1 for chance in (self.wrong_tag, self.early_unplug, self.tag_first)):
            raise ValueError("wrong_tag, early_unplug and tag_first are probabilities between 0 and 1")
        if self.wrong_tag > 0 and not self.wrong_tags:
            raise ValueError("wrong_tags has at least one tag when wrong_tag is above 0")
