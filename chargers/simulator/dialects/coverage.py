"""What the simulated chargers speak, as a document made from the tables of the dialects.

Write it anew with `.venv/bin/python -m chargers.simulator.dialects.coverage > docs/ocpp-coverage.md`; a test compares.
"""

import sys
from collections.abc import Iterator, Mapping

from .base import Block, Dialect
from .registry import DIALECTS

_HEAD = """\
# What the chargers speak

This file is made from the tables of the dialects (`chargers/simulator/dialects`): change those, then run
`.venv/bin/python -m chargers.simulator.dialects.coverage > docs/ocpp-coverage.md`.

A CALL of the CSMS that a charger does not offer is answered with the CALLERROR `NotSupported` and the reason given
here; an action that the version does not have, with `NotImplemented`.
"""


def coverage_markdown() -> str:
    """The document, as Markdown."""
    return "\n".join([_HEAD, *(line for dialect in DIALECTS.values() for line in _dialect(dialect))])


def _dialect(dialect: Dialect) -> Iterator[str]:
    yield f"## {dialect.version.value}\n"
    answered, refused, sent, unsent = map(
        len, (dialect.calls, dialect.not_supported, dialect.answers, dialect.not_sent)
    )
    yield f"Answers {answered} of the CSMS's {answered + refused} CALLs, sends {sent} of a charger's {sent + unsent}.\n"
    yield "| block | answers | sends | can be triggered |\n|---|---|---|---|"
    for block in dialect.blocks:
        yield _block(block)
    yield from _reasons("Not supported", dialect.not_supported)
    yield from _reasons("Never sent", dialect.not_sent)


def _block(block: Block) -> str:
    cells = (", ".join(sorted(table)) or "-" for table in (block.calls(), block.answers(), block.triggers()))
    return f"| {block.title} | {' | '.join(cells)} |"


def _reasons(title: str, table: Mapping[str, str]) -> Iterator[str]:
    yield f"\n{title}:\n\n| action | why |\n|---|---|"
    for action, reason in sorted(table.items()):
        yield f"| {action} | {reason} |"
    yield ""


if __name__ == "__main__":
    sys.stdout.write(coverage_markdown())
