"""manage.py as somebody meets it who has forgotten what it needs."""

import os
import subprocess
import sys

from ocpplab.embedded import free_port
from tests.support.processes import ROOT


def test_a_database_that_does_not_answer_is_two_lines_and_not_a_traceback() -> None:
    env = {**os.environ, "DATABASE_URL": f"postgresql://nobody:pw@127.0.0.1:{free_port()}/none"}
    done = subprocess.run(
        [sys.executable, "manage.py", "reconcile"],
        env=env,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 1
    said = done.stderr.strip().splitlines()
    assert len(said) == 2, done.stderr
    assert said[0].startswith("The database of DATABASE_URL cannot be used: ")
    assert ". .lab/env" in said[1]
