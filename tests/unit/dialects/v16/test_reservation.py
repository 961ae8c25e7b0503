"""Reservation of 1.6: ReserveNow (§5.13), CancelReservation (§5.1), and what they mean for everybody else."""

from itertools import count

import pytest

from chargers.protocol import CallError, Version, format_time
from chargers.simulator.effects import Remember
from chargers.simulator.model.specs import ConnectorSpec, EvseSpec, ModelSpec
from tests.support.frames import AC_TWIN, DC_COMBO, START, Driver

HOUR = 3_600
TRIO = ModelSpec("V", "M", "1", tuple(EvseSpec((ConnectorSpec("Type2", 11_000, 3),)) for _ in range(3)), 33_000)
PARENTS = {"MEMBER": "CLUB", "OTHER": "RIVALS"}


def csms(tags=PARENTS):
    """A CSMS that numbers transactions and knows the groups of tags."""
    numbers = count(501)

    def info(call):
        parent = tags.get(call.payload["idTag"])
        return {"idTagInfo": {"status": "Accepted"} | ({"parentIdTag": parent} if parent else {})}

    return {
        "Authorize": info,
        "StartTransaction": lambda call: info(call) | {"transactionId": next(numbers)},
        "StopTransaction": {},
    }


def booted(model=AC_TWIN, **options):
    return Driver(Version.V16, model=model, script=csms(), **options).boot().clear()


@pytest.fixture
def driver():
    return booted()


def reserve(driver, connector=1, *, tag="ALICE", number=7, seconds=HOUR, parent=None):
    request = {
        "connectorId": connector,
        "idTag": tag,
        "reservationId": number,
        "expiryDate": format_time(driver.now + seconds),
    }
    return driver.ask("ReserveNow", request | ({"parentIdTag": parent} if parent else {})).payload["status"]


def cancel(driver, number=7):
    return driver.ask("CancelReservation", {"reservationId": number}).payload["status"]


def statuses(driver):
    """What was reported since the last look, by connector: the last status of each."""
    told = {call.payload["connectorId"]: call.payload["status"] for call in driver.calls("StatusNotification")}
    driver.clear()
    return told


def started(driver):
    return [call.payload for call in driver.calls("StartTransaction")]


def remote_start(driver, tag, connector=1):
    request = {"idTag": tag} | ({} if connector is None else {"connectorId": connector})
    return driver.ask("RemoteStartTransaction", request).payload["status"]


def change_availability(driver, connector, kind):
    return driver.ask("ChangeAvailability", {"connectorId": connector, "type": kind}).payload["status"]


def restarted(driver):
    """Another process takes over with what the first one remembered."""
    return Driver(Version.V16, seed=99, script=driver.script, memory=driver.memory(), now=driver.now).boot()


# making and ending


def test_a_reserved_connector_says_so_and_only_its_tag_starts_there(driver):
    """TC_046."""
    assert reserve(driver) == "Accepted"
    assert statuses(driver) == {1: "Reserved"}
    driver.intent("plug")
    assert driver.intent("start_transaction", id_tag="BOB").code == "reserved"
    assert driver.intent("start_transaction", id_tag="alice").ok
    assert [one["reservationId"] for one in started(driver)] == [7]
    assert statuses(driver)[1] == "Charging"


def test_a_reservation_is_used_once(driver):
    reserve(driver)
    driver.intent("start_session", id_tag="ALICE")
    driver.intent("stop_session")
    driver.intent("start_session", id_tag="ALICE")
    assert ["reservationId" in one for one in started(driver)] == [True, False]
    assert cancel(driver) == "Rejected"


def test_a_start_elsewhere_does_not_use_the_reservation_up(driver):
    """§5.13: "on the reserved connector"."""
    reserve(driver)
    driver.intent("start_session", id_tag="ALICE", connector=2)
    assert "reservationId" not in started(driver)[0]
    assert cancel(driver) == "Accepted"


def test_a_cancelled_reservation_makes_the_connector_available(driver):
    """TC_051."""
    reserve(driver)
    driver.clear()
    assert cancel(driver) == "Accepted"
    assert statuses(driver) == {1: "Available"}
    driver.intent("start_session", id_tag="BOB")
    assert "reservationId" not in started(driver)[0]


def test_an_unknown_reservation_cannot_be_cancelled(driver):
    """TC_052."""
    reserve(driver)
    assert cancel(driver, 8) == "Rejected"
    assert cancel(driver, 7) == "Accepted"
    assert cancel(driver, 7) == "Rejected"


def test_a_reservation_ends_at_its_time_and_the_csms_is_told(driver):
    reserve(driver, seconds=600)
    driver.clear().advance(599.9)
    assert "StatusNotification" not in driver.actions()
    driver.advance(0.2)
    assert statuses(driver) == {1: "Available"}
    assert cancel(driver) == "Rejected"


def test_a_reservation_that_is_over_already_is_rejected(driver):
    assert reserve(driver, seconds=0) == "Rejected"
    assert reserve(driver, seconds=-5) == "Rejected"
    assert driver.actions() == []


def test_a_reservation_for_years_does_not_end_early(driver):
    reserve(driver, seconds=300 * 24 * HOUR)
    driver.advance(3 * 24 * HOUR)
    assert cancel(driver) == "Accepted"


def test_a_date_that_is_none_is_a_callerror(driver):
    request = {"connectorId": 1, "idTag": "A", "reservationId": 1, "expiryDate": "tomorrow"}
    answer = driver.ask("ReserveNow", request)
    assert isinstance(answer, CallError)
    assert answer.code == "PropertyConstraintViolation"
    assert statuses(driver) == {}


def test_several_reservations_end_one_after_the_other():
    driver = booted(TRIO)
    for connector, seconds in ((1, 900), (2, 300), (3, 600)):
        assert reserve(driver, connector, number=connector, seconds=seconds) == "Accepted"
    driver.clear()
    ended = []
    for _ in range(3):
        driver.advance(300)
        ended.append(statuses(driver))
    assert ended == [{2: "Available"}, {3: "Available"}, {1: "Available"}]


def test_the_same_id_replaces_the_reservation(driver):
    """§5.13: "the Charge Point SHALL replace that reservation"."""
    reserve(driver, 1, seconds=60)
    driver.clear()
    assert reserve(driver, 2, tag="BOB", seconds=HOUR) == "Accepted"
    assert statuses(driver) == {1: "Available", 2: "Reserved"}
    driver.advance(120)
    assert driver.intent("start_session", id_tag="ALICE", connector=2).code == "reserved"
    assert driver.intent("start_session", id_tag="BOB", connector=2).ok


def test_a_replacement_that_is_not_possible_leaves_the_reservation_as_it_was(driver):
    reserve(driver, 1)
    driver.intent("plug", connector=2)
    driver.clear()
    assert reserve(driver, 2, tag="BOB") == "Occupied"
    assert statuses(driver) == {}
    assert driver.intent("start_session", id_tag="ALICE").ok


def test_a_reservation_can_be_prolonged_in_its_place(driver):
    reserve(driver, seconds=60)
    assert reserve(driver, seconds=600) == "Accepted"
    driver.clear().advance(300)
    assert "StatusNotification" not in driver.actions()


# the answers


def test_a_connector_that_is_in_use_is_occupied(driver):
    """TC_048_2: a car that is plugged in is enough."""
    driver.intent("plug")
    assert reserve(driver) == "Occupied"
    driver.intent("start_transaction", id_tag="BOB")
    assert reserve(driver) == "Occupied"
    driver.intent("stop_transaction")
    assert reserve(driver) == "Occupied"  # the car is still there
    driver.intent("unplug")
    assert reserve(driver) == "Accepted"


def test_a_connector_that_somebody_is_about_to_use_is_occupied(driver):
    remote_start(driver, "BOB")
    assert reserve(driver) == "Occupied"


def test_a_connector_that_is_reserved_is_occupied_for_the_same_and_for_another_tag(driver):
    reserve(driver)
    assert reserve(driver, number=8) == "Occupied"
    assert reserve(driver, number=8, tag="BOB") == "Occupied"


def test_a_faulted_connector_cannot_be_reserved(driver):
    """TC_048_1."""
    driver.intent("inject_fault", fault_type="GroundFault", connector=1)
    assert reserve(driver) == "Faulted"
    assert reserve(driver, 2) == "Accepted"


@pytest.mark.parametrize("part", [0, 1])
def test_a_connector_out_of_service_cannot_be_reserved(driver, part):
    """TC_048_3."""
    change_availability(driver, part, "Inoperative")
    assert reserve(driver) == "Unavailable"


def test_a_connector_that_goes_out_of_service_after_its_transaction_is_occupied_until_then(driver):
    driver.intent("start_session", id_tag="BOB")
    assert change_availability(driver, 1, "Inoperative") == "Scheduled"
    assert reserve(driver) == "Occupied"
    driver.intent("stop_session")
    assert reserve(driver) == "Unavailable"


@pytest.mark.parametrize("connector", [-1, 3, 99])
def test_an_unknown_connector_is_rejected(driver, connector):
    assert reserve(driver, connector) == "Rejected"


# what ends a reservation


def test_a_fault_ends_the_reservation(driver):
    """§5.13: "when the Charge Point or connector are set to Faulted or Unavailable"."""
    reserve(driver)
    driver.intent("inject_fault", fault_type="GroundFault", connector=1)
    driver.clear().intent("clear_fault", connector=1)
    assert statuses(driver) == {1: "Available"}
    assert cancel(driver) == "Rejected"


@pytest.mark.parametrize("part", [0, 1])
def test_going_out_of_service_ends_the_reservation(driver, part):
    reserve(driver)
    driver.clear()
    change_availability(driver, part, "Inoperative")
    assert statuses(driver)[1] == "Unavailable"
    change_availability(driver, part, "Operative")
    assert statuses(driver)[1] == "Available"
    assert cancel(driver) == "Rejected"


# groups of tags


def test_a_tag_of_the_group_uses_the_reservation(driver):
    """TC_053: the CSMS is asked for the parent."""
    reserve(driver, parent="club")
    assert driver.intent("start_session", id_tag="MEMBER").ok
    assert "Authorize" in driver.actions()
    assert started(driver)[0]["reservationId"] == 7


def test_a_tag_of_another_group_is_refused(driver):
    reserve(driver, parent="CLUB")
    assert driver.intent("start_session", id_tag="OTHER").code == "reserved"
    assert driver.intent("start_session", id_tag="LONER").code == "reserved"
    assert started(driver) == []


def test_a_stranger_is_refused_without_a_question_when_there_is_no_group_to_ask_for(driver):
    """TC_046_1."""
    reserve(driver)
    assert driver.intent("start_session", id_tag="MEMBER").code == "reserved"
    assert "Authorize" not in driver.actions()


def test_a_group_that_the_local_list_names_needs_no_question(driver):
    driver.ask(
        "SendLocalList",
        {
            "listVersion": 1,
            "updateType": "Full",
            "localAuthorizationList": [
                {"idTag": "LISTED", "idTagInfo": {"status": "Accepted", "parentIdTag": "CLUB"}},
                {"idTag": "STRANGE", "idTagInfo": {"status": "Accepted", "parentIdTag": "RIVALS"}},
            ],
        },
    )
    reserve(driver, parent="CLUB")
    driver.clear()
    assert remote_start(driver, "STRANGE") == "Rejected"
    assert remote_start(driver, "LISTED") == "Accepted"
    driver.intent("plug")
    assert started(driver)[0]["reservationId"] == 7
    assert "Authorize" not in driver.actions()


# remote start


def test_a_remote_start_by_the_tag_uses_the_reservation(driver):
    """TC_046_2."""
    reserve(driver)
    assert remote_start(driver, "BOB") == "Rejected"
    assert remote_start(driver, "ALICE") == "Accepted"
    driver.intent("plug")
    assert started(driver)[0]["reservationId"] == 7


def test_a_remote_start_by_the_group_is_asked_for_even_if_remote_starts_are_not(driver):
    reserve(driver, parent="CLUB")
    assert remote_start(driver, "MEMBER") == "Accepted"
    driver.intent("plug")
    assert started(driver)[0]["reservationId"] == 7


def test_a_remote_start_without_a_connector_takes_one_that_is_not_kept_for_others(driver):
    reserve(driver)
    assert remote_start(driver, "BOB", None) == "Accepted"
    driver.intent("plug", connector=2)
    assert [one["connectorId"] for one in started(driver)] == [2]


def test_a_remote_start_without_a_connector_takes_the_reserved_one(driver):
    reserve(driver, 2)
    assert remote_start(driver, "ALICE", None) == "Accepted"
    driver.intent("plug", connector=2)
    assert [one["reservationId"] for one in started(driver)] == [7]


def test_a_claim_that_ends_leaves_the_reservation(driver):
    reserve(driver)
    remote_start(driver, "ALICE")
    driver.clear().advance(61)
    assert statuses(driver)[1] == "Reserved"
    assert cancel(driver) == "Accepted"


# the whole station


def test_a_reservation_of_the_station_keeps_the_last_free_connector(driver):
    """TC_049."""
    assert reserve(driver, 0) == "Accepted"
    assert statuses(driver) == {}
    assert driver.intent("start_session", id_tag="BOB", connector=1).ok
    assert statuses(driver)[2] == "Reserved"
    assert driver.intent("start_session", id_tag="BOB", connector=2).code == "reserved"
    assert driver.intent("start_session", id_tag="ALICE", connector=2).ok
    assert started(driver)[-1]["reservationId"] == 7


def test_the_last_connector_is_free_for_all_when_another_one_becomes_free(driver):
    reserve(driver, 0)
    driver.intent("start_session", id_tag="BOB", connector=1)
    driver.clear().intent("stop_session", connector=1)
    assert statuses(driver) == {1: "Available", 2: "Available"}


def test_the_holder_may_use_any_connector(driver):
    reserve(driver, 0)
    assert driver.intent("start_session", id_tag="ALICE", connector=1).ok
    assert started(driver)[0]["reservationId"] == 7
    assert driver.intent("start_session", id_tag="BOB", connector=2).ok


def test_the_only_connector_of_a_station_is_reserved_with_it():
    driver = booted(ModelSpec("V", "M", "1", (EvseSpec((ConnectorSpec("Type2", 11_000, 3),)),), 11_000))
    assert reserve(driver, 0) == "Accepted"
    assert statuses(driver) == {1: "Reserved"}
    driver.advance(HOUR)
    assert statuses(driver) == {1: "Available"}


def test_the_station_is_reserved_for_one_at_a_time(driver):
    reserve(driver, 0)
    assert reserve(driver, 0, number=8, tag="BOB") == "Occupied"


def test_a_connector_is_reserved_beside_the_station_only_if_one_remains(driver):
    reserve(driver, 0)
    assert reserve(driver, 1, number=8, tag="BOB") == "Accepted"
    assert statuses(driver) == {1: "Reserved", 2: "Reserved"}
    assert reserve(driver, 2, number=9, tag="EVE") == "Occupied"
    assert driver.intent("start_session", id_tag="ALICE", connector=1).code == "reserved"


def test_the_holder_of_a_connector_is_not_in_the_way_of_the_holder_of_the_station():
    driver = booted(TRIO)
    reserve(driver, 1, tag="ALICE", number=1)
    reserve(driver, 0, tag="BOB", number=2)
    driver.intent("plug", connector=2)
    driver.intent("plug", connector=3)
    assert driver.intent("start_session", id_tag="EVE", connector=3).code == "reserved"
    assert driver.intent("start_session", id_tag="ALICE", connector=1).ok
    assert driver.intent("start_session", id_tag="BOB", connector=2).ok
    assert [one["reservationId"] for one in started(driver)] == [1, 2]


def test_the_station_cannot_be_reserved_when_no_connector_is_free(driver):
    """TC_050_2."""
    driver.intent("plug", connector=1)
    assert reserve(driver, 0) == "Accepted"
    cancel(driver)
    driver.intent("plug", connector=2)
    assert reserve(driver, 0) == "Occupied"


def test_a_faulted_station_cannot_be_reserved(driver):
    """TC_050_1."""
    driver.intent("inject_fault", fault_type="GroundFault", connector=1)
    driver.intent("inject_fault", fault_type="GroundFault", connector=2)
    assert reserve(driver, 0) == "Faulted"


def test_a_station_out_of_service_cannot_be_reserved(driver):
    """TC_050_3."""
    change_availability(driver, 0, "Inoperative")
    assert reserve(driver, 0) == "Unavailable"


def test_a_station_all_whose_connectors_are_out_of_service_cannot_be_reserved(driver):
    change_availability(driver, 1, "Inoperative")
    change_availability(driver, 2, "Inoperative")
    assert reserve(driver, 0) == "Unavailable"


def test_a_charger_that_does_not_reserve_as_a_whole_rejects_it(driver):
    """TC_050_4: ReserveConnectorZeroSupported is false."""
    memory = driver.memory()
    memory["settings"]["ReservationCtrlr/NonEvseSpecific/"] = "false"
    driver = booted(memory=memory)
    answer = driver.ask("GetConfiguration", {"key": ["ReserveConnectorZeroSupported"]}).payload
    assert answer["configurationKey"][0] == {"key": "ReserveConnectorZeroSupported", "readonly": True, "value": "false"}
    assert reserve(driver, 0) == "Rejected"
    assert reserve(driver, 1) == "Accepted"


def test_the_last_fault_ends_the_reservation_of_the_station(driver):
    reserve(driver, 0)
    driver.intent("inject_fault", fault_type="GroundFault", connector=1)
    assert statuses(driver) == {1: "Faulted", 2: "Reserved"}
    driver.intent("inject_fault", fault_type="GroundFault", connector=2)
    assert cancel(driver) == "Rejected"


# two connectors of one EVSE


def test_a_reserved_connector_keeps_strangers_from_the_others_of_its_evse():
    driver = booted(DC_COMBO)
    assert reserve(driver, 1) == "Accepted"
    assert statuses(driver) == {1: "Reserved"}
    assert reserve(driver, 2, number=8) == "Occupied"
    assert driver.intent("start_session", id_tag="BOB", connector=2).code == "reserved"
    assert driver.intent("start_session", id_tag="ALICE", connector=2).ok
    assert started(driver)[0]["reservationId"] == 7
    driver.intent("stop_session", connector=2)
    assert statuses(driver)[1] == "Available"


def test_a_station_with_one_evse_shows_all_its_connectors_as_reserved_and_has_one_place():
    driver = booted(DC_COMBO)
    assert reserve(driver, 0) == "Accepted"
    assert statuses(driver) == {1: "Reserved", 2: "Reserved"}
    assert reserve(driver, 1, number=8, tag="BOB") == "Occupied"


def test_a_fault_that_ends_one_reservation_shows_what_the_other_keeps_now():
    model = ModelSpec(
        "V",
        "M",
        "1",
        (EvseSpec((ConnectorSpec("Type2", 11_000, 3),)), *DC_COMBO.evses),
        61_000,
    )
    driver = booted(model)
    reserve(driver, 0)
    reserve(driver, 2, number=8, tag="BOB")
    assert statuses(driver) == {1: "Reserved", 2: "Reserved"}
    driver.intent("inject_fault", fault_type="GroundFault", connector=2)
    driver.advance(0.01)
    assert statuses(driver) == {1: "Available", 2: "Faulted"}


# time, power, memory


def test_a_reservation_outlasts_a_reset(driver):
    reserve(driver)
    driver.ask("Reset", {"type": "Hard"})
    driver.drop().clear().advance(20).connect()
    assert statuses(driver) == {0: "Available", 1: "Reserved", 2: "Available"}


def test_a_reservation_outlasts_the_process(driver):
    reserve(driver, 1, parent="CLUB")
    driver = restarted(driver)
    assert statuses(driver)[1] == "Reserved"
    assert driver.intent("start_session", id_tag="MEMBER").ok
    assert started(driver)[0]["reservationId"] == 7


def test_a_reservation_that_ended_meanwhile_is_gone_after_a_restart(driver):
    reserve(driver, seconds=60)
    driver.now += 120
    driver = restarted(driver)
    assert statuses(driver)[1] == "Available"
    assert cancel(driver) == "Rejected"


def test_a_reservation_ends_while_the_charger_is_away_and_is_told_afterwards(driver):
    reserve(driver, seconds=60)
    driver.drop().clear().advance(120)
    driver.connect()
    assert statuses(driver) == {1: "Available"}


def test_reservations_go_by_the_clock_that_the_csms_set(driver):
    """The CSMS names the time; the charger's clock follows it (§4.6)."""
    reserve(driver, seconds=HOUR)
    driver.clear()
    driver.script["Heartbeat"] = lambda _call: {"currentTime": format_time(driver.now + 2 * HOUR)}
    driver.ask("TriggerMessage", {"requestedMessage": "Heartbeat"})
    assert statuses(driver) == {1: "Available"}


def test_every_change_is_remembered_at_once(driver):
    def told():
        return any(one.urgent for one in driver.of(Remember))

    reserve(driver)
    assert told()
    driver.clear()
    cancel(driver)
    assert told()
    reserve(driver, seconds=60)
    driver.clear().advance(61)
    assert told()


def test_reservations_are_part_of_the_state_for_people(driver):
    reserve(driver, parent="CLUB")
    assert driver.intent("state").data["reservations"] == [
        {"reservation_id": 7, "connector": 1, "id_tag": "ALICE", "until": START + HOUR, "parent_id_tag": "CLUB"}
    ]


def test_the_profile_is_named(driver):
    answer = driver.ask("GetConfiguration", {"key": ["SupportedFeatureProfiles"]}).payload
    assert {"Reservation", "SmartCharging"} <= set(answer["configurationKey"][0]["value"].split(","))
