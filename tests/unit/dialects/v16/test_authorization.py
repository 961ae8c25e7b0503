"""§3.5 authorization, §4.1 Authorize, §5.4 ClearCache, §5.10 GetLocalListVersion, §5.15 SendLocalList."""

import pytest

from chargers.protocol import CallError, format_time
from tests.support.frames import START

from .conftest import configure

ACCEPTED = {"status": "Accepted"}
BLOCKED = {"status": "Blocked"}


def local_list(driver, version, *entries, kind="Full"):
    rows = [{"idTag": tag} | ({"idTagInfo": info} if info is not None else {}) for tag, info in entries]
    request = {"listVersion": version, "updateType": kind, "localAuthorizationList": rows}
    return driver.ask("SendLocalList", request).payload["status"]


def installed(driver):
    return driver.ask("GetLocalListVersion", {}).payload["listVersion"]


def outcome(driver, tag):
    settled = driver.intent("authorize", id_tag=tag)
    return settled.ok, settled.data["source"], settled.data["status"]


def test_the_csms_is_asked_online_whatever_the_cache_says(driver):
    assert outcome(driver, "T") == (True, "csms", "Accepted")
    assert outcome(driver, "T") == (True, "csms", "Accepted")
    assert len(driver.calls("Authorize")) == 2


def test_authorizing_starts_nothing(driver):
    driver.intent("plug")
    outcome(driver, "T")
    assert driver.calls("StartTransaction") == []


@pytest.mark.parametrize("status", ["Blocked", "Expired", "Invalid", "ConcurrentTx"])
def test_the_csms_can_refuse_a_tag(driver, status):
    driver.script["Authorize"] = {"idTagInfo": {"status": status}}
    settled = driver.intent("authorize", id_tag="T")
    assert (settled.ok, settled.code, settled.data["status"]) == (False, "id_tag_refused", status)


def test_a_known_tag_needs_no_question_with_local_pre_authorize(driver):
    """§9.1.14."""
    configure(driver, LocalPreAuthorize="true")
    assert outcome(driver, "T") == (True, "csms", "Accepted")
    assert outcome(driver, "t") == (True, "cache", "Accepted")
    local_list(driver, 1, ("L", ACCEPTED))
    assert outcome(driver, "L") == (True, "local_list", "Accepted")
    assert len(driver.calls("Authorize")) == 1


def test_a_tag_that_list_or_cache_refuse_is_asked_for_when_the_csms_is_there(driver):
    configure(driver, LocalPreAuthorize="true")
    local_list(driver, 1, ("L", BLOCKED))
    assert outcome(driver, "L") == (True, "csms", "Accepted")


def test_offline_the_list_goes_before_the_cache(driver):
    local_list(driver, 1, ("L", BLOCKED))
    outcome(driver, "L")  # the CSMS says Accepted, which the cache must not keep
    outcome(driver, "C")
    driver.drop()
    assert outcome(driver, "L") == (False, "local_list", "Blocked")
    assert outcome(driver, "C") == (True, "cache", "Accepted")
    assert outcome(driver, "X") == (False, "offline", "Invalid")


def test_offline_nothing_is_known_when_the_key_says_so(driver):
    """§9.1.13 LocalAuthorizeOffline."""
    outcome(driver, "C")
    configure(driver, LocalAuthorizeOffline="false")
    driver.drop()
    assert outcome(driver, "C") == (False, "offline", "Invalid")


def test_offline_an_unknown_tag_is_let_in_when_the_key_says_so(driver):
    """§9.1.1 AllowOfflineTxForUnknownId: unknown, not refused."""
    local_list(driver, 1, ("L", BLOCKED))
    configure(driver, AllowOfflineTxForUnknownId="true")
    driver.drop()
    assert outcome(driver, "X") == (True, "unknown_offline", "Accepted")
    assert outcome(driver, "L") == (False, "local_list", "Blocked")


def test_a_cached_tag_expires(driver):
    expiry = format_time(START + 100)
    driver.script["Authorize"] = {"idTagInfo": {"status": "Accepted", "expiryDate": expiry}}
    outcome(driver, "T")
    driver.drop()
    assert outcome(driver, "T")[0]
    driver.advance(101)
    assert outcome(driver, "T") == (False, "cache", "Expired")


def test_no_answer_is_like_offline_and_an_error_is_a_refusal(driver):
    outcome(driver, "C")
    driver.script["Authorize"] = CallError("", "InternalError", "", {})
    assert outcome(driver, "C") == (False, "csms", "Invalid")
    driver.script["Authorize"] = None
    assert driver.order("authorize", id_tag="C") is None
    driver.advance(31)
    from chargers.simulator.effects import Settled

    assert (driver.of(Settled)[-1].ok, driver.of(Settled)[-1].data["source"]) == (True, "cache")


def test_an_authorization_that_the_connection_interrupts_is_settled_once(driver):
    driver.script["Authorize"] = None
    assert driver.order("authorize", id_tag="X") is None
    driver.drop()
    from chargers.simulator.effects import Settled

    assert [one.code for one in driver.of(Settled)] == ["id_tag_refused"]


def test_the_cache_can_be_cleared_and_switched_off(driver):
    outcome(driver, "T")
    assert driver.ask("ClearCache", {}).payload == {"status": "Accepted"}
    outcome(driver, "T")
    assert driver.intent("clear_cache").data == {"cleared_entries": 1}
    outcome(driver, "T")
    configure(driver, AuthorizationCacheEnabled="false")
    assert driver.ask("ClearCache", {}).payload == {"status": "Rejected"}
    assert driver.intent("clear_cache").data == {"cleared_entries": 0}
    outcome(driver, "T")
    driver.drop()
    assert not outcome(driver, "T")[0]


def test_the_cache_is_bounded(driver):
    for number in range(150):
        driver.intent("authorize", id_tag=f"T{number}")
    assert driver.intent("clear_cache").data == {"cleared_entries": 100}


@pytest.mark.parametrize("tag", ["", "X" * 21, 5, None])
def test_what_is_no_tag_is_refused(driver, tag):
    assert driver.intent("authorize", id_tag=tag).code == "bad_id_tag"
    assert driver.calls() == []


def test_a_full_update_replaces_the_list(driver):
    assert installed(driver) == 0
    assert local_list(driver, 3, ("A", ACCEPTED), ("B", BLOCKED)) == "Accepted"
    assert installed(driver) == 3
    assert local_list(driver, 2, ("C", ACCEPTED)) == "Accepted"
    assert installed(driver) == 2
    driver.drop()
    assert outcome(driver, "A")[1:] == ("offline", "Invalid")
    assert outcome(driver, "C")[0]


def test_a_differential_update_adds_changes_and_removes(driver):
    local_list(driver, 1, ("A", ACCEPTED), ("B", BLOCKED))
    assert local_list(driver, 2, ("a", None), ("B", ACCEPTED), ("C", ACCEPTED), kind="Differential") == "Accepted"
    driver.drop()
    assert [outcome(driver, tag)[0] for tag in "ABC"] == [False, True, True]


@pytest.mark.parametrize("version", [1, 0, -5])
def test_a_differential_update_that_is_not_newer_is_a_mismatch(driver, version):
    local_list(driver, 1, ("A", ACCEPTED))
    wanted = "VersionMismatch" if version > 0 else "Failed"
    assert local_list(driver, version, ("A", None), kind="Differential") == wanted
    assert installed(driver) == 1


def test_an_impossible_update_fails_and_changes_nothing(driver):
    local_list(driver, 1, ("A", ACCEPTED))
    many = [(f"T{number}", ACCEPTED) for number in range(251)]
    for rows in ([("A", ACCEPTED), ("a", BLOCKED)], [("B", None)], many):
        assert local_list(driver, 2, *rows) == "Failed"
    assert installed(driver) == 1


def test_the_list_holds_no_more_than_it_says(driver):
    for page in range(4):
        rows = [(f"T{page}-{number}", ACCEPTED) for number in range(250)]
        assert local_list(driver, page + 1, *rows, kind="Differential" if page else "Full") == "Accepted"
    assert local_list(driver, 9, ("one more", ACCEPTED), kind="Differential") == "Failed"
    swapped = local_list(driver, 9, ("T0-0", None), ("one more", ACCEPTED), kind="Differential")
    assert swapped == "Accepted"


def test_a_list_that_is_switched_off_is_not_there(driver):
    """§9.2.1 LocalAuthListEnabled."""
    local_list(driver, 1, ("A", ACCEPTED))
    configure(driver, LocalAuthListEnabled="false")
    assert installed(driver) == -1
    assert local_list(driver, 2, ("A", ACCEPTED)) == "NotSupported"
    driver.drop()
    assert not outcome(driver, "A")[0]


def test_a_list_that_the_csms_contradicts_is_reported(driver):
    """§3.5.2 LocalListConflict."""
    configure(driver, LocalPreAuthorize="true", StopTransactionOnInvalidId="false")
    local_list(driver, 1, ("A", ACCEPTED))
    driver.script["StartTransaction"] = {"transactionId": 1, "idTagInfo": BLOCKED}
    driver.intent("plug")
    assert driver.intent("present", id_tag="A").ok
    errors = [one.payload for one in driver.calls("StatusNotification") if one.payload["errorCode"] != "NoError"]
    assert [(one["connectorId"], one["errorCode"]) for one in errors] == [(0, "LocalListConflict")]


def test_the_lab_replaces_and_empties_the_list(driver):
    entries = [{"id_tag": "A", "expiry_date": "2099-01-01T00:00:00Z"}, {"id_tag": "B", "parent_id_tag": "G"}]
    settled = driver.intent("send_local_list", list_version=4, entries=entries)
    assert settled.data == {"list_version": 4, "entries_received": 2}
    assert driver.intent("send_local_list", list_version=4, entries=[]).code == "version_mismatch"
    assert driver.intent("send_local_list", list_version=5, entries=[{"id_tag": ""}]).code == "bad_entries"
    assert installed(driver) == 4
    assert driver.intent("clear_local_list").data == {"entries_deleted": 2, "list_version": 0}
    assert installed(driver) == 0


def test_a_tag_of_the_same_group_ends_a_transaction_and_another_does_not(driver):
    driver.script["Authorize"] = {"idTagInfo": {"status": "Accepted", "parentIdTag": "G"}}
    driver.intent("plug")
    assert driver.intent("present", id_tag="A").ok
    driver.script["Authorize"] = {"idTagInfo": {"status": "Accepted", "parentIdTag": "H"}}
    assert driver.intent("present", id_tag="X").code == "connector_occupied"
    driver.script["Authorize"] = {"idTagInfo": {"status": "Accepted", "parentIdTag": "G"}}
    assert driver.intent("present", id_tag="B").ok
    assert driver.calls("StopTransaction")[0].payload["idTag"] == "B"


def test_the_same_tag_ends_its_transaction_without_a_question(driver):
    driver.intent("plug")
    driver.intent("present", id_tag="A")
    driver.clear().intent("present", id_tag="a")
    assert driver.actions() == ["StopTransaction", "StatusNotification"]


def test_a_refused_tag_starts_nothing(driver):
    driver.script["Authorize"] = {"idTagInfo": BLOCKED}
    driver.intent("plug")
    assert driver.intent("present", id_tag="A").code == "id_tag_refused"
    assert driver.calls("StartTransaction") == []
