"""A loop as the simulator uses it."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
import uvloop

from tests.support.bad_csms import BadCsms

Run = Callable[[Awaitable[Any]], Any]


@pytest.fixture
def run() -> Iterator[Run]:
    """Run a coroutine on uvloop; what it forgets to await or close fails the test."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        yield lambda coroutine: runner.run(_await(coroutine))


async def _await(awaitable: Awaitable[Any]) -> Any:
    return await awaitable


@pytest.fixture(scope="module")
def csms() -> Iterator[BadCsms]:
    with BadCsms() as server:
        yield server
