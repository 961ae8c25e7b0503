"""StatusNotification: what was told to the CSMS and what has still to be told. The versions differ in the words."""

from abc import abstractmethod
from collections.abc import Iterable, Mapping
from typing import Final

from chargers.protocol import Payload
from chargers.simulator.model.station import Connector

from .base import AnswerHandler, Block, Failure
from .context import Context

STATUS: Final = "StatusNotification"
Place = tuple[int, ...]  #: what a status is about: connector number in 1.6, EVSE and connector in 2.0.1


class StatusBlock(Block):
    """Reports every place after a boot, and a place whenever it changes.

    What changes while the charger is away, or is reported in vain, is reported after the next connection.
    """

    @abstractmethod
    def places(self, ctx: Context) -> Iterable[Place]:
        """Every place that has a status, in the order of reporting."""

    @abstractmethod
    def place_of(self, connector: Connector) -> Place:
        """Where a connector is reported."""

    @abstractmethod
    def status_request(self, ctx: Context, place: Place) -> Payload:
        """The payload of StatusNotification."""

    @abstractmethod
    def reported_place(self, request: Payload) -> Place:
        """The place that a StatusNotification was about."""

    def answers(self) -> Mapping[str, AnswerHandler]:
        """StatusNotification."""
        return {STATUS: self._answered}

    def accepted(self, ctx: Context) -> None:
        """Report everything."""
        ctx.unreported = None
        self.report_all(ctx)

    def reconnected(self, ctx: Context, away: float) -> None:
        """Report what changed meanwhile."""
        del away
        missed, ctx.unreported = ctx.unreported, None
        for place in sorted(missed or ()):
            self.report(ctx, place)

    def connector_changed(self, ctx: Context, connector: Connector) -> None:
        """Report the connector."""
        self.report(ctx, self.place_of(connector))

    def report_all(self, ctx: Context, *, asked: bool = False) -> None:
        """Report every place."""
        for place in self.places(ctx):
            self.report(ctx, place, asked=asked)

    def report(self, ctx: Context, place: Place, *, asked: bool = False) -> None:
        """Report a place as it is now, or remember to do so. `asked`: the CSMS wants to know."""
        if ctx.online or asked:
            ctx.call(STATUS, self.status_request(ctx, place), asked=asked)
        else:
            self._remember(ctx, place)

    def _answered(self, ctx: Context, request: Payload, answer: Payload | Failure) -> None:
        if isinstance(answer, Failure) and answer.lost:
            self._remember(ctx, self.reported_place(request))

    def _remember(self, ctx: Context, place: Place) -> None:
        if ctx.unreported is None:
            ctx.unreported = set()
        ctx.unreported.add(place)
