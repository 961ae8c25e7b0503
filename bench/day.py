"""What one charger costs without network or database: a day of charging, and memory at rest."""

import gc
import statistics
import time
import tracemalloc
from typing import Any

import orjson

from chargers.simulator.effects import Effect, Intent, Send
from chargers.simulator.model.specs import ChargerSpec, ConnectorSpec, EvseSpec, ModelSpec
from chargers.simulator.session import Session

START = 1_700_000_000.0  # 2023-11-14T22:13:20Z
DAY = 86_400
NOW = "2023-11-14T22:13:20Z"
ANSWERS: dict[str, dict[str, Any]] = {
    "BootNotification": {"status": "Accepted", "interval": 300, "currentTime": NOW},
    "Heartbeat": {"currentTime": NOW},
    "StartTransaction": {"transactionId": 7, "idTagInfo": {"status": "Accepted"}},
}
CHARGER = ChargerSpec(
    identity="BENCH",
    serial="BENCH",
    model=ModelSpec(
        vendor="Bench",
        model="Two times 22 kW",
        firmware="1.0.0",
        evses=(EvseSpec((ConnectorSpec("Type2", 22_000, 3),)), EvseSpec((ConnectorSpec("Type2", 22_000, 3),))),
        max_power_w=44_000,
    ),
    ocpp_version="OCPP1.6",
)


def answer_all(session: Session, effects: list[Effect], now: float) -> int:
    """Answer every CALL as an obliging CSMS does; return how many there were."""
    calls, todo = 0, list(effects)
    while todo:
        effect = todo.pop(0)
        if isinstance(effect, Send):
            frame = orjson.loads(effect.text)
            calls += 1
            todo += session.text(now, orjson.dumps([3, frame[1], ANSWERS.get(frame[2], {})]).decode())
    return calls


def booted(seed: int) -> Session:
    """A charger that the CSMS has accepted."""
    session = Session(CHARGER, now=START, seed=seed)
    session.start(START)
    answer_all(session, session.connected(START, "ocpp1.6"), START)
    return session


def charge_a_day(seed: int) -> tuple[float, int]:
    """Charge for 24 h with a sample every 60 s; return the CPU seconds, the CSMS's JSON included, and the CALLs."""
    session = booted(seed)
    vehicle = {"name": "Renault Zoe R135", "soc": 0.01, "target_soc": 1.0}
    session.intent(START, Intent("p", "plug", {"vehicle": vehicle}))
    session.intent(START, Intent("w", "power_update", {"power_w": 2000}))  # slow enough to last the whole day
    began = time.process_time()
    calls = answer_all(session, session.intent(START, Intent("s", "start_transaction", {"id_tag": "T"})), START)
    while (now := session.next_wake()) is not None and now <= START + DAY:
        calls += answer_all(session, session.wake(now), now)
    return time.process_time() - began, calls


def memory_at_rest(chargers: int = 200) -> float:
    """Return the bytes of one accepted charger's session."""
    booted(0)
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    kept = [booted(seed) for seed in range(chargers)]
    gc.collect()
    each = (tracemalloc.get_traced_memory()[0] - before) / len(kept)
    tracemalloc.stop()
    return each


def day(repeat: int) -> dict[str, Any]:
    """Measure; medians of `repeat` days."""
    days = [charge_a_day(seed) for seed in range(repeat)]
    return {
        "day of charging, CPU ms": round(statistics.median(spent for spent, _ in days) * 1000, 1),
        "calls in it": days[0][1],
        "session at rest, bytes": round(memory_at_rest()),
    }


if __name__ == "__main__":
    print(day(5))
