"""A whole lab as a process: `manage.py lab` with a data folder, and what it says."""

import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from ocpplab.processes import forget, signal_group, spawn
from tests.support.waiting import eventually

ROOT = Path(__file__).resolve().parent.parent.parent
OURS = ("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "ALLOWED_HOSTS", "CSMS_TARGETS", "DJANGO_SETTINGS_MODULE")


class Lab:
    """Start, look, stop. `ready` is the content of the ready file."""

    def __init__(self, folder: Path, *arguments: str, **env: str) -> None:
        self.folder = folder
        self.log = folder / "lab.log"
        self.ready_file = folder / "ready.json"
        # A folder below the test's, because the lab makes its own.
        self.data_dir = folder / "data"
        self.arguments = arguments
        # The tests' own servers are in our environment: the lab must bring its own.
        self.env = {key: value for key, value in os.environ.items() if key not in OURS} | env
        self.process: subprocess.Popen[bytes]

    def start(self, *arguments: str, output: int | None = None) -> "Lab":
        options = ["--data-dir", str(self.data_dir), "--ready-file", str(self.ready_file), "--port", "0"]
        command = [sys.executable, "manage.py", "lab", *options, *self.arguments, *arguments]
        with self.log.open("ab") as log:
            self.process = spawn(command, stdout=log if output is None else output, env=self.env, cwd=ROOT)
        return self

    def wait_ready(self, timeout: float = 90) -> dict[str, Any]:
        def there() -> bool:
            assert self.process.poll() is None, f"the lab ended:\n{self.text()[-6000:]}"
            return self.ready_file.exists()

        eventually(there, timeout=timeout, what="the lab is ready")
        return self.ready

    @property
    def ready(self) -> dict[str, Any]:
        facts: dict[str, Any] = json.loads(self.ready_file.read_text())
        return facts

    def text(self) -> str:
        return self.log.read_text(errors="replace")

    def get(self, path: str) -> Any:
        request = urllib.request.Request(
            self.ready["url"] + path, headers={"Authorization": f"Bearer {self.ready['token']}"}
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.wait_ended()

    def wait_ended(self, timeout: float = 30) -> int:
        code = self.process.wait(timeout)
        forget(self.process)
        return code

    def left_behind(self) -> list[str]:
        """Return the processes that still work with this lab's data folder or port, whoever their parent is now."""
        found = []
        for process in psutil.process_iter(["pid", "cmdline", "cwd", "environ"]):
            about = process.info
            words = [*(about["cmdline"] or []), about["cwd"] or "", (about["environ"] or {}).get("LAB_TEST_FOLDER", "")]
            if process.pid != os.getpid() and any(str(self.folder) in word for word in words):
                found.append(f"{process.pid} {' '.join(about['cmdline'] or [])}")
        return found


@contextmanager
def running_lab(folder: Path, *arguments: str, **env: str) -> Iterator[Lab]:
    """Run a lab for the length of a block; its processes are killed when the block leaves them."""
    lab = Lab(folder, *arguments, LAB_TEST_FOLDER=str(folder), **env)
    lab.start()
    try:
        yield lab
    finally:
        if lab.process.poll() is None:
            lab.process.terminate()
            try:
                lab.process.wait(20)
            except subprocess.TimeoutExpired:
                signal_group(lab.process, signal.SIGKILL)
                lab.process.wait()
        forget(lab.process)
