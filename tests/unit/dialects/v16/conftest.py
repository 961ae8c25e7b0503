"""A charger that was accepted, and short words for what people and CSMSs do."""

import pytest

from chargers.protocol import Version
from tests.support.frames import Driver

CAR = {"name": "Renault Zoe R135", "soc": 0.1, "target_soc": 1.0}


@pytest.fixture
def driver():
    return Driver(Version.V16).boot().clear()


@pytest.fixture
def charging(driver):
    """A charger with a transaction at connector 1, number 1, of the tag T1."""
    start(driver)
    return driver.clear()


def start(driver, tag="T1", connector=1, vehicle=CAR):
    assert driver.intent("plug", connector=connector, vehicle=vehicle).ok
    settled = driver.intent("start_transaction", connector=connector, id_tag=tag)
    assert settled.ok, settled
    return settled.data["transaction"]


def configure(driver, **keys):
    for key, value in keys.items():
        answer = driver.ask("ChangeConfiguration", {"key": key, "value": str(value)})
        assert answer.payload == {"status": "Accepted"}, (key, answer)


def values(call):
    """The sampled values of a MeterValues by measurand and phase, and their contexts."""
    (meter_value,) = call.payload["meterValue"]
    return {(one["measurand"], one.get("phase", "")): one["value"] for one in meter_value["sampledValue"]}


def contexts(call):
    return {one["context"] for value in call.payload["meterValue"] for one in value["sampledValue"]}
