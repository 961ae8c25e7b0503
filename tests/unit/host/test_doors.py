"""How many dials to one CSMS are under way at once."""

from chargers.simulator.host import doors
from chargers.simulator.host.doors import Door, Doors


def visitor(went, name, *, goes=True):
    def go():
        went.append(name)
        return goes

    return go


def test_so_many_go_in_at_once_and_the_others_in_their_order():
    door, went = Door(2), []
    for name in "abcd":
        door.enter(visitor(went, name))
    assert went == ["a", "b"]
    door.leave()
    assert went == ["a", "b", "c"]
    door.leave()
    door.leave()
    assert went == ["a", "b", "c", "d"]
    assert not door.idle
    door.leave()
    assert door.idle


def test_who_has_given_up_takes_no_place():
    door, went = Door(1), []
    door.enter(visitor(went, "a"))
    for _ in range(5000):
        door.enter(visitor(went, "gone", goes=False))
    door.enter(visitor(went, "b"))
    door.leave()
    assert went[-1] == "b"
    door.leave()
    assert door.idle


def test_one_that_leaves_at_once_lets_the_next_one_in():
    door, went = Door(1), []

    def short():
        went.append("short")
        return True

    door.enter(short)
    door.leave()
    door.enter(visitor(went, "next"))
    assert went == ["short", "next"]


def test_each_csms_has_its_own_door_and_busy_ones_are_never_forgotten(monkeypatch):
    monkeypatch.setattr(doors, "_KEPT", 10)
    hall, went = Doors(1), []
    busy = hall.of("busy.example", 80)
    busy.enter(visitor(went, "a"))
    for number in range(100):
        hall.of("csms.example", number)
    assert hall.of("busy.example", 80) is busy
    assert len(hall._doors) <= 11
    assert went == ["a"]
