"""Where the simulator spends its time: samples of its stack by py-spy, after what was measured, not during it."""

import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

RATE = 200  # samples a second
SHOWN = 15
#: where a thread is when it runs no Python: in the C code of its event loop, with sockets and timers
LOOPS = {
    "Runner.run (asyncio/runners.py)": "the event loop of the sessions (C)",
    "Thread.run (threading.py)": "the event loops of the threads that write (C)",
}
PY_SPY = Path(sys.executable).with_name("py-spy")


def sampled(pid: int, seconds: float) -> dict[str, Any]:
    """Return the share of samples by the function that ran, as `{"functions": [[name, share], …], "samples": n}`.

    Where py-spy may not look into other processes there are none, and `why` says so.
    """
    with tempfile.TemporaryDirectory() as folder:
        stacks = Path(folder) / "stacks"
        command = [str(PY_SPY), "record", "--duration", str(round(seconds)), "--rate", str(RATE), "--format", "raw"]
        # Only who holds the interpreter's lock: threads that wait look busy to py-spy when the machine is.
        command += ["--output", str(stacks), "--pid", str(pid), "--gil", "--nonblocking"]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=seconds + 30)
        except (OSError, subprocess.TimeoutExpired) as error:
            return {"functions": [], "samples": 0, "why": str(error)}
        if not stacks.exists():
            return {"functions": [], "samples": 0, "why": done.stderr.strip()[-300:]}
        return summed(stacks.read_text())


def summed(stacks: str) -> dict[str, Any]:
    """Sum up collapsed stacks, one `outer (file:line);inner (file:line) samples` a line."""
    found: Counter[str] = Counter()
    for line in stacks.splitlines():
        stack, _, count = line.rpartition(" ")
        if stack and count.isdigit():
            name, _, place = stack.rpartition(";")[2].partition(" (")
            function = f"{name} ({place.rpartition(':')[0]})"
            found[LOOPS.get(function, function)] += int(count)
    total = found.total()
    functions = [[name, count / total] for name, count in found.most_common(SHOWN)]
    return {"functions": functions, "samples": total, "why": ""}
