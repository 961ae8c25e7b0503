"""Chromium without a window, led over its own protocol: pages as people's browsers take them, and their complaints.

with Browser(tmp_path) as browser:
    page = browser.open(f"{web.url}/fleet", cookies={"sessionid": "..."})
    page.until("document.querySelector('.tile')")
    assert browser.complaints == []
"""

import itertools
import json
import shutil
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

from websockets.sync.client import connect

from ocpplab.processes import spawn, stop
from tests.support.waiting import eventually

PROGRAM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
PATIENCE = 40.0  # s


class Browser:
    """One browser with one page. `complaints` are errors of its console, security errors, and uncaught exceptions."""

    def __init__(self, folder: Path) -> None:
        self.complaints: list[str] = []
        self._folder = folder / "chromium"
        self._ids = itertools.count(1)
        self._loaded = False

    def __enter__(self) -> Self:
        assert PROGRAM is not None
        options = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"]
        options += ["--remote-debugging-port=0", f"--user-data-dir={self._folder}", "--disable-background-networking"]
        self._process = spawn([PROGRAM, *options, "about:blank"], stdout=subprocess.DEVNULL, env=None, cwd=None)
        port_file = self._folder / "DevToolsActivePort"
        port, path = eventually(
            lambda: port_file.exists() and len(port_file.read_text().split()) == 2 and port_file.read_text().split(),
            timeout=PATIENCE,
            what="Chromium listens",
        )
        self._dial = connect(f"ws://127.0.0.1:{port}{path}", max_size=None, proxy=None)
        self._line = self._dial.__enter__()
        target = self._ask("Target.createTarget", {"url": "about:blank"}, session=None)["targetId"]
        attach = {"targetId": target, "flatten": True}
        self._session = self._ask("Target.attachToTarget", attach, session=None)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self._ask(f"{domain}.enable")
        return self

    def __exit__(self, *exc: object) -> None:
        self._dial.__exit__(None, None, None)
        stop(self._process, grace=5)

    def open(self, url: str, *, cookies: Mapping[str, str] | None = None) -> Self:
        """Go to a page and wait until it is loaded."""
        for name, value in (cookies or {}).items():
            self._ask(
                "Network.setCookie", {"name": name, "value": value, "domain": urlsplit(url).hostname, "path": "/"}
            )
        self._loaded = False
        self._ask("Page.navigate", {"url": url})
        deadline = time.monotonic() + PATIENCE
        while not self._loaded:
            assert time.monotonic() < deadline, f"{url} was not loaded"
            self._take(PATIENCE)
        return self

    def value(self, expression: str) -> Any:
        """What an expression is worth in the page."""
        given = {"expression": expression, "returnByValue": True}
        return self._ask("Runtime.evaluate", given)["result"].get("value")

    def until(self, expression: str) -> Any:
        """Wait until an expression is true in the page."""
        return eventually(lambda: self.value(f"Boolean({expression})"), timeout=PATIENCE, what=expression)

    def _ask(self, method: str, params: dict[str, Any] | None = None, *, session: str | None = "") -> dict[str, Any]:
        number = next(self._ids)
        message: dict[str, Any] = {"id": number, "method": method, "params": params or {}}
        if session is not None:
            message["sessionId"] = session or self._session
        self._line.send(json.dumps(message))
        while True:
            answer = self._take(PATIENCE)
            if answer.get("id") == number:
                assert "error" not in answer, answer
                return dict(answer["result"])

    def _take(self, timeout: float) -> dict[str, Any]:
        message: dict[str, Any] = json.loads(self._line.recv(timeout=timeout))
        params = message.get("params", {})
        match message.get("method"):
            case "Page.loadEventFired":
                self._loaded = True
            case "Log.entryAdded" if params["entry"]["level"] in {"error", "warning"}:
                entry = params["entry"]
                self.complaints.append(f"{entry['source']}: {entry['text']} {entry.get('url', '')}")
            case "Runtime.consoleAPICalled" if params["type"] in {"error", "assert"}:
                self.complaints.append(f"console: {[one.get('value') for one in params['args']]}")
            case "Runtime.exceptionThrown":
                self.complaints.append(f"exception: {params['exceptionDetails'].get('exception')}")
        return message
