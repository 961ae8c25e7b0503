import os
from pathlib import Path

from ocpplab.lab.console import LONGEST_LINE, Console, Lines


def written(write, *, colour=False):
    out, into = os.pipe()
    try:
        write(Console(into, colour=colour))
    finally:
        os.close(into)
    with os.fdopen(out, "rb") as stream:
        return stream.read()


def test_it_writes_each_line_behind_the_name_of_its_process():
    assert written(lambda console: console.line("web", b"hello\n")) == b"web         | hello\n"


def test_it_colours_only_where_it_is_told_to():
    assert b"\x1b[" not in written(lambda console: console.say("hello"))
    assert b"\x1b[" in written(lambda console: console.line("simulator-2", "hello"), colour=True)


def test_it_cuts_output_into_lines_whatever_the_pieces():
    lines = Lines()
    assert lines.feed(b"one\ntw") == [b"one"]
    assert lines.feed(b"o\n\nthree") == [b"two", b""]
    assert lines.last() == [b"three"]
    assert lines.last() == []


def test_it_cuts_a_line_without_end():
    lines = Lines()
    assert lines.feed(b"x" * (LONGEST_LINE + 1)) == [b"x" * (LONGEST_LINE + 1)]


def test_it_goes_on_without_a_reader_and_says_so():
    out, into = os.pipe()
    os.close(out)
    console = Console(into)
    console.say("nobody hears this")
    os.close(into)
    assert console.broken


def test_a_full_disk_costs_lines_and_is_not_taken_for_a_reader_who_has_gone():
    with Path("/dev/full").open("wb", buffering=0) as full:
        console = Console(full.fileno(), colour=False)
        console.say("lost")
    assert not console.broken
