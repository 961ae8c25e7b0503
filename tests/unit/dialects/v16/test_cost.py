"""What a charger costs. The bounds are wide, since the machine may be busy; the goals are in the messages."""

import gc
import tracemalloc

import orjson

from chargers.protocol import Version
from chargers.simulator.effects import Send
from chargers.simulator.session import Session
from tests.support.frames import START, spec

ANSWERS = {
    "BootNotification": {"status": "Accepted", "interval": 300, "currentTime": "2023-11-14T22:13:20Z"},
    "Heartbeat": {"currentTime": "2023-11-14T22:13:20Z"},
    "StartTransaction": {"transactionId": 7, "idTagInfo": {"status": "Accepted"}},
}


def answered(session, effects, now):
    """Answer every CALL; returns how many there were."""
    count, todo = 0, list(effects)
    while todo:
        effect = todo.pop(0)
        if isinstance(effect, Send):
            frame = orjson.loads(effect.text)
            count += 1
            todo += session.text(now, orjson.dumps([3, frame[1], ANSWERS.get(frame[2], {})]).decode())
    return count


def booted(seed):
    session = Session(spec(Version.V16), now=START, seed=seed)
    session.start(START)
    answered(session, session.connected(START, "ocpp1.6"), START)
    return session


def test_an_idle_charger_is_small():
    booted(0)
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    kept = [booted(seed) for seed in range(200)]
    gc.collect()
    each = (tracemalloc.get_traced_memory()[0] - before) / len(kept)
    tracemalloc.stop()
    assert each < 4096, f"{each:.0f} B a session"
