"""The bench with real processes, small and short: it must not rot between two full runs."""

import json
import subprocess
import sys

import pytest

from tests.support.lab import OURS, ROOT

pytestmark = pytest.mark.system


@pytest.mark.timeout(400)
def test_a_quick_run_measures_chargers_beside_the_bare_limit(tmp_path, monkeypatch):
    for name in OURS:
        monkeypatch.delenv(name, raising=False)  # the bench's lab brings its own servers
    command = [sys.executable, "-m", "bench.run", "--quick", "--only", "ladder", "--sizes", "20"]
    done = subprocess.run([*command, "--results", str(tmp_path)], cwd=ROOT, capture_output=True, text=True, timeout=380)
    assert done.returncode == 0, done.stdout + done.stderr
    (written,) = tmp_path.glob("*.json")
    results = json.loads(written.read_text())
    (rung,) = results["ladder"]
    for side in ("bare", "ours"):
        assert rung["chargers"] == 20
        assert rung[side]
    charging = rung["ours"]["charge"]["all"]
    # Twenty chargers with a sample every five seconds: four meter values a second, besides the heartbeats.
    assert charging["exchanges/s"] >= 4 * 0.7
    assert charging["arrival ms"]["p50"] >= 0
    assert rung["ours"]["flood"]["all"]["exchanges/s"] > 2 * charging["exchanges/s"]
    assert rung["ours"]["memory"]["MB"] > rung["bare"]["MB"]
    assert "HIGHEST RATE" in done.stdout
    assert written.with_suffix(".md").read_text().startswith("# Performance")
    assert written.with_suffix(".svg").read_text().startswith("<svg")
