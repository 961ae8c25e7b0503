"""Which machine this is, and whether a process of it still runs."""

import os
import platform
from pathlib import Path


def machine_id() -> str:
    """Name the machine and its process numbering: two processes with the same id can see each other's pids.

    Boot id and pid namespace: a container has pids of its own, and after a reboot all numbers start again.
    """
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        namespace = Path("/proc/self/ns/pid").stat().st_ino
    except OSError:  # not Linux
        return f"{platform.node()}:{platform.system()}"[:100]
    return f"{boot}:{namespace}"


def has_ended(pid: int) -> bool:
    """Whether the process is gone, or is a zombie, or its number is now ours: a host of that pid no longer runs."""
    if pid == os.getpid():
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[:1] in (["Z"], ["X"])
