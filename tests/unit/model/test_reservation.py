"""Reservations: whatever happens at a station, who was promised a connector has one (OCPP 1.6 §5.13)."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, precondition, rule

from chargers.simulator.model.charging import Claim, FaultKind, Refused, Transaction
from chargers.simulator.model.connector import Condition
from chargers.simulator.model.reservation import WHOLE, Declined, Reservation, Reservations
from chargers.simulator.model.specs import ConnectorSpec, EvseSpec, ModelSpec
from chargers.simulator.model.station import Station
from chargers.simulator.model.vehicle import Vehicle
from chargers.simulator.model.vehicles import BY_NAME

PLUG = ConnectorSpec("Type2", 22_000, 3)
MODEL = ModelSpec("V", "M", "1", (EvseSpec((PLUG,)), EvseSpec((PLUG, PLUG)), EvseSpec((PLUG,))), 66_000)
ZOE = BY_NAME["Renault Zoe R135"]
CONNECTORS = st.integers(1, 4)
TAGS = st.sampled_from(["ALICE", "alice", "BOB", "EVE"])


def station() -> tuple[Station, Reservations]:
    made = Station(MODEL)
    made.reservations = reservations = Reservations(made)
    return made, reservations


def test_a_reservation_needs_a_connector_that_exists() -> None:
    _, reservations = station()
    assert reservations.reserve(0.0, Reservation(1, 5, "A", 10.0)) is Declined.UNKNOWN_CONNECTOR


def test_the_time_of_the_end_is_not_part_of_it() -> None:
    _, reservations = station()
    assert reservations.reserve(0.0, Reservation(1, 1, "A", 10.0)) is None
    assert reservations.reserve(10.0, Reservation(2, 2, "A", 10.0)) is Declined.OVER
    assert not reservations.expire(9.999)
    assert reservations.expire(10.0)


def test_what_no_longer_fits_the_station_is_left_out() -> None:
    made, _ = station()
    rows = [Reservation(1, 4, "A", 10.0), Reservation(2, 5, "A", 10.0), Reservation(3, WHOLE, "A", 10.0)]
    assert [one.id for one in Reservations(made, rows).all] == [1, 3]


def test_a_claim_of_a_stranger_is_refused_and_the_parent_decides() -> None:
    made, reservations = station()
    reservations.reserve(0.0, Reservation(1, 1, "ALICE", 10.0, "CLUB"))
    place = made.connectors[0]
    assert made.may_claim(place, "BOB") is Refused.RESERVED
    assert made.may_claim(place, "BOB", "RIVALS") is Refused.RESERVED
    assert made.may_claim(place, "BOB", "club") is None
    assert reservations.asks_parent(1)
    assert not reservations.asks_parent(4)


class AnyDay(RuleBasedStateMachine):
    """People, operators and a CSMS at a station with three EVSEs, one of which has two connectors."""

    reservations = Bundle("reservations")

    def __init__(self) -> None:
        super().__init__()
        self.station, self.kept = station()
        self.now = 0.0
        self.next_id = 0

    @rule(target=reservations, connector=st.integers(0, 5), tag=TAGS, lasts=st.integers(0, 20))
    def reserve(self, connector: int, tag: str, lasts: int) -> int:
        self.next_id += 1
        before = self.kept.all
        free = self._chargeable()
        declined = self.kept.reserve(self.now, Reservation(self.next_id, connector, tag, self.now + lasts))
        assert (declined is None) == (len(self.kept.all) == len(before) + 1)
        if declined is None and connector:
            assert connector in free
        return self.next_id

    @rule(number=reservations, connector=CONNECTORS, tag=TAGS)
    def move(self, number: int, connector: int, tag: str) -> None:
        before = self.kept.all
        if self.kept.reserve(self.now, Reservation(number, connector, tag, self.now + 5)) is not None:
            assert self.kept.all == before
        else:
            assert [one.connector for one in self.kept.all if one.id == number] == [connector]

    @rule(number=reservations)
    def cancel(self, number: int) -> None:
        there = any(one.id == number for one in self.kept.all)
        assert self.kept.cancel(number) == there

    @rule(connector=CONNECTORS)
    def plug(self, connector: int) -> None:
        self.station.plug(self._at(connector), self.now, Vehicle(ZOE, soc=0.1), seed=1)

    @rule(connector=CONNECTORS)
    def leave(self, connector: int) -> None:
        place = self._at(connector)
        place.end(self.now)
        place.claim = None
        place.unplug(self.now)

    @rule(connector=CONNECTORS, tag=TAGS)
    def show_a_tag(self, connector: int, tag: str) -> None:
        place = self._at(connector)
        others = [one for one in self.kept.all if one.connector == connector and not one.fits(tag, None)]
        refused = self.station.claim(place, Claim(tag, self.now + 60))
        assert refused is not None or not others

    @precondition(lambda self: any(self.station.ready(one) for one in self.station.connectors))
    @rule()
    def begin(self) -> None:
        for place in self.station.connectors:
            if self.station.ready(place) and place.claim is not None:
                mine = [one.id for one in self.kept.all if one.connector == place.number]
                used = self.kept.consume(place.number, place.claim.tag, None)
                assert not mine or used == mine[0]
                place.begin(Transaction("k", place.number, place.claim.tag, self.now, self.now, 0), seed=1)

    @rule(connector=CONNECTORS, broken=st.booleans())
    def fault(self, connector: int, broken: bool) -> None:
        self._at(connector).fault = FaultKind.GROUND_FAULT if broken else None
        self.kept.drop_broken()

    @rule(connector=CONNECTORS, operative=st.booleans())
    def change_availability(self, connector: int, operative: bool) -> None:
        self.station.set_operative(self._at(connector), operative)
        self.kept.drop_broken()

    @rule(seconds=st.integers(0, 10))
    def wait(self, seconds: int) -> None:
        self.now += seconds
        self.kept.expire(self.now)
        assert all(one.until > self.now for one in self.kept.all)

    @invariant()
    def a_reserved_connector_works_and_one_evse_serves_one_reservation(self) -> None:
        placed = [self._at(one.connector) for one in self.kept.all if one.connector != WHOLE]
        assert all(place.fault is None and place.operative for place in placed)
        evses = [place.evse.number for place in placed]
        assert len(set(evses)) == len(evses)
        assert sum(one.connector == WHOLE for one in self.kept.all) <= 1

    @invariant()
    def what_shows_as_reserved_is_kept_from_strangers_and_free_for_its_holder(self) -> None:
        for place in self.station.connectors:
            if self.station.connector_condition(place, self.now) is not Condition.RESERVED:
                continue
            refused = self.station.may_claim(place, "STRANGER")
            if refused is Refused.CONNECTOR_OCCUPIED:  # the holder is about to use another connector of the EVSE
                claims = [one.claim for one in self.station.siblings(place) if one.claim is not None]
                assert all(self.kept.kept_for(place.number, claim.tag, None) for claim in claims)
            else:
                assert refused is Refused.RESERVED
                assert any(self.station.may_claim(place, one.tag) is None for one in self.kept.all)

    @invariant()
    def nobody_can_show_a_tag_and_take_the_last_place_of_the_stations_reservation(self) -> None:
        whole = next((one for one in self.kept.all if one.connector == WHOLE), None)
        if whole is None or not self._free():
            return  # cars and faults may take what tags may not
        for place in self.station.connectors:
            if self.station.may_claim(place, "STRANGER") is None:
                place.claim = Claim("STRANGER", self.now + 1)
                assert any(self.station.may_claim(one, whole.tag) is None for one in self.station.connectors)
                place.claim = None

    def _at(self, connector: int):  # type: ignore[no-untyped-def]
        return self.station.connectors[connector - 1]

    def _chargeable(self) -> set[int]:
        return {one.number for one in self.station.connectors if one.idle and one.fault is None and one.operative}

    def _free(self) -> set[int]:
        conditions = {Condition.AVAILABLE, Condition.RESERVED}
        return {
            one.number
            for one in self.station.connectors
            if one.idle and self.station.connector_condition(one, self.now) in conditions
        }


TestAnyDay = AnyDay.TestCase
TestAnyDay.settings = settings(max_examples=150, stateful_step_count=30, deadline=None)
