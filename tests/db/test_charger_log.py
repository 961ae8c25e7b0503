"""The message log of a charger."""

from datetime import timedelta

import pytest

from chargers.models import Message
from tests.support.chargers import DAWN, make_charger, make_messages

pytestmark = pytest.mark.django_db


@pytest.fixture
def charger(organization):
    return make_charger(organization)


def get(api, charger, query=None):
    return api.get(f"/ocpp/chargers/{charger.public_id}/logs", query)


def moments(answer):
    assert answer.status_code == 200, answer.content
    return [row["timestamp"][11:19] for row in answer.json()["data"]]


def test_it_is_empty_at_first(api, charger):
    assert get(api, charger).json() == {"data": [], "total": 0, "limit": 100, "offset": 0}


def test_it_shows_raw_frames_oldest_first(api, charger, organization):
    make_messages(make_charger(organization), 2)
    make_messages(
        charger, 1, at=DAWN + timedelta(seconds=5), direction="csms_to_cp", action="", message="garbage \u2603"
    )
    make_messages(charger, 1)
    assert get(api, charger).json() == {
        "data": [
            {
                "direction": "cp_to_csms",
                "action": "Heartbeat",
                "message": '[2,"0","Heartbeat",{}]',
                "timestamp": "2026-05-04T08:00:00Z",
            },
            {"direction": "csms_to_cp", "action": "", "message": "garbage \u2603", "timestamp": "2026-05-04T08:00:05Z"},
        ],
        "total": 2,
        "limit": 100,
        "offset": 0,
    }


def test_equal_times_keep_the_order_of_writing(api, charger):
    rows = make_messages(charger, 5, at=DAWN)
    assert [row["message"] for row in get(api, charger).json()["data"]] == [row.message for row in rows]


def test_its_default_limit_is_100_and_its_greatest_1000(api, charger):
    make_messages(charger, 1001)
    assert len(moments(get(api, charger))) == 100
    answer = get(api, charger, {"limit": 1000})
    assert len(moments(answer)) == 1000
    assert answer.json()["total"] == 1001


@pytest.mark.parametrize(("offset", "count"), [(0, 4), (4, 4), (8, 2), (9, 1), (10, 0), (10_000, 0)])
def test_it_pages_by_offset_with_the_true_total(api, charger, offset, count):
    make_messages(charger, 10)
    answer = get(api, charger, {"offset": offset, "limit": 4})
    assert moments(answer) == [f"08:00:{second:02}" for second in range(offset, offset + count)]
    assert (answer.json()["total"], answer.json()["limit"], answer.json()["offset"]) == (10, 4, offset)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"start_date": "2026-05-04T08:00:03Z"}, [3, 4]),
        ({"end_date": "2026-05-04T08:00:01Z"}, [0, 1]),
        ({"start_date": "2026-05-04T08:00:01Z", "end_date": "2026-05-04T08:00:02Z"}, [1, 2]),
        ({"start_date": "2026-05-04T10:00:03+02:00"}, [3, 4]),
        ({"start_date": "2026-05-04T08:00:03"}, [3, 4]),
        ({"start_date": "2026-05-04T08:00:03.000001Z"}, [4]),
        ({"start_date": "2026-05-05T00:00:00Z"}, []),
        ({"start_date": "2026-05-04T08:00:03Z", "end_date": "2026-05-04T08:00:01Z"}, []),
        ({"start_date": "0001-01-01T00:00:00Z", "end_date": "9999-12-31T23:59:59Z"}, [0, 1, 2, 3, 4]),
    ],
)
def test_both_ends_of_the_time_are_inclusive(api, charger, query, found):
    make_messages(charger, 5)
    answer = get(api, charger, query)
    assert moments(answer) == [f"08:00:{second:02}" for second in found]
    assert answer.json()["total"] == len(found)


def test_event_is_the_action(api, charger):
    make_messages(charger, 3)
    make_messages(charger, 1, action="BootNotification")
    answer = get(api, charger, {"event": "BootNotification"})
    assert [row["action"] for row in answer.json()["data"]] == ["BootNotification"]
    assert answer.json()["total"] == 1
    assert get(api, charger, {"event": "bootnotification"}).json()["total"] == 0


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("limit=x", "limit"),
        ("offset=-1", "offset"),
        ("offset=1e3", "offset"),
        ("offset=99999999999999999999", "offset"),
        ("start_date=yesterday", "start_date"),
        ("start_date=2026-13-01T00:00:00Z", "start_date"),
        ("end_date=0001-01-01T00:00:00%2B14:00", "end_date"),
        ("end_date=9999-12-31T23:59:59-14:00", "end_date"),
        ("end_date=1", "end_date"),
        ("event=%00", "event"),
    ],
)
def test_a_bad_query_is_named(api, charger, query, name):
    answer = api.get(f"/ocpp/chargers/{charger.public_id}/logs?{query}")
    assert answer.status_code == 422, answer.content
    assert answer.json()["detail"][0]["loc"] == ["query", name]


def test_a_page_takes_the_same_few_queries(api, charger, django_assert_num_queries):
    make_messages(charger, 150)
    with django_assert_num_queries(5):  # token, charger, ids, count, frames
        get(api, charger)


def test_skipping_does_not_read_the_frames(api, charger, django_assert_num_queries):
    make_messages(charger, 150)
    with django_assert_num_queries(4) as queries:
        get(api, charger, {"offset": 100})
    skipping = [query["sql"] for query in queries if "OFFSET" in query["sql"]]
    assert len(skipping) == 1
    assert '"message"' not in skipping[0].split("FROM")[0]


def test_the_log_of_a_deleted_charger_is_not_reachable(api, charger):
    make_messages(charger, 1)
    charger.delete()
    assert get(api, charger).status_code == 404
    assert Message.objects.count() == 1, "the rows go with the next pruning"
