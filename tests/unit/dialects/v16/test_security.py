"""Security events and profiles (white paper, A01, A04, A05)."""

import base64

import pytest

from chargers.protocol import Version, without_secrets
from chargers.simulator.effects import Close, Connect, Received, Send
from tests.support import pki
from tests.support.frames import START, Driver
from tests.unit.dialects.v16.conftest import configure
from tests.unit.dialects.v16.files import events, install, sign

KEY = "000102030405060708090A0B0C0D0E0FAABBCCDD"


def change(driver, key, value):
    return driver.ask("ChangeConfiguration", {"key": key, "value": str(value)}).payload["status"]


def keys(driver):
    answer = driver.ask("GetConfiguration", {}).payload
    return {row["key"]: row for row in answer["configurationKey"]}


def last_dial(driver):
    return driver.of(Connect)[-1].credentials


@pytest.fixture
def central():
    return pki.Paper.root("Central", now=START)


def give_certificate(driver, central):
    """Let the charger have a certificate of its own."""
    configure(driver, CpoName="Org")
    assert install(driver, central.pem, "CentralSystemRootCertificate") == "Accepted"
    driver.ask("ExtendedTriggerMessage", {"requestedMessage": "SignChargePointCertificate"})
    chain = central.issue_for(sign(driver), now=driver.now)
    assert driver.ask("CertificateSigned", {"certificateChain": chain}).payload == {"status": "Accepted"}
    return chain


def test_a_charger_without_a_profile_shows_no_credentials(driver):
    driver.drop().advance(5)
    assert last_dial(driver) is None


def test_a01_fr_12_the_key_can_be_written_and_not_read(driver):
    assert change(driver, "AuthorizationKey", KEY) == "Accepted"
    assert keys(driver)["AuthorizationKey"] == {"key": "AuthorizationKey", "readonly": False}
    asked = driver.ask("GetConfiguration", {"key": ["authorizationkey"]}).payload
    assert KEY not in str(asked)


@pytest.mark.parametrize("value", ["", "short", "x" * 41, "ü" * 20, "\n" * 20])
def test_keys_that_break_the_rules_are_rejected(driver, value):
    assert change(driver, "AuthorizationKey", value) == "Rejected"


def test_a05_a_higher_profile_makes_it_dial_again_with_its_password(driver):
    configure(driver, AuthorizationKey=KEY)
    assert not driver.of(Close), "without a profile the key is not used"
    assert change(driver, "SecurityProfile", 1) == "Accepted"
    assert driver.of(Close)
    driver.settle_connection()
    word, _, text = last_dial(driver).authorization.partition(" ")
    assert word == "Basic"
    assert base64.b64decode(text) == b"SITE_A_001:" + bytes.fromhex(KEY)


def test_a_password_that_is_no_hex_is_used_as_it_is(driver):
    configure(driver, AuthorizationKey="plain password 16", SecurityProfile=1)
    driver.settle_connection()
    assert base64.b64decode(last_dial(driver).authorization[6:]) == b"SITE_A_001:plain password 16"


def test_a01_a_new_key_is_used_at_once(driver):
    configure(driver, AuthorizationKey=KEY, SecurityProfile=1)
    driver.settle_connection()
    driver.clear()
    configure(driver, AuthorizationKey="another password")
    assert [close.code for close in driver.of(Close)] == [1000]
    driver.settle_connection()
    assert base64.b64decode(last_dial(driver).authorization[6:]).endswith(b":another password")


def test_a05_fr_01_to_04_a_profile_needs_what_it_stands_on(driver, central):
    assert change(driver, "SecurityProfile", 1) == "Rejected", "no AuthorizationKey"
    configure(driver, AuthorizationKey=KEY)
    for value in (0, -1, 2, 3, 4, "x", "", "²"):
        assert change(driver, "SecurityProfile", value) == "Rejected", value
    install(driver, central.pem, "CentralSystemRootCertificate")
    assert change(driver, "SecurityProfile", 3) == "Rejected", "no certificate of its own"
    assert change(driver, "SecurityProfile", 2) == "Accepted"
    driver.settle_connection()
    assert last_dial(driver).tls
    assert last_dial(driver).roots == (central.pem,)
    assert last_dial(driver).authorization
    assert change(driver, "SecurityProfile", 1) == "Rejected"
    assert change(driver, "SecurityProfile", 2) == "Rejected"


def test_a05_profile_3_dials_with_its_own_certificate(driver, central):
    chain = give_certificate(driver, central)
    assert change(driver, "SecurityProfile", 3) == "Accepted"
    driver.settle_connection()
    shown = last_dial(driver)
    assert (shown.certificate, shown.authorization) == (chain, "")
    assert "PRIVATE KEY" in shown.key
    assert "PRIVATE KEY" not in repr(shown)


def test_a05_fr_08_it_falls_back_when_the_new_profile_brings_no_connection(driver):
    configure(driver, AuthorizationKey=KEY, SecurityProfile=1)
    driver.drop()
    for _ in range(3):
        driver.advance(20)
        assert last_dial(driver) is not None
        driver.drop("refused")
    driver.advance(300)
    assert last_dial(driver) is None
    driver.connect()
    assert keys(driver)["SecurityProfile"]["value"] == "0"


def test_a_profile_that_worked_is_kept_however_long_the_csms_is_away(driver):
    configure(driver, AuthorizationKey=KEY, SecurityProfile=1)
    driver.settle_connection()
    driver.drop()
    for _ in range(8):
        driver.advance(900)
        if driver.dialling:
            driver.drop("refused")
    driver.settle_connection()
    assert keys(driver)["SecurityProfile"]["value"] == "1"


def test_credentials_outlast_the_process(driver):
    configure(driver, AuthorizationKey=KEY, SecurityProfile=1)
    driver.settle_connection()
    again = Driver(Version.V16, memory=driver.memory(), now=driver.now + 9, seed=2).start()
    assert last_dial(again) == last_dial(driver)


def test_a04_boots_are_told_only_to_a_csms_that_knows_of_security(driver):
    assert events(Driver(Version.V16).boot()) == []
    configure(driver, OcppLabSecurityEvents="true")
    driver.ask("Reset", {"type": "Hard"})
    driver.drop().settle_connection()
    assert events(driver) == ["ResetOrReboot"]
    again = Driver(Version.V16, memory=driver.memory(), now=driver.now, seed=2).boot()
    assert events(again) == ["StartupOfTheDevice"]


def test_a04_fr_02_events_wait_for_the_csms(driver):
    configure(driver, OcppLabSecurityEvents="true")
    driver.script["SecurityEventNotification"] = None
    driver.ask("Reset", {"type": "Hard"})
    driver.drop().settle_connection()
    driver.drop()
    del driver.script["SecurityEventNotification"]
    again = Driver(Version.V16, memory=driver.memory(), now=driver.now, seed=2).boot()
    assert events(again) == ["ResetOrReboot", "StartupOfTheDevice"]
    stamps = [call.payload["timestamp"] for call in again.calls("SecurityEventNotification")]
    assert stamps == sorted(stamps)


def test_an_extended_trigger_does_what_a_trigger_does(driver):
    for name in ("BootNotification", "Heartbeat", "StatusNotification"):
        answer = driver.ask("ExtendedTriggerMessage", {"requestedMessage": name})
        assert answer.payload == {"status": "Accepted"}
        assert driver.calls(name)


def test_an_idle_charger_keeps_nothing_about_security():
    driver = Driver(Version.V16).boot()
    driver.ask("GetConfiguration", {})
    driver.ask("ExtendedTriggerMessage", {"requestedMessage": "LogStatusNotification"})
    assert driver.session._ctx.upkeep is None


def test_the_message_log_does_not_tell_the_password(driver):
    assert change(driver, "AuthorizationKey", KEY) == "Accepted"
    frames = [one for one in driver.effects if isinstance(one, Send | Received)]
    logged = [without_secrets(one.text) for one in frames if one.action == "ChangeConfiguration"]
    assert len(logged) == 2
    assert KEY not in "".join(logged)
    assert '"AuthorizationKey"' in logged[0]
