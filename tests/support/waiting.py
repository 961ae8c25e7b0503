"""Waiting for a condition: the only way in which a test waits."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def eventually(probe: Callable[[], T], *, timeout: float = 20.0, every: float = 0.05, what: str = "") -> T:
    """Ask until the answer is true and return it; fail with the last answer after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while True:
        answer = probe()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout:g} s: {what or probe}; last answer: {answer!r}")
        time.sleep(every)
