"""Whom the built-in CSMS lets charge."""

import pytest

from chargers.csms.central import Central
from chargers.csms.stations import Rules
from chargers.csms.tags import Tag, Tags, TagStatus
from chargers.protocol import Version, validate_response

from .examples import AT, REQUESTS
from .test_central import START, a_link, call

V16, V201 = Version.V16, Version.V201


def with_tags(**rules: Tag) -> Central:
    tags = Tags()
    tags.replace(rules)
    return Central(rules=Rules(tags=tags))


def start(link, tag, *, connector=1, meter=0):
    payload = {"connectorId": connector, "idTag": tag, "meterStart": meter, "timestamp": AT}
    return call(link, "StartTransaction", payload)[2]


def stop(link, number, meter=10):
    return call(link, "StopTransaction", {"transactionId": number, "meterStop": meter, "timestamp": AT})


def status(central, version, tag):
    link = a_link(version, central)
    if version is V16:
        return call(link, "Authorize", {"idTag": tag})[2]["idTagInfo"]
    return call(link, "Authorize", {"idToken": {"idToken": tag, "type": "ISO14443"}})[2]["idTokenInfo"]


@pytest.mark.parametrize("version", Version)
@pytest.mark.parametrize(
    ("tag", "expected"),
    [("ANYONE", "Accepted"), ("BLOCKED", "Blocked"), ("expired", "Expired"), ("UNKNOWN", "Invalid")],
)
def test_unlisted_tags_are_welcome_but_for_the_names_of_refusals(version, tag, expected):
    assert status(Central(), version, tag) == {"status": expected}


def test_a_listed_tag_is_answered_as_it_is_listed_whatever_its_case():
    central = with_tags(Cafe=Tag(TagStatus.BLOCKED), blocked=Tag())
    assert status(central, V16, "CAFE")["status"] == "Blocked"
    assert status(central, V16, "BLOCKED")["status"] == "Accepted", "a row counts for more than a default"


def test_the_star_is_every_tag_that_is_not_listed():
    central = with_tags(**{"*": Tag(TagStatus.INVALID), "mine": Tag()})
    assert status(central, V16, "THEIRS")["status"] == "Invalid"
    assert status(central, V16, "MINE")["status"] == "Accepted"


def test_a_tag_expires_at_its_time_and_tells_its_parent():
    central = with_tags(late=Tag(parent="FAMILY", expires=START), early=Tag(expires=START + 1))
    assert status(central, V16, "LATE") == {
        "status": "Expired",
        "parentIdTag": "FAMILY",
        "expiryDate": "2023-11-14T22:13:20.000Z",
    }
    assert status(central, V16, "EARLY")["status"] == "Accepted"
    info = status(central, V201, "LATE")
    assert info["groupIdToken"] == {"idToken": "FAMILY", "type": "Central"}
    assert info["cacheExpiryDateTime"] == "2023-11-14T22:13:20.000Z"


def test_a_blocked_tag_stays_blocked_when_it_expires():
    assert status(with_tags(x=Tag(TagStatus.BLOCKED, expires=START)), V16, "X")["status"] == "Blocked"


def test_concurrent_tx_is_a_word_for_starts_only():
    central = Central()
    assert status(central, V16, "CONCURRENTTX")["status"] == "Accepted"
    assert start(a_link(V16, central), "CONCURRENTTX")["idTagInfo"] == {"status": "ConcurrentTx"}


def test_a_single_tag_charges_once_at_a_time_at_all_stations_of_the_process():
    central = with_tags(one=Tag(single=True))
    here, there = a_link(V16, central, "A"), a_link(V16, central, "B")
    first = start(here, "ONE")
    assert first["idTagInfo"]["status"] == "Accepted"
    assert start(here, "ONE") == first, "the same start once more is no second one"
    second = start(there, "one")
    assert second["idTagInfo"]["status"] == "ConcurrentTx"
    assert start(there, "one") == second
    stop(there, second["transactionId"])
    assert start(there, "ONE", meter=1)["idTagInfo"]["status"] == "ConcurrentTx", "the first one still runs"
    stop(here, first["transactionId"])
    assert start(there, "ONE", meter=2)["idTagInfo"]["status"] == "Accepted"


def test_a_running_transaction_of_a_single_tag_is_known_from_what_was_kept():
    central = with_tags(one=Tag(single=True))
    start(a_link(V16, central, "A"), "ONE")
    kept = list(central.stations["A"].transactions.values())
    later = with_tags(one=Tag(single=True))
    later.connect(START, "A", V16, kept)
    assert start(a_link(V16, later, "B"), "ONE")["idTagInfo"]["status"] == "ConcurrentTx"


def test_a_refused_start_has_a_number_and_a_stop():
    link = a_link()
    answer = start(link, "BLOCKED")
    assert answer == {"transactionId": 100, "idTagInfo": {"status": "Blocked"}}
    assert stop(link, 100) == [3, "id", {}]
    assert link.station.breaches == 0


def test_every_answer_of_both_versions_stays_in_form_with_every_status():
    for rule in [Tag(one, parent="P", expires=START + 60, single=True) for one in TagStatus]:
        for version in Version:
            link = a_link(version, with_tags(tag=rule))
            for action in ("Authorize", "StartTransaction", "StopTransaction", "TransactionEvent"):
                for payload in REQUESTS[version].get(action, ()):
                    answer = call(link, action, payload)
                    assert answer[0] == 3
                    assert validate_response(version, action, answer[2]) is None
