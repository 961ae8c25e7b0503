"""Groups unfold into chargers."""

import re
import uuid

import pytest

from jobs.groups import Group, display_name, planned, suffix_of

JOB = uuid.UUID("2e6f7c1a-5b0d-4b7e-8d6c-90ab12cd34ef")


def group(*ids: str, number: int | None = None, prefix: str = "LIN-", name: str | None = "Bay") -> Group:
    return Group(
        model_id="",
        connector_type="Type2",
        ocpp_version="OCPP1.6",
        ws_url="ws://csms.test",
        prefix=prefix,
        name=name,
        location_name=None,
        ids=list(ids),
        number=len(ids) if number is None else number,
    )


def suffixes(*groups: Group) -> list[str]:
    return [plan.identity.removeprefix(groups[plan.group]["prefix"]) for plan in planned(JOB, groups)]


def test_it_gives_exactly_the_ids_when_no_number_is_given():
    plans = list(planned(JOB, [group("001", "002")]))
    assert [(plan.identity, plan.name, plan.explicit) for plan in plans] == [
        ("LIN-001", "Bay 001", True),
        ("LIN-002", "Bay 002", True),
    ]


def test_it_puts_the_ids_first_and_fills_up_with_eight_hex_digits():
    plans = list(planned(JOB, [group("001", "002", number=5)]))
    assert [plan.explicit for plan in plans] == [True, True, False, False, False]
    assert all(re.fullmatch(r"LIN-[0-9a-f]{8}", plan.identity) for plan in plans[2:])
    assert all(plan.name == f"Bay {plan.identity.removeprefix('LIN-')}" for plan in plans)


def test_it_cuts_the_ids_down_to_the_number():
    assert suffixes(group("001", "002", "003", number=2)) == ["001", "002"]


def test_it_gives_no_name_without_a_base():
    assert [plan.name for plan in planned(JOB, [group("1", number=2, name=None)])] == [None, None]
    assert display_name("x" * 200, "001") == "x" * 200


def test_it_is_the_same_for_the_same_job_and_another_for_another_job():
    groups = [group("001", number=50), group(number=50, prefix="B-")]
    assert list(planned(JOB, groups)) == list(planned(JOB, groups))
    other = [plan.identity for plan in planned(uuid.uuid4(), groups)]
    assert other[1:50] != [plan.identity for plan in planned(JOB, groups)][1:50]


def test_it_numbers_the_items_through_the_whole_job():
    plans = list(planned(JOB, [group("1", "2"), group(number=3), group("9")]))
    assert [plan.ordinal for plan in plans] == list(range(6))
    assert [plan.group for plan in plans] == [0, 0, 1, 1, 1, 2]


@pytest.mark.parametrize("number", [10_000])
def test_it_never_draws_a_suffix_twice_in_a_job(number):
    found = suffixes(group(number=number // 2), group(number=number // 2, prefix="B-"))
    assert len(set(found)) == number


def test_it_does_not_draw_a_suffix_that_was_given():
    drawn = suffix_of(JOB, 1)
    assert suffixes(group(drawn, number=2)) == [drawn, suffix_of(JOB, 1, draw=1)]
    assert suffixes(group("x", number=2, prefix="A-"), group(drawn, prefix="B-"))[1] != drawn
