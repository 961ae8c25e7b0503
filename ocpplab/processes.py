"""Child processes that never outlive the process that started them.

Each child leads a process group (and session) of its own, so that Ctrl-C in a terminal reaches the supervisor only, and
a group can be stopped whole. A `guardian` process watches for the death of the supervisor itself.
"""

import atexit
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

GUARDIAN = Path(__file__).with_name("guardian.py")

_guardian: subprocess.Popen[bytes] | None = None


def guard(*, hold: Sequence[int] = ()) -> None:
    """Start the guardian of this process, once. It keeps the file descriptors of `hold` open until its work is done.

    A lock on such a descriptor (`flock`) therefore ends only when no child is left.
    """
    global _guardian  # noqa: PLW0603  one for the process, as there is one process
    if _guardian is None or _guardian.poll() is not None:
        _guardian = subprocess.Popen(
            [sys.executable, "-I", "-S", str(GUARDIAN)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
            pass_fds=hold,
            cwd="/",
        )


@atexit.register
def _dismiss() -> None:
    """Close the pipe and wait until the guardian has stopped what is left."""
    if _guardian is not None and _guardian.stdin is not None:
        with contextlib.suppress(BrokenPipeError):
            _guardian.stdin.close()
        _guardian.wait()


def _tell(line: str) -> None:
    guard()
    if _guardian is None or _guardian.stdin is None:
        return
    with contextlib.suppress(BrokenPipeError):  # somebody killed it; the next spawn starts another
        _guardian.stdin.write(line.encode())
        _guardian.stdin.flush()


def spawn(
    command: Sequence[str],
    *,
    stdout: int | IO[bytes],
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    stop_signal: signal.Signals = signal.SIGTERM,
) -> subprocess.Popen[bytes]:
    """Start a child in a group of its own, with standard error in the same place as standard output."""
    guard()
    child = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=subprocess.STDOUT,
        env=env,
        cwd=cwd,
        start_new_session=True,
    )
    _tell(f"+{child.pid} {int(stop_signal)}\n")
    return child


def signal_group(child: subprocess.Popen[bytes], number: signal.Signals) -> None:
    """Signal the child and whatever it started; nothing happens when they are gone."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, number)


def stop(child: subprocess.Popen[bytes], *, number: signal.Signals = signal.SIGTERM, grace: float = 5.0) -> int:
    """Stop a child: `number` to itself, `grace` seconds, then SIGKILL to its whole group. Returns its exit code."""
    if child.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            child.send_signal(number)
    try:
        code = child.wait(grace)
    except subprocess.TimeoutExpired:
        signal_group(child, signal.SIGKILL)
        code = child.wait()
    signal_group(child, signal.SIGKILL)  # grandchildren that stayed behind
    forget(child)
    return code


def forget(child: subprocess.Popen[bytes]) -> None:
    """Take an ended child off the guardian's list: its number may soon belong to somebody else."""
    _tell(f"-{child.pid}\n")
