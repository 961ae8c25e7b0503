"""What writes to the database beside the sessions: in a thread of its own, over a connection of its own."""

from abc import ABC, abstractmethod

from chargers.simulator.host.aside import Aside
from chargers.simulator.host.database import Line


class Writer(ABC):
    """Takes in what sessions report without waiting or failing, and writes it in its thread."""

    def __init__(self, purpose: str) -> None:
        self._purpose = purpose
        self._line = Line(purpose)
        #: None until it writes for the first time
        self._aside: Aside | None = None

    async def run(self) -> None:
        """Write until cancelled."""
        await self._beside().run(self._write_for_ever())

    async def flush(self) -> None:
        """Write everything that waits now. Raises one of `database.TROUBLE`; nothing is lost by that."""
        await self._beside().run(self._flush())

    async def close(self) -> None:
        """Let go of the database and of the thread. Call `flush` before."""
        if self._aside is not None:
            await self._aside.run(self._line.close())
            self._aside.close()
            self._aside = None

    @abstractmethod
    async def _write_for_ever(self) -> None:
        """Write now and then, in the thread."""

    @abstractmethod
    async def _flush(self) -> None:
        """Write everything that waits, in the thread."""

    def _beside(self) -> Aside:
        self._aside = self._aside or Aside(self._purpose)
        return self._aside
