"""Runs a program as another account, for PostgreSQL, which refuses to run as root. Standard library only.

`python -I unroot.py UID GID PROGRAM ARGUMENTS…`, started by root. The account has to reach the program and its
data, and folders above them are often closed to others (/root, a folder of mktemp). Instead of opening those folders to
everyone, the program keeps one ability of root, by Linux's ambient capabilities: to read and to pass through folders
(CAP_DAC_READ_SEARCH, or CAP_DAC_OVERRIDE where a container has only that). Where neither is to be had it runs without.
"""

import ctypes
import os
import sys

CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH = 1, 2
PR_SET_KEEPCAPS, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE = 8, 47, 2
LINUX_CAPABILITY_VERSION_3 = 0x20080522


def permitted() -> int:
    """Return the capabilities that this process may use, as a bit mask."""
    with open("/proc/self/status", encoding="ascii") as status:  # noqa: PTH123  no pathlib: this starts in 10 ms
        return next((int(line.split()[1], 16) for line in status if line.startswith("CapPrm:")), 0)


def become(uid: int, gid: int) -> None:
    """Change to the account; on Linux with the ability to pass through folders kept."""
    libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
    held = permitted() if libc else 0
    keep = next((cap for cap in (CAP_DAC_READ_SEARCH, CAP_DAC_OVERRIDE) if held & 1 << cap), None)
    if libc and keep is not None:
        libc.prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0)
    os.setgroups([gid])
    os.setgid(gid)
    os.setuid(uid)
    if libc and keep is not None:
        mask = 1 << keep  # effective, permitted, inheritable; then the upper 32 bits of the three
        libc.capset(
            (ctypes.c_uint32 * 2)(LINUX_CAPABILITY_VERSION_3, 0), (ctypes.c_uint32 * 6)(mask, mask, mask, 0, 0, 0)
        )
        libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, keep, 0, 0)


if __name__ == "__main__":
    become(int(sys.argv[1]), int(sys.argv[2]))
    os.execv(sys.argv[3], sys.argv[3:])  # noqa: S606  the command line comes from our own supervisor
