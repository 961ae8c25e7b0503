"""The progress bar of commands."""

import io

from ocpplab.common.progress import Bar


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_it_draws_on_a_terminal_and_leaves_a_clean_line() -> None:
    terminal = Terminal()
    bar = Bar(terminal, total=200, label="sites.csv")
    bar.advance(50)
    bar.advance(60)  # too soon after the last
    bar.advance(200)
    bar.close()
    drawn = terminal.getvalue().split("\r")
    assert [line[-4:] for line in drawn[1:3]] == [" 25%", "100%"]
    assert len(drawn) == 5
    assert len(drawn[3]) >= len(drawn[2])
    assert drawn[3].strip() == drawn[4] == ""


def test_it_is_silent_elsewhere() -> None:
    stream = io.StringIO()
    bar = Bar(stream, total=0, label="x")
    bar.advance(1)
    bar.close()
    assert stream.getvalue() == ""
