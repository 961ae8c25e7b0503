"""Wrong and unexpected frames from the CSMS: the answer that the version wants, and the session lives."""

import orjson
import pytest

from chargers.protocol import Call, CallError, CallResult, Version, actions_from_charger, actions_from_csms
from chargers.simulator.effects import Close, ConnectionState, Received, Send
from tests.support.frames import Driver

BOTH = pytest.mark.parametrize("version", list(Version))


def alive(driver):
    """It still answers, and it still beats."""
    answer = driver.ask("DataTransfer", {"vendorId": "x"})
    driver.advance(301)
    return isinstance(answer, CallResult) and driver.calls("Heartbeat") and driver.state is ConnectionState.ONLINE


@BOTH
def test_an_unknown_action_is_not_implemented(version):
    driver = Driver(version).boot()
    for action in ("Explode", "heartbeat", "A" * 10_000, "\x00'; DROP TABLE", "😀"):
        answer = driver.ask(action, {})
        assert isinstance(answer, CallError)
        assert answer.code == "NotImplemented"
    assert {one.action for one in driver.effects[-10:] if isinstance(one, Send | Received)} == {""}
    assert alive(driver)


def test_a_known_action_that_it_does_not_offer_is_not_supported_and_says_why():
    driver = Driver(Version.V201).boot()  # a 1.6 charger offers them all
    dialect = driver.session._ctx.dialect
    assert dialect.not_supported
    for action, reason in dialect.not_supported.items():
        answer = driver.ask(action, {})
        assert isinstance(answer, CallError)
        assert answer.code == "NotSupported"
        assert reason in answer.description
    assert alive(driver)


@BOTH
def test_an_action_that_only_a_charger_sends_is_not_supported(version):
    driver = Driver(version).boot()
    for action in sorted(actions_from_charger(version) - actions_from_csms(version)):
        answer = driver.ask(action, {})
        assert isinstance(answer, CallError)
        assert answer.code == "NotSupported"


@pytest.mark.parametrize(
    ("version", "payload", "code"),
    [
        (Version.V16, {}, "OccurenceConstraintViolation"),
        (Version.V16, {"type": 5}, "TypeConstraintViolation"),
        (Version.V16, {"type": "Medium"}, "PropertyConstraintViolation"),
        (Version.V16, {"type": "Soft", "why": "x"}, "FormationViolation"),
        (Version.V201, {}, "OccurrenceConstraintViolation"),
        (Version.V201, {"type": 5}, "TypeConstraintViolation"),
        (Version.V201, {"type": "Soft"}, "PropertyConstraintViolation"),
        (Version.V201, {"type": "Immediate", "why": "x"}, "FormatViolation"),
        (Version.V201, {"type": "Immediate", "evseId": "1"}, "TypeConstraintViolation"),
    ],
)
def test_a_request_that_breaks_its_schema_gets_the_code_of_the_version(version, payload, code):
    driver = Driver(version).boot()
    answer = driver.ask("Reset", payload)
    assert isinstance(answer, CallError)
    assert answer.code == code
    assert driver.of(Close) == []
    assert alive(driver)


@BOTH
@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "null",
        "[]",
        "{}",
        "[2]",
        '[3,"nobody",{}]',
        '[4,"nobody","X","",{}]',
        '[5,"x",{}]',
        "[" * 3000,
        "x" * 70_000,
    ],
)
def test_it_outlives_any_garbage(version, text):
    driver = Driver(version).boot()
    driver.say(text)
    assert alive(driver)
    assert sum(driver.session.oddities().values()) == 1


@BOTH
def test_it_outlives_a_binary_frame(version):
    driver = Driver(version).boot()
    driver.binary()
    assert [type(one) for one in driver.sent if not isinstance(one, Call)] == (
        [CallError] if version is Version.V201 else []
    )
    assert alive(driver)


@BOTH
@pytest.mark.parametrize("levels", [200, 300, 900])
def test_it_outlives_what_is_nested_deeper_than_anybody_looks(version, levels):
    driver = Driver(version).boot()
    deep = "[" * levels + '"ftp://user:s3cret@h/"' + "]" * levels
    driver.say('[2,"deep","Reset",{"type":"Soft","more":' + deep + "}]")
    answer = driver.sent[-1]
    assert isinstance(answer, CallError)
    assert answer.code in {"FormationViolation", "FormatViolation"}
    driver.say('[3,"nobody",{"x":' + deep + "}]")
    assert alive(driver)


@BOTH
def test_it_outlives_a_giant_frame(version):
    driver = Driver(version).boot()
    driver.say("[" + "1," * 1_000_000 + "1]")
    assert alive(driver)


@BOTH
def test_an_answer_that_nobody_waits_for_is_counted_and_ignored(version):
    driver = Driver(version, script={"Heartbeat": None}).boot()
    driver.say('[3,"unknown",{}]').say('[3,"unknown",[]]').say('[4,"unknown","GenericError","",{}]')
    assert driver.session.oddities() == {"unexpected_answer": 3}
    driver.advance(300)
    assert driver.outstanding is not None
    late = driver.outstanding.id
    driver.advance(31)
    driver.say(orjson.dumps([3, late, {"currentTime": "2024-01-01T00:00:00Z"}]).decode())
    assert driver.session.oddities()["unexpected_answer"] == 4


@BOTH
def test_the_answer_to_the_same_call_twice_counts_once(version):
    driver = Driver(version, automatic=False).boot()
    boot = driver.outstanding
    assert boot is not None
    driver.automatic = True
    driver.reply()
    seen = len(driver.calls())
    driver.say(orjson.dumps([3, boot.id, driver.friendly(boot)]).decode())
    assert len(driver.calls()) == seen
    assert driver.session.oddities() == {"unexpected_answer": 1}


@BOTH
def test_a_call_with_an_id_used_before_is_answered_again(version):
    driver = Driver(version).boot()
    for _ in range(2):
        assert isinstance(driver.ask("DataTransfer", {"vendorId": "x"}, message_id="same"), CallResult)


@BOTH
def test_a_call_may_use_the_id_of_the_charger_s_own_outstanding_call(version):
    driver = Driver(version, automatic=False).boot()
    boot = driver.outstanding
    assert boot is not None
    assert isinstance(driver.ask("DataTransfer", {"vendorId": "x"}, message_id=boot.id), CallResult)
    driver.automatic = True
    driver.reply()
    assert driver.state is ConnectionState.ONLINE


@BOTH
@pytest.mark.parametrize(
    "broken", ['[3,"ID"]', '[3,"ID",[]]', '[3,"ID",{},{}]', '[4,"ID"]', '[4,"ID",7]', '[3,"ID",{"x":1}]']
)
def test_a_broken_answer_ends_the_call_at_once_and_the_next_one_goes_out(version, broken):
    driver = Driver(version, automatic=False).boot()
    driver.reply()
    assert driver.actions()[-1] == "StatusNotification"
    first = driver.outstanding
    assert first is not None
    driver.outstanding = None
    driver.say(broken.replace("ID", first.id))
    assert driver.outstanding is not None
    assert driver.outstanding.id != first.id


@BOTH
def test_a_call_error_to_a_status_is_taken_as_told(version):
    driver = Driver(version, script={"StatusNotification": CallError("", "InternalError", "busy")}).boot()
    before = len(driver.calls("StatusNotification"))
    driver.drop().advance(3).connect()
    assert len(driver.calls("StatusNotification")) == before


@BOTH
def test_a_status_that_was_never_answered_is_told_again_after_the_next_connection(version):
    driver = Driver(version, script={"StatusNotification": None}).boot()
    driver.script = {}
    driver.drop().advance(3).clear().connect()
    expected = {Version.V16: 3, Version.V201: 2}[version]
    assert driver.actions() == ["StatusNotification"] * expected + ["Heartbeat"]


@BOTH
def test_answers_do_not_wait_for_the_charger_s_own_call(version):
    driver = Driver(version, automatic=False).boot()
    assert driver.outstanding is not None
    assert isinstance(driver.ask("DataTransfer", {"vendorId": "x"}), CallResult)


@BOTH
def test_triggers_without_end_do_not_fill_the_memory(version):
    driver = Driver(version, script={"Heartbeat": None}).boot()
    statuses = [driver.ask("TriggerMessage", {"requestedMessage": "Heartbeat"}).payload["status"] for _ in range(300)]
    assert statuses[0] == "Accepted"
    assert statuses[-1] == "Rejected"
    assert statuses.count("Accepted") <= 102


@BOTH
def test_changes_without_end_do_not_fill_the_memory_and_the_last_word_is_told(version):
    driver = Driver(version).boot()
    driver.script = {"StatusNotification": None}
    whole = {
        Version.V16: lambda kind: {"connectorId": 1, "type": kind},
        Version.V201: lambda kind: {"evse": {"id": 1}, "operationalStatus": kind},
    }[version]
    for turn in range(401):
        driver.ask("ChangeAvailability", whole("Operative" if turn % 2 else "Inoperative"))
    queue = driver.session._ctx.queue
    assert queue is not None
    assert len(queue) <= 100
    driver.script = {}
    driver.drop().clear().advance(3).connect()
    last = driver.calls("StatusNotification")[-1].payload
    assert "Unavailable" in last.values()
