"""SmartCharging of 1.6 (§3.13): profiles come, bend the power, and go."""

from itertools import pairwise

import pytest

from chargers.protocol import Version, format_time
from chargers.simulator.effects import Remember
from chargers.simulator.model.specs import ConnectorSpec, EvseSpec, ModelSpec
from tests.support.frames import DC_COMBO, START, Driver

HOUR = 3_600
ZOE = {"name": "Renault Zoe R135", "soc": 0.05}
TESLA = "Tesla Model 3 Long Range"
NARROW = ModelSpec("V", "M", "1", tuple(EvseSpec((ConnectorSpec("Type2", 22_080, 3),)) for _ in range(2)), 22_080)


@pytest.fixture
def driver():
    return Driver(Version.V16).boot().clear()


def profile(*periods, purpose="TxDefaultProfile", number=1, level=0, kind="Absolute", unit="A", **more):
    """A profile of periods (start, limit) or (start, limit, phases); `more` may hold fields of either object."""
    schedule = {
        "chargingRateUnit": unit,
        "chargingSchedulePeriod": [
            dict(zip(("startPeriod", "limit", "numberPhases"), one, strict=False)) for one in periods
        ],
    }
    for name in ("startSchedule", "duration", "minChargingRate"):
        if name in more:
            schedule[name] = more.pop(name)
    return {
        "chargingProfileId": number,
        "stackLevel": level,
        "chargingProfilePurpose": purpose,
        "chargingProfileKind": kind,
        "chargingSchedule": schedule,
        **more,
    }


def install(driver, connector, said):
    return driver.ask("SetChargingProfile", {"connectorId": connector, "csChargingProfiles": said}).payload["status"]


def clear(driver, **filters):
    return driver.ask("ClearChargingProfile", filters).payload["status"]


def composite(driver, connector=1, duration=HOUR, unit="A"):
    answer = driver.ask(
        "GetCompositeSchedule", {"connectorId": connector, "duration": duration, "chargingRateUnit": unit}
    ).payload
    if answer["status"] != "Accepted":
        return answer
    return [(one["startPeriod"], one["limit"]) for one in answer["chargingSchedule"]["chargingSchedulePeriod"]]


def charge(driver, connector=1, vehicle=ZOE):
    driver.intent("plug", connector=connector, vehicle=vehicle)
    assert driver.intent("start_transaction", connector=connector, id_tag="ALICE").ok


def at(driver, connector=1):
    """Where a connector stands."""
    return driver.intent("state").data["connectors"][connector - 1]


def limit(driver, connector=1):
    return round(at(driver, connector)["limit_w"])


def number_of(driver, connector=1):
    return at(driver, connector)["transaction"]["transaction_id"]


def statuses(driver, connector=1):
    told = driver.statuses(connector)
    driver.clear()
    return told


# the limit bends the power


def test_half_the_current_is_half_the_energy(driver):
    free = Driver(Version.V16).boot()
    assert install(driver, 0, profile((0, 16))) == "Accepted"
    energy = []
    for one in (free, driver):
        charge(one)
        one.advance(HOUR)
        energy.append(one.intent("stop_transaction").data["energy_wh"])
    assert energy == [22_000, 11_040]


def test_the_limit_shows_in_the_meter_values(driver):
    measurands = "Power.Offered,Current.Offered,Power.Active.Import,Current.Import"
    driver.ask("ChangeConfiguration", {"key": "MeterValuesSampledData", "value": measurands})
    install(driver, 1, profile((0, 10)))
    charge(driver)
    driver.advance(61)
    values = {}
    for one in driver.calls("MeterValues")[-1].payload["meterValue"][0]["sampledValue"]:
        values.setdefault(one["measurand"], []).append((float(one["value"]), one["unit"]))
    assert values["Power.Offered"] == [(6_900.0, "W")]
    assert values["Current.Offered"] == [(10.0, "A")]
    assert sum(value for value, _ in values["Power.Active.Import"]) == pytest.approx(6_900, abs=2)
    assert all(0 < value <= 10 for value, _ in values["Current.Import"])


def test_a_limit_of_zero_suspends_and_the_csms_is_told_when_it_goes_on(driver):
    charge(driver)
    driver.clear()
    assert install(driver, 1, profile((0, 0), (600, 16), startSchedule=format_time(driver.now))) == "Accepted"
    assert statuses(driver) == ["SuspendedEVSE"]
    assert at(driver)["power_w"] == 0
    driver.advance(599)
    assert statuses(driver) == []
    driver.advance(2)
    assert statuses(driver) == ["Charging"]
    assert limit(driver) == 11_040


def test_less_than_six_amperes_suspends(driver):
    charge(driver)
    driver.clear()
    install(driver, 1, profile((0, 5.9)))
    assert statuses(driver) == ["SuspendedEVSE"]
    install(driver, 1, profile((0, 6)))
    assert statuses(driver) == ["Charging"]


def test_below_the_least_rate_nothing_is_charged(driver):
    charge(driver)
    driver.clear()
    install(driver, 1, profile((0, 9), minChargingRate=10))
    assert statuses(driver) == ["SuspendedEVSE"]


def test_a_dc_charger_obeys_watts():
    driver = Driver(Version.V16, model=DC_COMBO).boot().clear()
    install(driver, 0, profile((0, 10_000), (1_800, 20_000), unit="W", startSchedule=format_time(driver.now)))
    driver.intent("plug", vehicle={"soc": 0.1})
    driver.intent("start_transaction", id_tag="ALICE")
    assert limit(driver) == 10_000
    driver.advance(HOUR)
    assert limit(driver) == 20_000
    assert driver.intent("stop_transaction").data["energy_wh"] == pytest.approx(15_000, abs=1)


def test_watts_are_watts_to_a_dc_charger_whatever_phases_are_named():
    driver = Driver(Version.V16, model=DC_COMBO).boot().clear()
    driver.intent("plug", vehicle={"soc": 0.1})
    driver.intent("start_transaction", id_tag="ALICE")
    install(driver, 0, profile((0, 40_000, 1), unit="W", purpose="ChargePointMaxProfile"))
    assert limit(driver) == 40_000


def test_one_phase_is_one_phase(driver):
    charge(driver)
    install(driver, 1, profile((0, 16, 1)))
    assert limit(driver) == 3_680
    assert at(driver)["power_w"] == pytest.approx(3_680, abs=1)


def test_energy_follows_a_schedule_to_the_watt_hour_and_the_session_wakes_by_itself(driver):
    install(driver, 1, profile((0, 32), (900, 0), (1_800, 10, 1), kind="Relative"))
    charge(driver)
    driver.advance(HOUR)
    energy = driver.intent("stop_transaction").data["energy_wh"]
    assert energy == int(22_000 / 4 + 2_300 / 2)


def test_a_daily_profile_comes_again(driver):
    midnight = START // 86_400 * 86_400
    said = profile(
        (0, 6), (12 * HOUR, 16), kind="Recurring", recurrencyKind="Daily", startSchedule=format_time(midnight)
    )
    assert install(driver, 0, said) == "Accepted"
    driver.advance(midnight + 86_400 - driver.now + 1)
    charge(driver)
    assert limit(driver) == 6 * 690
    driver.advance(12 * HOUR)
    assert limit(driver) == 16 * 690
    driver.advance(12 * HOUR)
    assert limit(driver) == 6 * 690


def test_a_profile_counts_from_valid_from_to_valid_to(driver):
    charge(driver)
    now = driver.now
    install(driver, 1, profile((0, 10), validFrom=format_time(now + 60), validTo=format_time(now + 120)))
    seen = []
    for seconds in (59, 2, 57, 4):
        driver.advance(seconds)
        seen.append(limit(driver))
    assert seen == [22_000, 6_900, 6_900, 22_000]


def test_two_cars_share_the_maximum_of_the_station(driver):
    assert install(driver, 0, profile((0, 32), purpose="ChargePointMaxProfile")) == "Accepted"
    charge(driver, 1)
    assert limit(driver, 1) == 22_000
    charge(driver, 2)
    assert [limit(driver, 1), limit(driver, 2)] == [11_040, 11_040]
    driver.intent("stop_session", connector=1)
    assert limit(driver, 2) == 22_000


def test_the_stations_maximum_takes_phases_away_too(driver):
    charge(driver)
    install(driver, 0, profile((0, 16, 1), purpose="ChargePointMaxProfile"))
    assert limit(driver) == 3_680
    assert at(driver)["power_w"] == pytest.approx(3_680, abs=1)


def test_two_cars_share_the_one_phase_that_the_stations_maximum_leaves(driver):
    charge(driver, 1)
    charge(driver, 2)
    install(driver, 0, profile((0, 20, 1), purpose="ChargePointMaxProfile"))
    assert [limit(driver, 1), limit(driver, 2)] == [2_300, 2_300]
    install(driver, 0, profile((0, 500, 1), purpose="ChargePointMaxProfile"))
    assert [limit(driver, 1), limit(driver, 2)] == [7_333, 7_333]


def test_the_clock_that_the_csms_sets_moves_the_schedule(driver):
    charge(driver)
    install(driver, 1, profile((0, 6), startSchedule=format_time(driver.now + HOUR)))
    assert limit(driver) == 22_000
    driver.script["Heartbeat"] = lambda _call: {"currentTime": format_time(driver.now + 2 * HOUR)}
    driver.ask("TriggerMessage", {"requestedMessage": "Heartbeat"})
    assert limit(driver) == 6 * 690


# what takes precedence


def test_the_higher_level_counts_until_it_says_nothing_any_more(driver):
    """TC_072."""
    charge(driver)
    now = format_time(driver.now)
    install(driver, 1, profile((0, 6), (100, 8), (200, 10), number=1, startSchedule=now, duration=400))
    install(driver, 1, profile((0, 7), (100, 9), number=2, level=1, startSchedule=now, duration=150))
    assert composite(driver, duration=350) == [(0, 7.0), (100, 9.0), (150, 8.0), (200, 10.0)]


def test_the_profile_of_the_transaction_goes_before_the_default(driver):
    install(driver, 1, profile((0, 6), number=1, level=5))
    charge(driver)
    assert install(driver, 1, profile((0, 20), number=2, purpose="TxProfile", transactionId=number_of(driver)))
    assert limit(driver) == 20 * 690


def test_three_purposes_together_give_the_composite_schedule(driver):
    """TC_066."""
    start = format_time(driver.now)
    charge(driver)
    install(
        driver, 0, profile((0, 10), purpose="ChargePointMaxProfile", number=1, startSchedule=start, duration=86_400)
    )
    install(
        driver, 1, profile((0, 6), (60, 10), (120, 8), (180, 25), (260, 8), number=2, startSchedule=start, duration=300)
    )
    said = profile(
        (0, 8), (50, 11), (140, 16), (200, 6), (240, 12), number=3, purpose="TxProfile",
        transactionId=number_of(driver), startSchedule=start, duration=260,
    )  # fmt: skip
    assert install(driver, 1, said) == "Accepted"
    assert composite(driver, duration=400) == [
        (0, 8.0), (50, 10.0), (200, 6.0), (240, 10.0), (260, 8.0), (300, 10.0),
    ]  # fmt: skip


# where profiles belong


@pytest.mark.parametrize("connector", [1, 2, 3, -1])
def test_the_stations_maximum_belongs_to_connector_0(driver, connector):
    assert install(driver, connector, profile((0, 10), purpose="ChargePointMaxProfile")) == "Rejected"


@pytest.mark.parametrize(("connector", "status"), [(0, "Accepted"), (2, "Accepted"), (3, "Rejected"), (-1, "Rejected")])
def test_a_default_profile_belongs_to_the_station_or_a_connector(driver, connector, status):
    assert install(driver, connector, profile((0, 10))) == status


def test_a_profile_of_a_transaction_needs_that_transaction(driver):
    """§5.16.4, TC_057."""
    said = profile((0, 10), purpose="TxProfile")
    assert install(driver, 1, said) == "Rejected"
    charge(driver)
    assert install(driver, 0, said) == "Rejected"
    assert install(driver, 2, said) == "Rejected"
    assert install(driver, 1, said | {"transactionId": number_of(driver) + 1}) == "Rejected"
    assert limit(driver) == 22_000
    assert install(driver, 1, said | {"transactionId": number_of(driver)}) == "Accepted"
    assert limit(driver) == 6_900


def test_a_profile_for_whichever_transaction_runs_is_taken(driver):
    charge(driver)
    assert install(driver, 1, profile((0, 10), purpose="TxProfile")) == "Accepted"


def test_the_profile_of_a_transaction_dies_with_it(driver):
    charge(driver)
    install(driver, 1, profile((0, 10), purpose="TxProfile", transactionId=number_of(driver)))
    driver.intent("stop_session")
    charge(driver)
    assert limit(driver) == 22_000
    assert clear(driver) == "Unknown"


def test_a_profile_for_another_transaction_goes_when_the_id_is_known(driver):
    """The CSMS is slow: it sends a profile before it answers StartTransaction."""
    driver.automatic = False
    charge(driver)
    assert install(driver, 1, profile((0, 10), number=1, purpose="TxProfile", transactionId=77)) == "Accepted"
    assert install(driver, 1, profile((0, 12), number=2, level=1, purpose="TxProfile", transactionId=78)) == "Accepted"
    assert limit(driver) == 12 * 690
    while driver.outstanding is not None:
        start = driver.outstanding.action == "StartTransaction"
        driver.reply({"transactionId": 77, "idTagInfo": {"status": "Accepted"}} if start else None)
    assert limit(driver) == 10 * 690
    assert clear(driver, id=2) == "Unknown"
    assert clear(driver, id=1) == "Accepted"


@pytest.mark.parametrize(
    "said",
    [
        profile(),
        profile((1, 10)),
        profile((0, 10), (0, 12)),
        profile((0, 10), (20, 12), (10, 8)),
        profile((0, -1)),
        profile((0, 10, 0)),
        profile((0, 10, 4)),
        profile((0, 10), level=11),
        profile((0, 10), level=-1),
        profile((0, 10), duration=-1),
        profile((0, 10), (2**63, 12)),
        profile(*((second, 10) for second in range(49))),
        profile((0, 10), kind="Recurring"),
        profile((0, 10), validFrom="soon"),
        profile((0, 10), startSchedule="2023-02-30T00:00:00Z"),
        profile((0, 10), purpose="ChargePointMaxProfile", kind="Relative"),
    ],
)
def test_a_profile_that_makes_no_sense_is_rejected_and_changes_nothing(driver, said):
    charge(driver)
    assert install(driver, 0, said) == "Rejected"
    assert limit(driver) == 22_000
    assert clear(driver) == "Unknown"


def test_an_id_of_a_transaction_counts_for_its_profile_only(driver):
    """§7.8: "Only valid if ChargingProfilePurpose is set to TxProfile"."""
    assert install(driver, 1, profile((0, 10), transactionId=5)) == "Accepted"
    charge(driver)
    assert limit(driver) == 6_900


def test_the_same_id_and_the_same_level_replace(driver):
    charge(driver)
    install(driver, 1, profile((0, 10), number=1))
    install(driver, 1, profile((0, 12), number=2))  # the same purpose and level in the same place
    assert clear(driver, id=1) == "Unknown"
    install(driver, 1, profile((0, 14), number=2, level=3))  # the same id
    assert limit(driver) == 14 * 690
    assert clear(driver, id=2) == "Accepted"
    assert limit(driver) == 22_000


def test_only_so_many_profiles_can_be_installed(driver):
    assert all(install(driver, 1, profile((0, 10), number=n, level=n)) == "Accepted" for n in range(10))
    assert all(install(driver, 2, profile((0, 10), number=10 + n, level=n)) == "Accepted" for n in range(10))
    assert install(driver, 0, profile((0, 10), number=99)) == "Rejected"
    assert install(driver, 0, profile((0, 10), number=5)) == "Accepted"
    assert clear(driver, id=99) == "Unknown"


def test_the_keys_tell_the_bounds(driver):
    names = [
        "ChargeProfileMaxStackLevel",
        "ChargingScheduleAllowedChargingRateUnit",
        "ChargingScheduleMaxPeriods",
        "ConnectorSwitch3to1PhaseSupported",
        "MaxChargingProfilesInstalled",
    ]
    keys = driver.ask("GetConfiguration", {"key": names}).payload["configurationKey"]
    assert {one["key"]: one["value"] for one in keys} == dict(
        zip(names, ["10", "Current,Power", "48", "true", "20"], strict=True)
    )
    assert all(one["readonly"] for one in keys)
    for name in names:
        assert driver.ask("ChangeConfiguration", {"key": name, "value": "1"}).payload == {"status": "Rejected"}


def made_with(**values):
    """A charger that is made otherwise."""
    names = {"level": "ProfileStackLevel/", "periods": "PeriodsPerSchedule/", "phases": "Phases3to1/"}
    names["installed"] = "Entries/ChargingProfiles"
    memory = Driver(Version.V16).boot().memory()
    memory["settings"] = {f"SmartChargingCtrlr/{names[name]}": value for name, value in values.items()}
    return Driver(Version.V16, memory=memory).boot().clear()


def test_the_bounds_are_those_that_the_keys_tell():
    driver = made_with(level="2", periods="2", installed="1")
    assert install(driver, 1, profile((0, 10), level=3)) == "Rejected"
    assert install(driver, 1, profile((0, 10), (1, 11), (2, 12))) == "Rejected"
    assert install(driver, 1, profile((0, 10), (1, 11), level=2)) == "Accepted"
    assert install(driver, 2, profile((0, 10), number=2)) == "Rejected"


def test_a_charger_that_cannot_switch_phases_says_so():
    driver = made_with(phases="false")
    assert install(driver, 0, profile((0, 16, 1))) == "NotSupported"
    assert install(driver, 1, profile((0, 16, 3), (60, 16, 2))) == "NotSupported"
    assert install(driver, 1, profile((0, 16, 3))) == "Accepted"
    assert remote_start(driver, profile((0, 6, 1), purpose="TxProfile")) == "Rejected"


# ClearChargingProfile


@pytest.fixture
def stacked(driver):
    """Profiles 1 to 4: the station's maximum, a default of the station and two of connector 1, by rising level."""
    install(driver, 0, profile((0, 30), number=1, purpose="ChargePointMaxProfile"))
    install(driver, 0, profile((0, 20), number=2, level=1))
    install(driver, 1, profile((0, 15), number=3, level=2))
    install(driver, 1, profile((0, 10), number=4, level=3))
    return driver.clear()


@pytest.mark.parametrize(
    ("filters", "left"),
    [
        ({}, []),
        ({"id": 3}, [1, 2, 4]),
        ({"connectorId": 0}, [3, 4]),
        ({"connectorId": 1}, [1, 2]),
        ({"chargingProfilePurpose": "TxDefaultProfile"}, [1]),
        ({"chargingProfilePurpose": "ChargePointMaxProfile"}, [2, 3, 4]),
        ({"stackLevel": 2}, [1, 2, 4]),
        ({"connectorId": 1, "stackLevel": 3}, [1, 2, 3]),
        ({"connectorId": 0, "chargingProfilePurpose": "TxDefaultProfile"}, [1, 3, 4]),
    ],
)
def test_profiles_are_cleared_by_all_that_is_named(stacked, filters, left):
    """TC_067."""
    assert clear(stacked, **filters) == "Accepted"
    assert [number for number in range(1, 5) if clear(stacked, id=number) == "Accepted"] == left


@pytest.mark.parametrize(
    "filters",
    [
        {"id": 9},
        {"connectorId": 2},
        {"stackLevel": 9},
        {"chargingProfilePurpose": "TxProfile"},
        {"id": 1, "stackLevel": 3},
    ],
)
def test_what_does_not_exist_is_unknown(stacked, filters):
    before = composite(stacked)
    assert clear(stacked, **filters) == "Unknown"
    assert composite(stacked) == before


def test_clearing_gives_the_power_back(driver):
    charge(driver)
    install(driver, 1, profile((0, 0)))
    driver.clear()
    clear(driver)
    assert statuses(driver) == ["Charging"]
    assert limit(driver) == 22_000


# GetCompositeSchedule


def test_without_profiles_the_composite_schedule_is_what_the_hardware_gives(driver):
    assert composite(driver, 1, unit="W") == [(0, 22_000.0)]
    assert composite(driver, 1, unit="A") == [(0, 31.8)]
    assert composite(driver, 0, unit="W") == [(0, 44_000.0)]


def test_the_composite_schedule_of_the_station_knows_its_connection():
    driver = Driver(Version.V16, model=NARROW).boot()
    assert composite(driver, 0, unit="W") == [(0, 22_080.0)]
    assert composite(driver, 0, unit="A") == [(0, 32.0)]


def test_the_whole_answer(driver):
    driver.advance(0.25)
    install(driver, 1, profile((0, 10), startSchedule=format_time(driver.now)))
    answer = driver.ask("GetCompositeSchedule", {"connectorId": 1, "duration": 600}).payload
    began = format_time(START + 1)  # the next whole second
    assert answer == {
        "status": "Accepted",
        "connectorId": 1,
        "scheduleStart": began,
        "chargingSchedule": {
            "startSchedule": began,
            "duration": 600,
            "chargingRateUnit": "A",
            "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 10.0, "numberPhases": 3}],
        },
    }


def test_a_dc_station_answers_in_watts_unless_asked_otherwise():
    driver = Driver(Version.V16, model=DC_COMBO).boot()
    answer = driver.ask("GetCompositeSchedule", {"connectorId": 0, "duration": 60}).payload
    assert answer["chargingSchedule"]["chargingRateUnit"] == "W"
    assert composite(driver, 1, unit="A") == [(0, 72.4)]


@pytest.mark.parametrize(("connector", "duration"), [(3, 60), (-1, 60), (1, 0), (1, -5)])
def test_a_composite_schedule_of_nothing_is_rejected(driver, connector, duration):
    assert composite(driver, connector, duration) == {"status": "Rejected"}


def test_a_relative_profile_is_shown_from_the_start_of_charging(driver):
    install(driver, 1, profile((0, 10), (600, 20), kind="Relative"))
    assert composite(driver) == [(0, 10.0), (600, 20.0)]
    charge(driver)
    driver.advance(200)
    assert composite(driver) == [(0, 10.0), (400, 20.0)]


def test_a_composite_schedule_for_longer_than_anybody_lives_is_cut_short(driver):
    periods = [(1_800 * place, 6 + place % 2) for place in range(48)]
    for level in range(10):
        start = format_time(START - level)
        said = profile(
            *periods, number=level, level=level, kind="Recurring", recurrencyKind="Daily", startSchedule=start
        )
        assert install(driver, 1, said) == "Accepted"
    for connector in (0, 1):
        answer = driver.ask("GetCompositeSchedule", {"connectorId": connector, "duration": 2**31}).payload
        schedule = answer["chargingSchedule"]
        assert 86_400 < schedule["duration"] < 86_400 * 31  # cut short, and it says so
        assert schedule["chargingSchedulePeriod"][-1]["startPeriod"] < schedule["duration"]


def test_the_promise_of_the_composite_schedule_is_kept(driver):
    """What the schedule says is what is offered, at every instant of it."""
    now = format_time(driver.now)
    charge(driver)
    install(driver, 0, profile((0, 20), (700, 12), number=1, purpose="ChargePointMaxProfile", startSchedule=now))
    install(driver, 1, profile((0, 30), (200, 0), (300, 8), number=2, kind="Relative", duration=900))
    install(driver, 1, profile((0, 14), number=3, purpose="TxProfile", startSchedule=now, duration=150))
    promised = composite(driver, duration=1_200, unit="W")
    for (second, watts), (following, _) in pairwise([*promised, (1_200, None)]):
        for moment in (second, following - 1):
            driver.advance(START + moment - driver.now)
            assert limit(driver) == pytest.approx(watts, abs=1)


# remote start


def remote_start(driver, said, connector=1):
    request = {"connectorId": connector, "idTag": "ALICE", "chargingProfile": said}
    return driver.ask("RemoteStartTransaction", request).payload["status"]


def test_a_profile_comes_with_a_remote_start(driver):
    """TC_059."""
    assert remote_start(driver, profile((0, 6), (300, 12), purpose="TxProfile", kind="Relative")) == "Accepted"
    driver.advance(20).intent("plug", vehicle=ZOE)
    assert limit(driver) == 6 * 690
    driver.advance(100)
    assert composite(driver) == [(0, 6.0), (200, 12.0)]
    driver.intent("stop_session")
    charge(driver)
    assert limit(driver) == 22_000


def test_a_profile_with_the_same_level_replaces_that_of_the_remote_start(driver):
    """§5.16.2."""
    remote_start(driver, profile((0, 6), number=1, purpose="TxProfile"))
    driver.intent("plug", vehicle=ZOE)
    install(driver, 1, profile((0, 20), number=2, purpose="TxProfile", transactionId=number_of(driver)))
    assert limit(driver) == 20 * 690
    assert clear(driver, id=1) == "Unknown"


@pytest.mark.parametrize(
    "said",
    [
        profile((0, 6)),
        profile((0, 6), purpose="ChargePointMaxProfile"),
        profile((0, 6), purpose="TxProfile", transactionId=5),
        profile((0, 6), purpose="TxProfile", level=99),
        profile((3, 6), purpose="TxProfile"),
        profile((0, 6), purpose="TxProfile", kind="Recurring"),
    ],
)
def test_a_remote_start_with_a_profile_that_cannot_be_obeyed_is_rejected(driver, said):
    """TC_060."""
    assert remote_start(driver, said) == "Rejected"
    driver.intent("plug")
    assert driver.calls("StartTransaction") == []


def test_a_remote_start_is_rejected_when_there_is_no_room_for_its_profile():
    driver = made_with(installed="1")
    install(driver, 2, profile((0, 10), number=1))
    assert remote_start(driver, profile((0, 6), number=2, purpose="TxProfile")) == "Rejected"
    assert remote_start(driver, profile((0, 6), number=1, purpose="TxProfile")) == "Accepted"


# memory


def test_profiles_outlast_the_process(driver):
    now = driver.now
    install(driver, 0, profile((0, 30), number=1, purpose="ChargePointMaxProfile"))
    install(
        driver,
        1,
        profile(
            (0, 10),
            (60, 12, 1),
            number=2,
            level=4,
            kind="Recurring",
            recurrencyKind="Weekly",
            validFrom=format_time(now - 5),
            validTo=format_time(now + 86_400),
            startSchedule=format_time(now),
            duration=600,
            minChargingRate=7.5,
        ),
    )
    before = [composite(driver, connector) for connector in (0, 1, 2)]
    again = Driver(Version.V16, seed=9, memory=driver.memory(), now=now).boot()
    assert [composite(again, connector) for connector in (0, 1, 2)] == before
    assert again.memory()["limits"] == driver.memory()["limits"]


def test_a_transaction_that_a_crash_ended_takes_its_profile_with_it(driver):
    charge(driver)
    install(driver, 1, profile((0, 10), purpose="TxProfile", number=1))
    install(driver, 1, profile((0, 15), number=2))
    driver.advance(100)
    again = Driver(Version.V16, seed=9, memory=driver.memory(), now=driver.now + 60).boot()
    assert clear(again, id=1) == "Unknown"
    charge(again)
    assert limit(again) == 15 * 690


def test_a_charger_without_profiles_remembers_nothing(driver):
    assert "limits" not in driver.memory()
    install(driver, 1, profile((0, 10)))
    clear(driver)
    assert "limits" not in driver.memory()
    install(driver, 1, profile((0, 10), level=99))
    assert "limits" not in driver.memory()


def test_every_change_is_remembered_at_once(driver):
    install(driver, 1, profile((0, 10)))
    assert driver.of(Remember)[-1].urgent
    driver.clear()
    clear(driver)
    assert driver.of(Remember)[-1].urgent


def test_profiles_outlast_a_reset(driver):
    install(driver, 1, profile((0, 10)))
    driver.ask("Reset", {"type": "Soft"})
    driver.drop().advance(20).connect()
    assert composite(driver) == [(0, 10.0)]


def test_an_offline_charger_goes_on_with_its_profiles(driver):
    charge(driver)
    install(driver, 1, profile((0, 16), (600, 8), startSchedule=format_time(driver.now)))
    driver.drop().advance(700)
    assert limit(driver) == 8 * 690
