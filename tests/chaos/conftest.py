"""Fixtures of the chaos: dice from a seed that is printed, a CSMS that misbehaves, and a stack of real processes."""

import os
import random
import secrets
from collections.abc import Callable, Iterator

import pytest
from django.db import connection

from ocpplab.accounts.models import Organization
from tests.support.chaos.csms import Csms
from tests.support.chaos.stack import Stack, owned_servers
from tests.support.processes import Processes

MakeStack = Callable[..., Stack]


@pytest.fixture
def dice(request: pytest.FixtureRequest) -> random.Random:
    """All chance of a test. `CHAOS_SEED=… pytest …` repeats it."""
    seed = os.environ.get("CHAOS_SEED") or str(secrets.randbelow(10**9))
    print(f"CHAOS_SEED={seed}")
    return random.Random(f"{seed} {request.node.name}")


@pytest.fixture
def csms() -> Iterator[Csms]:
    with Csms() as running:
        yield running


@pytest.fixture
def make_stack(
    processes: Processes, csms: Csms, dice: random.Random, organization: Organization, user_token: str
) -> Iterator[MakeStack]:
    """Start a stack: `make_stack(parts=("simulator-1",), JOB_MAX_MESSAGES="0")`."""

    def make(**options: object) -> Stack:
        return Stack(processes, csms, dice, organization=organization, token=user_token, **options)

    yield make
    for process in processes.started:
        if process.alive:
            process.kill()
    for server in owned_servers():
        server.start()  # the next test finds them running, wherever this one ended
    connection.close()
