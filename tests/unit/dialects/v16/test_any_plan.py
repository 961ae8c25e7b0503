"""SmartCharging of 1.6 with any profiles, cars, clocks, interruptions and restarts: the limits always hold."""

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chargers.protocol import Version, format_time
from chargers.simulator.model.specs import ConnectorSpec, EvseSpec, ModelSpec
from tests.support.frames import DC_COMBO, START, Driver

MIXED = ModelSpec(
    "V",
    "M",
    "1",
    (
        EvseSpec((ConnectorSpec("Type2", 22_000, 3),)),
        EvseSpec((ConnectorSpec("Type2", 7_360, 1), ConnectorSpec("CCS2", 60_000, 0))),
    ),
    70_000,
)
AC = ModelSpec("V", "M", "1", tuple(EvseSpec((ConnectorSpec("Type2", 22_000, 3),)) for _ in range(3)), 30_000)

RARELY = st.sampled_from([False, False, True])
MOMENTS = st.integers(-7_200, 7_200).map(lambda seconds: format_time(START + seconds + 0.25))
LIMITS = st.one_of(st.just(0), st.integers(0, 700).map(lambda tenths: tenths / 10))
STARTS = st.lists(st.integers(1, 5_000), max_size=4, unique=True).map(lambda rest: [0, *sorted(rest)])


@st.composite
def profiles(draw: st.DrawFn) -> dict[str, Any]:
    unit = draw(st.sampled_from("AW"))
    factor = 1 if unit == "A" else 500
    schedule: dict[str, Any] = {
        "chargingRateUnit": unit,
        "chargingSchedulePeriod": [
            {"startPeriod": start, "limit": round(draw(LIMITS) * factor, 1)}
            | draw(st.one_of(st.just({}), st.fixed_dictionaries({"numberPhases": st.integers(1, 3)})))
            for start in draw(STARTS)
        ],
    }
    for name, values in (("startSchedule", MOMENTS), ("duration", st.integers(0, 9_000)), ("minChargingRate", LIMITS)):
        if draw(RARELY):
            schedule[name] = draw(values)
    said: dict[str, Any] = {
        "chargingProfileId": draw(st.integers(1, 6)),
        "stackLevel": draw(st.integers(0, 3)),
        "chargingProfilePurpose": draw(st.sampled_from(["ChargePointMaxProfile", "TxDefaultProfile", "TxProfile"])),
        "chargingProfileKind": draw(st.sampled_from(["Absolute", "Recurring", "Relative"])),
        "chargingSchedule": schedule,
    }
    if said["chargingProfileKind"] == "Recurring":
        said["recurrencyKind"] = draw(st.sampled_from(["Daily", "Weekly"]))
    for name in ("validFrom", "validTo"):
        if draw(RARELY):
            said[name] = draw(MOMENTS)
    if draw(RARELY):
        said["transactionId"] = draw(st.integers(1, 4))
    return said


CONNECTORS = st.integers(0, 4)
HOME = {"ChargePointMaxProfile": 0, "TxDefaultProfile": 0, "TxProfile": 1}
STEPS = st.one_of(
    profiles().map(lambda said: ("set", HOME[said["chargingProfilePurpose"]], said)),
    st.tuples(st.just("set"), CONNECTORS, profiles()),
    st.tuples(st.just("remote"), CONNECTORS, profiles()),
    st.tuples(st.just("clear"), CONNECTORS),
    st.tuples(st.just("charge"), CONNECTORS),
    st.tuples(st.just("stop"), CONNECTORS),
    st.tuples(st.just("wait"), st.integers(1, 4_000)),
    st.tuples(st.just("composite"), CONNECTORS, st.integers(1, 10_000), st.sampled_from("AW")),
    st.tuples(st.just("clock"), st.integers(-4_000, 4_000)),
    st.tuples(st.just("drop")),
    st.tuples(st.just("restart")),
)


class World:
    """One charger, and what holds at any time."""

    def __init__(self, model: ModelSpec) -> None:
        self.model = model
        self.driver = Driver(Version.V16, model=model).boot()
        self.wh = [0] * 8
        for connector in range(1, 5):
            self.driver.intent("plug", connector=connector, vehicle={"soc": 0.05})
            self.driver.intent("start_transaction", connector=connector, id_tag="A")

    def do(self, step: tuple[Any, ...]) -> None:
        getattr(self, f"_{step[0]}")(*step[1:])
        self.check()

    def check(self) -> None:
        """No more is offered than the composite schedules say, no more flows than is offered, no register falls."""
        rows = self.driver.intent("state").data["connectors"]
        whole_second = self.driver.now % 1 == 0  # composite schedules know no other
        for place, row in enumerate(rows):
            assert row["power_w"] <= row["limit_w"] + 1
            promised = self._composite(place + 1, 1, "W")
            if promised is not None and whole_second:
                assert row["limit_w"] <= promised["chargingSchedulePeriod"][0]["limit"] + 1
            assert row["meter_wh"] >= self.wh[place]
            self.wh[place] = row["meter_wh"]
        drawn = sum(row["power_w"] for row in rows)
        assert drawn <= self.model.max_power_w + 1
        promised = self._composite(0, 1, "W")
        if promised is not None and whole_second:
            assert drawn <= promised["chargingSchedulePeriod"][0]["limit"] + 1

    def _set(self, connector: int, said: dict[str, Any]) -> None:
        before = self.driver.memory().get("limits")
        answer = self.driver.ask("SetChargingProfile", {"connectorId": connector, "csChargingProfiles": said})
        if answer is not None and answer.payload["status"] != "Accepted":
            assert self.driver.memory().get("limits") == before

    def _remote(self, connector: int, said: dict[str, Any]) -> None:
        request = {"idTag": "A", "chargingProfile": said} | ({"connectorId": connector} if connector else {})
        self.driver.ask("RemoteStartTransaction", request)

    def _clear(self, connector: int) -> None:
        self.driver.ask("ClearChargingProfile", {"connectorId": connector} if connector < 4 else {})

    def _charge(self, connector: int) -> None:
        self.driver.intent("start_session", connector=connector, id_tag="A")

    def _stop(self, connector: int) -> None:
        self.driver.intent("stop_session", connector=connector)

    def _wait(self, seconds: int) -> None:
        wakes = 0
        end = self.driver.now + seconds
        while (due := self.driver.session.next_wake()) is not None and due <= end:
            self.driver.advance(max(due - self.driver.now, 0.0))
            wakes += 1
            assert wakes < 60 + seconds, "it wakes for nothing"
        self.driver.advance(end - self.driver.now)
        if not self.driver.open:
            self.driver.connect()

    def _composite(self, connector: int, duration: int, unit: str) -> dict[str, Any] | None:
        request = {"connectorId": connector, "duration": duration, "chargingRateUnit": unit}
        answer = self.driver.ask("GetCompositeSchedule", request) if self.driver.open else None
        if answer is None or answer.payload["status"] == "Rejected":
            return None
        schedule: dict[str, Any] = answer.payload["chargingSchedule"]
        starts = [one["startPeriod"] for one in schedule["chargingSchedulePeriod"]]
        assert starts[0] == 0
        assert starts == sorted(set(starts))
        assert starts[-1] < schedule["duration"] <= duration
        return schedule

    def _clock(self, ahead: int) -> None:
        self.driver.script["Heartbeat"] = lambda _call: {"currentTime": format_time(self.driver.now + ahead)}
        self.driver.script["BootNotification"] = lambda _call: {
            "status": "Accepted",
            "interval": 300,
            "currentTime": format_time(self.driver.now + ahead),
        }
        self.driver.ask("TriggerMessage", {"requestedMessage": "Heartbeat"})

    def _drop(self) -> None:
        self.driver.drop()
        self._wait(700)

    def _restart(self) -> None:
        before = self.driver
        memory = before.memory()
        after = Driver(Version.V16, model=self.model, seed=3, memory=memory, now=before.now, script=before.script)
        self.driver = after.boot()
        kept = {row["profile"]["id"] for row in memory.get("limits", [])}
        ended = {row["profile"]["id"] for row in memory.get("limits", []) if row["profile"]["purpose"] == "transaction"}
        assert {row["profile"]["id"] for row in after.memory().get("limits", [])} == kept - ended


@settings(deadline=None, max_examples=120, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from([AC, MIXED, DC_COMBO]), st.lists(STEPS, min_size=3, max_size=25))
def test_the_limits_hold_whatever_comes(model: ModelSpec, steps: list[tuple[Any, ...]]) -> None:
    world = World(model)
    for step in steps:
        world.do(step)


def profile(purpose: str, *, profile_id: int = 1, least: float = 0, **period: float) -> dict[str, Any]:
    """A profile in amperes with one period."""
    schedule = {"chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, **period}]}
    return {
        "chargingProfileId": profile_id,
        "stackLevel": 0,
        "chargingProfilePurpose": purpose,
        "chargingProfileKind": "Absolute",
        "chargingSchedule": schedule | ({"minChargingRate": least} if least else {}),
    }


def test_a_maximum_on_one_phase_is_kept_while_a_dc_connector_charges_too() -> None:
    world = World(MIXED)
    most = profile("ChargePointMaxProfile", limit=31.9, numberPhases=1)
    for step in (("stop", 2), ("set", 0, most), ("remote", 0, profile("TxProfile", profile_id=2, limit=0))):
        world.do(step)


def test_a_maximum_holds_for_a_car_on_one_phase() -> None:
    world = World(MIXED)
    for step in (("stop", 1), ("set", 0, profile("ChargePointMaxProfile", limit=16))):
        world.do(step)


def offered(world: World) -> list[float]:
    return [row["limit_w"] for row in world.driver.intent("state").data["connectors"]]


def test_the_maximum_of_each_phase_holds_for_what_profiles_put_on_one() -> None:
    world = World(AC)
    for step in (("stop", 2), ("stop", 3), ("set", 0, profile("ChargePointMaxProfile", limit=16))):
        world.do(step)
    world.do(("set", 0, profile("TxDefaultProfile", profile_id=2, limit=32, numberPhases=1, least=8)))
    assert offered(world) == [3_680, 0, 0]


def test_cars_on_one_phase_share_what_that_phase_may_carry() -> None:
    world = World(AC)
    for step in (("stop", 3), ("set", 0, profile("ChargePointMaxProfile", limit=32))):
        world.do(step)
    world.do(("set", 0, profile("TxDefaultProfile", profile_id=2, limit=20, numberPhases=1)))
    assert sum(offered(world)) <= 32 * 230
    assert min(offered(world)[:2]) > 6 * 230
