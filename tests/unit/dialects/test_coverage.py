"""Completeness: every action of a version is spoken, or refused with a reason."""

from pathlib import Path

import pytest

from chargers.protocol import Version, actions_from_charger, actions_from_csms, schema_names
from chargers.simulator.dialects.base import Block, Dialect
from chargers.simulator.dialects.coverage import coverage_markdown
from chargers.simulator.dialects.registry import DIALECTS

BOTH = pytest.mark.parametrize("version", list(Version))
DOCUMENT = Path(__file__).parents[3] / "docs" / "ocpp-coverage.md"


@BOTH
def test_every_action_of_the_csms_is_answered_or_refused_with_a_reason(version):
    dialect = DIALECTS[version]
    assert dialect.calls.keys() | dialect.not_supported.keys() == actions_from_csms(version)
    assert not dialect.calls.keys() & dialect.not_supported.keys()
    assert all(dialect.not_supported.values())


@BOTH
def test_every_action_of_a_charger_is_sent_or_left_out_with_a_reason(version):
    dialect = DIALECTS[version]
    assert dialect.answers.keys() | dialect.not_sent.keys() == actions_from_charger(version)
    assert not dialect.answers.keys() & dialect.not_sent.keys()
    assert all(dialect.not_sent.values())


@BOTH
def test_nothing_of_the_schema_folder_is_forgotten(version):
    dialect = DIALECTS[version]
    known = dialect.calls.keys() | dialect.not_supported.keys() | dialect.answers.keys() | dialect.not_sent.keys()
    assert {name.removesuffix("Request").removesuffix("Response") for name in schema_names(version)} == known


@BOTH
def test_every_block_has_a_title(version):
    titles = [block.title for block in DIALECTS[version].blocks]
    assert all(titles)
    assert len(set(titles)) == len(titles)


def test_two_blocks_cannot_claim_the_same_action():
    class Greedy(Block):
        def calls(self):
            return {"Reset": lambda _ctx, _request: {}}

    with pytest.raises(ValueError, match="Reset"):
        Dialect(Version.V16, [Greedy(), Greedy()], not_supported={}, not_sent={})


def test_the_document_is_up_to_date():
    command = ".venv/bin/python -m chargers.simulator.dialects.coverage > docs/ocpp-coverage.md"
    assert DOCUMENT.read_text() == coverage_markdown(), f"run: {command}"
