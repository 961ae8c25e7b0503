"""Stops the processes of a supervisor that died without doing it. A script of the standard library only.

The supervisor (`ocpplab.processes`) holds the only write end of the pipe that is this script's standard input and tells
it line by line which process groups it has: `+<group> <signal>` and `-<group>`. When the pipe closes, by a clean end or
by kill -9, whatever is on the list is stopped: newest first, each by its signal, and by SIGKILL after `GRACE` seconds.
"""

import os
import signal
import sys
import time

GRACE = 5.0
"""Seconds between the polite signal and SIGKILL."""


def send(group: int, number: int) -> bool:
    """Signal a process group; False when nobody is left in it."""
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return False
    except PermissionError:  # macOS says this for a group of zombies
        return False
    return True


def main() -> None:
    """Read until the pipe closes, then stop what is left."""
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    groups: dict[int, int] = {}
    for line in sys.stdin:
        if line.startswith("+"):
            group, number = line[1:].split()
            groups[int(group)] = int(number)
        else:
            groups.pop(int(line[1:]), None)
    left = [group for group, number in reversed(groups.items()) if send(group, number)]
    deadline = time.monotonic() + GRACE
    while left and time.monotonic() < deadline:
        time.sleep(0.05)
        left = [group for group in left if send(group, 0)]
    for group in left:
        send(group, signal.SIGKILL)


if __name__ == "__main__":
    main()
