"""The other end of `csms_process`: orders for the CSMS, and looks at what it has seen."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

ROOT = Path(__file__).resolve().parents[3]
#: what the CSMS sets at each charger: seconds between samples, and between tries of a message
QUICK = {
    "MeterValueSampleInterval": "1",
    "TransactionMessageRetryInterval": "1",
    "AllowOfflineTxForUnknownId": "true",
}


@dataclass(frozen=True)
class View:
    """What the CSMS sees: open sockets by identity, and what it has seen of sockets that should not have been.

    `overlaps` are connections that came while their charger's client still held another; `stale_voices` are messages
    on a connection that was left behind so. `complaints` are about messages that contradict earlier ones.
    """

    sockets: dict[str, int]
    overlaps: list[str]
    stale_voices: list[str]
    complaints: list[str]
    opened: int
    messages: int


class Csms:
    """A CSMS that misbehaves on order.

    with Csms() as csms:
        csms.url                    # for ws_url
        csms.behave(mute=True)      # takes everything, answers nothing
        csms.behave()               # is good again
        csms.drop()                 # cuts all connections
    """

    def __init__(self, keys: dict[str, str] = QUICK) -> None:
        self._keys = keys

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", "tests.support.chaos.csms_process", json.dumps(self._keys)]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT, start_new_session=True
        )
        self.url = f"ws://127.0.0.1:{self._read()}/ocpp"
        return self

    def __exit__(self, *exc: object) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(10)
        finally:
            self._process.kill()
            self._process.wait()
            self._process.stdout.close()

    def behave(self, *, mute: bool = False, deaf: bool = False, delay: float = 0.0) -> None:
        """From now on: answer nothing, answer no opening handshake, answer after `delay` seconds; by default be good.

        A mute one notes what it is told all the same.
        """
        self._order(do="behave", mute=mute, deaf=deaf, delay=delay)

    def drop(self) -> int:
        """Cut all connections at once; return how many."""
        return int(self._order(do="drop"))

    def half_close(self) -> int:
        """Say on all connections that nothing more will come, and go on reading; return how many."""
        return int(self._order(do="half_close"))

    def view(self) -> View:
        return View(**self._order(do="view"))

    def books(self) -> dict[str, list[dict[str, Any]]]:
        """Transactions by identity: id, the payloads of start and stop, samples of the register."""
        told: dict[str, list[dict[str, Any]]] = self._order(do="books")
        return told

    def _order(self, **order: Any) -> Any:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{json.dumps(order)}\n".encode())
        self._process.stdin.flush()
        return self._read()

    def _read(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, f"the CSMS ended with {self._process.wait(10)}"
        return json.loads(line)
