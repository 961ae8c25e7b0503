"""Whatever people, CSMS, connection and process do: the transactions that the charger tells of are true and whole.

The CSMS of this test counts for itself. What must hold at the end, when all is calm again: every transaction of the
ledger was told once, in order, and its energy is right to the watt-hour.
"""

from itertools import pairwise

import orjson
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from chargers.protocol import CallError, Version, format_time
from chargers.simulator.effects import (
    Intent,
    MessageAccepted,
    MessageDropped,
    Settled,
    TransactionSampled,
    TransactionStarted,
    TransactionStopped,
)
from tests.support.frames import AC_TWIN, DC_COMBO, START, Driver

OURS = {"StartTransaction", "MeterValues", "StopTransaction"}
REGISTER = "Energy.Active.Import.Register"
TAGS = st.sampled_from(["A", "B", "bad"])
CONNECTORS = st.sampled_from([1, 2])


class Csms:
    """Counts transactions; may fail, hang or answer after the connection is gone."""

    def __init__(self):
        self.mood = "well"
        self.taken = []  #: every transaction message that it answered with a result, in order
        self.numbers = {}

    def answer(self, call):
        if self.mood == "silent":
            return None
        if self.mood == "failing" and call.action in OURS:
            return CallError("", "InternalError", "", {})
        if call.action in OURS and (call.action != "MeterValues" or "transactionId" in call.payload):
            self.taken.append((call.action, call.payload))
        status = {"status": "Blocked" if call.payload.get("idTag") == "bad" else "Accepted"}
        if call.action == "StartTransaction":
            start = (call.payload["connectorId"], call.payload["timestamp"], call.payload["meterStart"])
            number = self.numbers.setdefault(start, len(self.numbers) + 1)
            return {"transactionId": number, "idTagInfo": status}
        return {"Authorize": {"idTagInfo": status}}.get(call.action, {})


class Life(RuleBasedStateMachine):
    @initialize(model=st.sampled_from([AC_TWIN, DC_COMBO]), seed=st.integers(0, 999))
    def begin(self, model, seed):
        self.model, self.seed, self.now = model, seed, START
        self.csms = Csms()
        self.events = []
        self.intents = []
        self.settled = []
        self.driver = None
        self.stale = False
        self._power_on(None)

    def _power_on(self, memory):
        self.seed += 1
        script = dict.fromkeys(("Authorize", "StartTransaction", "MeterValues", "StopTransaction"), self.csms.answer)
        self.driver = Driver(Version.V16, model=self.model, seed=self.seed, script=script, memory=memory, now=self.now)
        self.driver.keeps = True
        self.driver.boot()
        configuration = {"TransactionMessageAttempts": "1000", "TransactionMessageRetryInterval": "5"}
        self._order("set_configuration", configuration=configuration)

    def _harvest(self):
        self.events += [one.event for one in self.driver.effects if hasattr(one, "event")]
        self.settled += [one.intent_id for one in self.driver.of(Settled)]
        self.driver.clear()

    def _order(self, kind, **data):
        self.driver.advance(0.01)  # nothing happens twice in one instant
        self.intents.append(f"{kind}-{len(self.intents)}")
        self.driver._take(self.driver.session.intent(self.driver.now, Intent(self.intents[-1], kind, data)))

    @rule(connector=CONNECTORS, soc=st.sampled_from([0.1, 0.5, 0.99]))
    def plug(self, connector, soc):
        self._order("plug", connector=connector, vehicle={"name": "Renault Zoe R135", "soc": soc, "target_soc": 1.0})

    @rule(connector=CONNECTORS)
    def unplug(self, connector):
        self._order("unplug", connector=connector)

    @rule(connector=CONNECTORS, tag=TAGS)
    def present(self, connector, tag):
        self._order("present", connector=connector, id_tag=tag)

    @rule(connector=CONNECTORS, tag=TAGS, energy=st.sampled_from([None, 0.2, 5]))
    def session(self, connector, tag, energy):
        self._order("start_session", connector=connector, id_tag=tag, target_energy_kwh=energy)

    @rule(connector=CONNECTORS, tag=TAGS)
    def start(self, connector, tag):
        self._order("start_transaction", connector=connector, id_tag=tag)

    @rule(connector=CONNECTORS)
    def stop_session(self, connector):
        self._order("stop_session", connector=connector)

    @rule(connector=CONNECTORS, fault=st.sampled_from(["OverCurrent", None]))
    def fault(self, connector, fault):
        self._order("inject_fault" if fault else "clear_fault", connector=connector, fault_type=fault)

    @rule(connector=CONNECTORS, wants=st.booleans())
    def appetite(self, connector, wants):
        self._order("ev_requests_energy" if wants else "ev_stops_energy", connector=connector)

    @rule(key=st.sampled_from(["StopTransactionOnInvalidId", "StopTransactionOnEVSideDisconnect",
                               "AllowOfflineTxForUnknownId", "LocalPreAuthorize"]), value=st.booleans())  # fmt: skip
    def configure(self, key, value):
        self._order("set_configuration", configuration={key: str(value).lower()})

    @rule(interval=st.sampled_from([0, 7, 60]))
    def sampling(self, interval):
        self._order("set_configuration", configuration={"MeterValueSampleInterval": interval})

    @rule(number=st.integers(1, 6))
    def remote_stop(self, number):
        if self.driver.open:
            self.driver.ask("RemoteStopTransaction", {"transactionId": number})

    @rule(connector=CONNECTORS, tag=TAGS)
    def remote_start(self, connector, tag):
        self.driver.advance(0.01)
        if self.driver.open:
            self.driver.ask("RemoteStartTransaction", {"connectorId": connector, "idTag": tag})

    @rule(kind=st.sampled_from(["Hard", "Soft"]))
    def reset(self, kind):
        if self.driver.open:
            self.driver.ask("Reset", {"type": kind})

    @rule(mood=st.sampled_from(["well", "failing", "silent"]))
    def mood(self, mood):
        self.csms.mood = mood

    @rule()
    def disconnect(self):
        if self.driver.open or self.driver.waits_for_end:
            self.driver.drop()

    @rule()
    def reconnect(self):
        if self.driver.dialling:
            self.driver.connect()

    @rule(seconds=st.sampled_from([1, 20, 300, 4000]))
    def wait(self, seconds):
        self.driver.advance(seconds)

    @rule(dead=st.sampled_from([0, 10, 5000]), late=st.booleans())
    def kill(self, dead, late):
        """The process dies: with the memory of just now, or with that of when it last asked to keep it."""
        memory = self.driver.kept if late else self.driver.memory()
        self.stale = self.stale or late
        self._harvest()
        self.settled += [one for one in self.intents if one not in self.settled]  # the shell says that they are lost
        self.now = self.driver.now + dead
        self._power_on(memory)

    @rule(seconds=st.sampled_from([0.1, 100.0]))
    def move(self, seconds):
        """Another host takes the charger over with its power on."""
        self.driver.advance(0.01)
        self.driver.move(seconds)
        if self.driver.dialling:
            self.driver.connect()

    @rule()
    def power_cycle(self):
        self.driver.advance(0.01)
        self.driver.stop()
        self.driver.start()
        self.driver.connect()

    @invariant()
    def every_message_is_bounded(self):
        if self.driver is not None:
            assert len(orjson.dumps(self.driver.session.memory())) < 300_000

    def teardown(self):
        if getattr(self, "driver", None) is None:
            return
        self.csms.mood = "well"
        for _ in range(6):  # calm: whatever is under way comes to its end
            self.driver.settle_connection()
            self.driver.advance(400)
        for connector in (1, 2):
            self._order("stop_session", connector=connector)
        self.driver.advance(60)
        assert self.driver.intent("state").data["queue_length"] == 0
        self._harvest()
        assert sorted(set(self.settled) & set(self.intents)) == sorted(self.intents)
        self._check()

    def _check(self):
        started = {one.key: one for one in self.events if isinstance(one, TransactionStarted)}
        stopped = {one.key: one for one in self.events if isinstance(one, TransactionStopped)}
        assert len(started) == len([one for one in self.events if isinstance(one, TransactionStarted)])
        assert started.keys() == stopped.keys()
        told = {}
        for action, payload in self.csms.taken:
            if action == "StartTransaction":
                key = (payload["connectorId"], payload["timestamp"], payload["meterStart"])
                told.setdefault(self.csms.numbers[key], []).append((action, payload))
            else:
                told[payload["transactionId"]].append((action, payload))
        assert len(told) == len(started)
        by_start = {(one.connector, one.meter_start, format_time(one.at)): one for one in started.values()}
        for messages in told.values():
            actions = [action for action, _ in messages]
            assert (actions.count("StartTransaction"), actions.count("StopTransaction")) == (1, 1)
            assert (actions[0], actions[-1]) == ("StartTransaction", "StopTransaction")
            begun, ended = messages[0][1], messages[-1][1]
            mine = by_start.pop((begun["connectorId"], begun["meterStart"], begun["timestamp"]))
            assert ended["meterStop"] == stopped[mine.key].meter_stop
            assert ended["reason"] == stopped[mine.key].reason
            registers = [begun["meterStart"], *dict.fromkeys(self._registers(messages)), ended["meterStop"]]
            assert registers == sorted(registers)
            sampled = [
                one.meter_wh for one in self.events if isinstance(one, TransactionSampled) and one.key == mine.key
            ]
            thinned = any(isinstance(one, MessageDropped) and one.key == mine.key for one in self.events)
            # what was made or taken in after the memory was kept may be forgotten or said again, but never made up
            assert self._registers(messages) == sampled or (
                (self.stale or thinned) and set(self._registers(messages)) <= set(sampled)
            )
            sequences = [
                one.sequence for one in self.events if isinstance(one, MessageAccepted) and one.key == mine.key
            ]
            assert sequences == sorted(set(sequences)) or self.stale
        assert not by_start
        for connector in (1, 2):
            mine = sorted(
                (one.meter_start, stopped[one.key].meter_stop) for one in started.values() if one.connector == connector
            )
            assert all(before[1] <= after[0] for before, after in pairwise(mine))

    def _registers(self, messages):
        return [
            int(one["value"])
            for action, payload in messages
            if action == "MeterValues"
            for value in payload["meterValue"]
            for one in value["sampledValue"]
            if one["measurand"] == REGISTER
        ]


Life.TestCase.settings = settings(
    max_examples=40, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
)
TestAnyLife = Life.TestCase
