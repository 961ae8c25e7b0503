"""Whatever a CSMS does, a charger keeps the rules. The driver checks every frame, this what must hold in between."""

import orjson
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from chargers.protocol import CallError, Version, actions, error_codes
from chargers.simulator.effects import Close, Connect, ConnectionState
from tests.support.frames import AC_TWIN, DC_COMBO, Driver

SCALAR = st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.floats(allow_nan=False) | st.text(max_size=8)
JSON = st.recursive(SCALAR, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3))
STATUS = st.sampled_from(["Accepted", "Pending", "Rejected", "accepted", 5])
TIME = st.sampled_from(["2024-02-29T12:00:00Z", "2024-02-29T12:00:00", "9999-12-31T23:59:59Z", "x", "", None])
INTERVAL = st.sampled_from([0, 1, 5, 300, -1, 10**9, 10**18, 1.0, "60"])
BOOT_ANSWER = st.fixed_dictionaries({"status": STATUS, "interval": INTERVAL, "currentTime": TIME})
REQUESTS = st.sampled_from(
    [
        ("Reset", {"type": "Soft"}),
        ("Reset", {"type": "Immediate"}),
        ("Reset", {"type": "OnIdle", "evseId": 1}),
        ("TriggerMessage", {"requestedMessage": "Heartbeat"}),
        ("TriggerMessage", {"requestedMessage": "BootNotification"}),
        ("TriggerMessage", {"requestedMessage": "StatusNotification"}),
        ("TriggerMessage", {"requestedMessage": "StatusNotification", "evse": {"id": 1, "connectorId": 1}}),
        ("ChangeAvailability", {"connectorId": 0, "type": "Inoperative"}),
        ("ChangeAvailability", {"connectorId": 1, "type": "Operative"}),
        ("ChangeAvailability", {"operationalStatus": "Inoperative", "evse": {"id": 1}}),
        ("ChangeAvailability", {"operationalStatus": "Operative"}),
        ("GetConfiguration", {}),
        ("ChangeConfiguration", {"key": "HeartbeatInterval", "value": "1"}),
        ("ChangeConfiguration", {"key": "WebSocketPingInterval", "value": "0"}),
        ("GetBaseReport", {"requestId": 1, "reportBase": "FullInventory"}),
        ("DataTransfer", {"vendorId": "v"}),
    ]
)


class AnyCsms(RuleBasedStateMachine):
    """A CSMS, a network and a lab that do anything in any order."""

    @initialize(version=st.sampled_from(list(Version)), model=st.sampled_from([AC_TWIN, DC_COMBO]), seed=st.integers())
    def power_on(self, version, model, seed):
        self.driver = Driver(version, model=model, seed=seed, automatic=False)
        self.driver.start()
        self.dialing = True

    def _look(self):
        """Follow what the session did to its connection."""
        for effect in self.driver.effects:
            if isinstance(effect, Connect):
                self.dialing = True
            elif isinstance(effect, Close):
                self.dialing = False
        closed = any(isinstance(effect, Close) for effect in self.driver.effects)
        self.driver.clear()
        if closed:
            self.driver.drop("closed")
            self.driver.clear()

    @precondition(lambda self: self.dialing and not self.driver.open)
    @rule(right=st.sampled_from([True, True, True, False]))
    def dial_succeeds(self, right):
        self.dialing = False
        self.driver.connect("" if right else "nonsense")
        self._look()

    @precondition(lambda self: self.dialing or self.driver.open)
    @rule()
    def connection_breaks(self):
        self.dialing = False
        self.driver.drop()
        self._look()

    @rule(seconds=st.sampled_from([0, 0.5, 3, 31, 400, 4000]))
    def time_passes(self, seconds):
        assert self.driver.outstanding is None or self.driver.session.next_wake() is not None
        self.driver.advance(seconds)
        self._look()

    @precondition(lambda self: self.driver.open and self.driver.outstanding is not None)
    @rule(answer=st.none() | BOOT_ANSWER | JSON.filter(lambda value: isinstance(value, dict)))
    def csms_answers(self, answer):
        self.driver.reply(answer)
        self._look()

    @precondition(lambda self: self.driver.open and self.driver.outstanding is not None)
    @rule(code=st.sampled_from([*sorted(error_codes(Version.V16)), "", "x" * 500]), text=st.text(max_size=300))
    def csms_refuses(self, code, text):
        self.driver.reply(CallError("", code, text))
        self._look()

    @precondition(lambda self: self.driver.open)
    @rule(request=REQUESTS)
    def csms_asks(self, request):
        self.driver.ask(*request)
        self._look()

    @precondition(lambda self: self.driver.open)
    @rule(version=st.sampled_from(list(Version)), data=st.data())
    def csms_asks_nonsense(self, version, data):
        action = data.draw(st.sampled_from(sorted(actions(version))) | st.text(max_size=10))
        payload = data.draw(JSON.filter(lambda value: isinstance(value, dict)))
        self.driver.ask(action, payload)
        self._look()

    @rule(raw=JSON | st.lists(JSON, min_size=2, max_size=5).map(lambda rest: [3, *rest]))
    def csms_says_any_json(self, raw):
        self.driver.say(orjson.dumps(raw).decode())
        self._look()

    @rule(text=st.text(max_size=20))
    def csms_says_anything(self, text):
        self.driver.say(text)
        self._look()

    @rule()
    def csms_sends_bytes(self):
        self.driver.binary()
        self._look()

    @rule()
    def somebody_resets_it(self):
        self.driver.intent("reset")
        if not self.driver.open:
            self.driver.registration = "none"
        self._look()

    @invariant()
    def it_is_never_stuck(self):
        """Either something is awaited from outside, or there is a time to wake it."""
        if hasattr(self, "driver") and not self.driver.open and not self.dialing:
            assert self.driver.session.next_wake() is not None

    def teardown(self):
        """However it went: a CSMS that behaves from now on has it online within the longest wait."""
        if not hasattr(self, "driver"):
            return
        driver = self.driver
        driver.clear()
        if driver.open or self.dialing:
            driver.drop()
        self._wake_until(lambda: any(isinstance(effect, Connect) for effect in driver.effects))
        driver.automatic = True
        driver.connect()
        self._wake_until(lambda: driver.state is ConnectionState.ONLINE)

    def _wake_until(self, reached):
        # An interval that the CSMS named may be 30 days, but there are few deadlines on the way.
        for _ in range(40):
            if reached():
                return
            due = self.driver.session.next_wake()
            assert due is not None
            self.driver.advance(max(0.0, due - self.driver.now))
        raise AssertionError(f"still {self.driver.state}")


AnyCsms.TestCase.settings = settings(
    max_examples=120, stateful_step_count=40, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
test_any_csms = AnyCsms.TestCase
