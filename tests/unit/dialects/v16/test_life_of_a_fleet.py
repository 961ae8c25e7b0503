"""A fleet that is given one seed: every charger lives a life of its own, and the same one again."""

from dataclasses import replace

from chargers.protocol import Version
from chargers.simulator.session import Session
from tests.support.frames import START, Driver, spec


def life(identity, memory=None, **options):
    """When charging began in a day of a charger, by its own seed of chance."""
    driver = Driver()
    whoever = replace(spec(Version.V16), identity=identity)
    driver.session = Session(whoever, now=START, seed=len(identity), memory=memory)
    driver.boot()
    if memory is None:
        assert driver.intent("behaviour", arrivals_per_hour=2, tags=["A"], **options).ok
    driver.advance(86_400)
    return [one.payload["timestamp"] for one in driver.calls("StartTransaction")], driver.memory()


def test_chargers_with_the_same_seed_do_not_move_in_step():
    assert life("CP-1", seed=5)[0] != life("CP-2", seed=5)[0]


def test_the_same_charger_lives_the_same_life_again():
    assert life("CP-1", seed=5)[0] == life("CP-1", seed=5)[0] != life("CP-1", seed=6)[0]


def test_without_a_seed_they_do_not_fall_into_step_after_a_restart():
    memories = [life(identity)[1] for identity in ("CP-1", "CP-2")]
    assert life("CP-1", memories[0])[0] != life("CP-2", memories[1])[0]
