"""The official SDK against a real web process.

Its import name is that of our project package, so it lives in a virtual environment of its own, outside the project,
which is made once and kept; its scripts run as processes in a folder outside the project.

    def test_something(sdk, user_token):
        answer = sdk("locations", token=user_token, anything="else")   # tests/sdk/scripts/locations.py

`sdk.web` is the web process; ask the fixture `processes` for others (a worker, a simulator) where a script needs them.
"""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import venv
from pathlib import Path
from typing import Any

import pytest

from tests.support.processes import Process, Processes

HERE = Path(__file__).parent
REQUIREMENTS = HERE / "requirements.txt"
SCRIPT_TIMEOUT = 100  # seconds


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every test here starts a web process, and the first one may have to make the environment."""
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.system)
            item.add_marker(pytest.mark.timeout(300))


def environment_folder() -> Path:
    """Return the folder of the environment: one for each version of Python and of the requirements."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    if not os.access(next(folder for folder in (cache, *cache.parents) if folder.exists()), os.W_OK):
        cache = Path(tempfile.gettempdir())
    key = hashlib.sha256(REQUIREMENTS.read_bytes() + sys.version.encode()).hexdigest()[:12]
    return cache / "ocpplab-tests" / f"sdk-{key}"


@pytest.fixture(scope="session")
def sdk_python() -> Path:
    """The interpreter of the SDK's environment; it is made when it is not there."""
    folder = environment_folder()
    folder.parent.mkdir(parents=True, exist_ok=True)
    ready = folder / "ready"
    python = folder / "bin" / "python"
    with (folder.parent / f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two test runs at once
        if ready.exists() and python.exists():
            return python
        shutil.rmtree(folder, ignore_errors=True)
        venv.create(folder, with_pip=True)
        install = [
            str(python),
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "-r",
            str(REQUIREMENTS),
        ]
        done = subprocess.run(install, capture_output=True, text=True, timeout=300)
        if done.returncode:
            pytest.fail(f"The SDK could not be installed:\n{done.stderr}", pytrace=False)
        ready.touch()
    return python


class Sdk:
    """Runs scripts of tests/sdk/scripts and returns what they answer."""

    def __init__(self, python: Path, folder: Path, web: Process) -> None:
        self.web = web
        self._python = python
        self._folder = folder

    def __call__(self, script: str, *, token: str | None, organization_id: str | None = None, **arguments: Any) -> Any:
        """Run a script with a client for `sdk.web`; return its answer (see scripts/lab.py)."""
        given = {"base_url": self.web.url, "token": token, "organization_id": organization_id, **arguments}
        done = subprocess.run(
            [str(self._python), f"{script}.py"],
            input=json.dumps(given, default=str),
            capture_output=True,
            text=True,
            cwd=self._folder,
            env={"PATH": os.environ["PATH"], "PYTHONWARNINGS": "error"},
            timeout=SCRIPT_TIMEOUT,
        )
        if done.returncode:
            pytest.fail(f"{script}.py failed:\n{done.stdout}\n{done.stderr}", pytrace=False)
        return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture
def sdk(sdk_python: Path, processes: Processes, tmp_path: Path) -> Sdk:
    """The SDK, ready to talk to a web process of this test's database."""
    folder = tmp_path / "sdk"
    shutil.copytree(HERE / "scripts", folder)
    return Sdk(sdk_python, folder, processes.web())
