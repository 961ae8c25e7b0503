"""Secrets in a memory: sealed where it lies, open where it lives, and never lost with a key."""

import json

import pytest

from chargers.protocol import Version
from chargers.simulator.dialects.memory import SECRETS
from chargers.simulator.host.past import Past
from chargers.simulator.model.variables import AUTHORIZATION_KEY
from chargers.simulator.session import Session
from ocpplab.common.sealing import vault
from tests.support.frames import Driver
from tests.unit.dialects.v16.conftest import configure
from tests.unit.host.test_runner import SPEC

PASSWORD = "a password of 20 ch"
NOW = 1_700_000_000.0


@pytest.fixture(autouse=True)
def keys(settings):
    """ENCRYPTION_KEYS; change them and call."""
    settings.ENCRYPTION_KEYS = ["the first key"]
    vault.cache_clear()
    yield lambda *new: (setattr(settings, "ENCRYPTION_KEYS", list(new)), vault.cache_clear())
    vault.cache_clear()


@pytest.fixture
def session():
    """A session with every secret that a charger can have."""
    driver = Driver(Version.V16).boot()
    configure(driver, AuthorizationKey=PASSWORD)
    memory = driver.session.memory()
    memory["upkeep"] |= {
        "key": "waiting PRIVATE KEY",
        "credentials": [{"chain": "c", "key": f"{number} PRIVATE KEY", "begins": 0.0} for number in (1, 2)],
    }
    update = {"tries": 1, "pause": 0.0, "step": "pause", "ready": NOW + 1e6}
    memory["upkeep"]["update"] = update | {"location": "http://u:login1@h/f", "start_at": NOW, "signed": None}
    memory["upkeep"]["log"] = update | {"location": "http://u:login2@h/f", "name": "n"}
    return Session(SPEC, now=NOW, seed=1, memory=memory)


def told(text):
    return [word for word in (PASSWORD, "PRIVATE KEY", "login") if word in text]


def settings_of(session):
    return session.memory()["settings"][AUTHORIZATION_KEY.key]


def test_nothing_secret_stands_in_what_is_written(session):
    text = Past(7, "").write(session)
    assert told(text) == []
    assert text.count('"sealed"') == 6 == len(SECRETS) + 1


def test_a_session_wakes_with_its_secrets(session):
    again, _ = Past(7, Past(7, "").write(session)).wake(Session, SPEC, now=NOW, seed=2)
    assert settings_of(again) == PASSWORD
    assert [one["key"] for one in again.memory()["upkeep"]["credentials"]] == ["1 PRIVATE KEY", "2 PRIVATE KEY"]
    assert again.memory()["upkeep"]["log"]["location"] == "http://u:login2@h/f"


def test_a_secret_is_sealed_once_as_long_as_it_stays(session):
    first = Past(7, "")
    text = first.write(session)
    assert first.write(session) == text
    later = Past(7, text)
    woken, _ = later.wake(Session, SPEC, now=NOW, seed=2)
    sealed = json.loads(text)["settings"][AUTHORIZATION_KEY.key]
    assert json.loads(later.write(woken))["settings"][AUTHORIZATION_KEY.key] == sealed


def test_a_memory_of_a_time_when_nothing_was_sealed_is_read_and_sealed_with_the_next_write(session):
    past = Past(7, json.dumps(session.memory()))
    woken, _ = past.wake(Session, SPEC, now=NOW, seed=2)
    assert settings_of(woken) == PASSWORD
    assert told(past.write(woken)) == []


def test_after_a_change_of_the_key_the_next_write_uses_the_new_one(session, keys):
    text = Past(7, "").write(session)
    keys("the second key", "the first key")
    past = Past(7, text)
    assert past.problem() == ""
    woken, _ = past.wake(Session, SPEC, now=NOW, seed=2)
    text = past.write(woken)
    keys("the second key")
    assert settings_of(Past(7, text).wake(Session, SPEC, now=NOW, seed=3)[0]) == PASSWORD


def test_without_the_key_it_tells_the_problem_and_keeps_everything(session, keys):
    text = Past(7, "").write(session)
    keys("another key")
    past = Past(7, text)
    assert "ENCRYPTION_KEYS" in past.problem()
    keys("another key", "the first key")
    assert past.problem() == ""
    assert settings_of(past.wake(Session, SPEC, now=NOW, seed=2)[0]) == PASSWORD


def test_a_memory_that_is_set_aside_is_sealed_also_one_that_was_set_aside_before(session):
    broken = session.memory() | {"connectors": 7, "set_aside": [session.memory()]}
    past = Past(7, json.dumps(broken))
    woken, _ = past.wake(Session, SPEC, now=NOW, seed=2)
    text = past.write(woken)
    assert told(text) == []
    assert len(json.loads(text)["set_aside"]) == 2
    later = Past(7, json.dumps(session.memory() | {"set_aside": [session.memory()]}))
    woken, _ = later.wake(Session, SPEC, now=NOW, seed=2)
    assert told(later.write(woken)) == []


@pytest.mark.parametrize("text", ["", "{}", "[", '{"sealed":', '{"settings":{}}', '["sealed"]'])
def test_a_memory_without_sealed_secrets_has_no_problem(text):
    assert Past(7, text).problem() == ""
