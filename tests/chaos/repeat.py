"""All chaos again and again, each time with another seed, until something fails: `make chaos TIMES=20`.

    python -m tests.chaos.repeat --times 20 [--seed 7] [arguments of pytest]

It stops at the first failure, says the seed that repeats it, and leaves the output and the logs of all processes.
"""

import argparse
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
#: the ends of the output of pytest that are shown when something failed
LAST_LINES = 40


def main() -> int:
    """Return what the process ends with."""
    parser = argparse.ArgumentParser(description="Run the chaos tests again and again.")
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--seed", type=int, help="of the first time; the next ones count on")
    parser.add_argument("--processes", default="3", help="tests that run side by side")
    options, arguments = parser.parse_known_args()
    first = secrets.randbelow(10**9) if options.seed is None else options.seed
    folder = Path(tempfile.mkdtemp(prefix="ocpplab-chaos-"))
    folder.chmod(0o755)
    for turn in range(1, options.times + 1):
        seed, began = first + turn - 1, time.monotonic()
        code = run(seed, folder, ["-n", options.processes, "--dist", "load", *arguments])
        took = f"{time.monotonic() - began:.0f} s"
        if code:
            print(f"{turn} of {options.times}: seed {seed} FAILED after {took}")
            print("\n".join((folder / "output.txt").read_text(errors="replace").splitlines()[-LAST_LINES:]))
            print(f"again: make chaos TIMES=1 ARGS='--seed {seed}'")
            print(f"everything that was said: {folder}/output.txt; logs of the processes: {folder}/logs")
            return code
        print(f"{turn} of {options.times}: seed {seed} green in {took}", flush=True)
    shutil.rmtree(folder)
    print(f"green {options.times} times in a row")
    return 0


def run(seed: int, folder: Path, arguments: list[str]) -> int:
    """Run all chaos tests once, the slow ones too."""
    command = [sys.executable, "-m", "pytest", "tests/chaos", "-m", "chaos", "-p", "no:cacheprovider"]
    command += ["--basetemp", str(folder / "logs"), "--randomly-seed", str(seed % 2**32), *arguments]
    with (folder / "output.txt").open("wb") as output:
        done = subprocess.run(
            command,
            env={**os.environ, "CHAOS_SEED": str(seed)},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=ROOT,
            check=False,
        )
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
