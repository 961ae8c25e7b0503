"""Reading import files: rows, line numbers, and everything that can be wrong with a file."""

import json
from pathlib import Path
from typing import Any

import pytest

from ocpplab.common.imports import SHOWN, ImportErrors, ImportFailed, Row, read_rows

COLUMNS = {"name", "city", "power"}


def read(path: Path, content: bytes | str, **options: Any) -> tuple[list[Row], list[str]]:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    errors = ImportErrors()
    rows = list(read_rows(path, errors, columns=COLUMNS, **options))
    return rows, errors.report()


@pytest.fixture
def csv_path(tmp_path: Path) -> Path:
    return tmp_path / "sites.csv"


@pytest.fixture
def json_path(tmp_path: Path) -> Path:
    return tmp_path / "sites.json"


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_it_reads_csv_with_any_common_delimiter(csv_path: Path, delimiter: str) -> None:
    rows, report = read(csv_path, f"name{delimiter}city\nA{delimiter}\n")
    assert rows == [Row(2, {"name": "A", "city": None})]
    assert report == []


def test_it_reads_a_byte_order_mark_crlf_and_quoted_newlines_and_counts_lines_as_an_editor_does(csv_path: Path) -> None:
    content = '\ufeffName;City\r\n"A\r\nB";"x;""y"""\r\n\r\n;\r\nC; D \r\n'
    rows, report = read(csv_path, content)
    assert rows == [Row(2, {"name": "A\r\nB", "city": 'x;"y"'}), Row(6, {"name": "C", "city": "D"})]
    assert report == []


def test_a_delimiter_in_the_data_does_not_decide_for_a_header_of_one_column(csv_path: Path) -> None:
    rows, report = read(csv_path, 'name\n"a;b"\n')
    assert rows == [Row(2, {"name": "a;b"})]
    assert report == []


def test_it_reports_every_bad_row_and_reads_on(csv_path: Path) -> None:
    rows, report = read(csv_path, "name,city\nA\nB,x\n,y\nC,x,z\nD,x\n", required={"name"})
    assert [row.line for row in rows] == [3, 6]
    assert [line.split(":")[0] for line in report] == ["line 2", "line 4", "line 5"]


@pytest.mark.parametrize(
    ("content", "line", "words"),
    [
        (b"", "", "empty"),
        (b"\n\n", "", "empty"),
        (b"name,name\nA,B\n", "line 1", "twice: name"),
        (b"name,\nA,B\n", "line 1", "no name"),
        (b"name,colour\nA,B\n", "line 2", "unknown column 'colour'"),
        (b'name,city\nA,x\n"B,x\nC,x\n', "line 3", "unexpected end of data"),
        (b"name,city\nA,x\nB,\xff\n", "line 3", "UTF-8"),
        (b"name,city\nA,x\nB,\x00\n", "line 3", "NUL"),
        (b"name,city\rA,x\rB,x\r", "line 1", "new-line"),
        ("name,city\nA,x\n".encode("utf-16"), "", "UTF-16"),
        (b"name,city\nA," + b"x" * 1_000_001 + b"\n", "line 2", "longer"),
        (b"name,city\nA," + b"x" * 200_000 + b"\n", "line 2", "field larger"),
    ],
)
def test_it_names_the_line_of_what_is_wrong_with_a_csv(csv_path: Path, content: bytes, line: str, words: str) -> None:
    _, report = read(csv_path, content)
    assert len(report) == 1
    assert report[0].startswith(line)
    assert words in report[0]


def test_it_reads_an_array_of_objects_with_their_lines(json_path: Path) -> None:
    rows, report = read(json_path, '\ufeff[\n {"Name": "A",\n  "power": 7.4},\n\n {"name": "B", "city": null}\n]\n')
    assert rows == [Row(2, {"name": "A", "power": 7.4}), Row(5, {"name": "B", "city": None})]
    assert report == []


def test_it_reads_one_object_a_line(tmp_path: Path) -> None:
    rows, report = read(tmp_path / "sites.jsonl", '{"name": "A"}\n{"name": "B"}\n')
    assert rows == [Row(1, {"name": "A"}), Row(2, {"name": "B"})]
    assert report == []


def test_it_streams_objects_over_the_edges_of_its_chunks(json_path: Path) -> None:
    made = [{"name": f"N{number} ü€😀", "city": "x" * (number % 977)} for number in range(3_000)]
    rows, report = read(json_path, json.dumps(made, indent=1, ensure_ascii=False))
    assert [row.data for row in rows] == made
    assert [row.line for row in rows] == [2 + 4 * number for number in range(3_000)]
    assert report == []


@pytest.mark.parametrize(
    ("content", "line", "words"),
    [
        (b"", "line 1", "empty"),
        (b"[]x", "line 1", "after the end"),
        (b'[{"name": "A"}\n{"name": "B"}]', "line 2", "comma"),
        (b'[{"name": "A"},\n]', "line 2", "an object"),
        (b'[{"name": "A"},\n 3]', "line 2", "an object"),
        (b'"text"', "line 1", "an object"),
        (b'[{"name": "A"},\n{"name":\n\n oops}]', "line 4", "not JSON"),
        (b'[{"name": "A"},\n{"name": "B"', "line 2", "not JSON"),
        (b'[{"name": "A"}\n', "line 2", "ends in the array"),
        (b'[{"name": "A"},\n{"name": "B", "name": "C"}]', "line 2", "twice"),
        (b'[{"name": "A"},\n{"Name": "B", "name": "C"}]', "line 2", "letter case"),
        (b'[{"name": "A"},\n{"power": NaN}]', "line 2", "NaN"),
        (b'[{"name": "A"},\n{"power": ' + b"9" * 5_000 + b"}]", "line 2", "giant number"),
        (b'[{"name": "A"},\n{"power": ' + b"[" * 100_000 + b"}]", "line 2", "nested too deeply"),
        (b'[{"name": "A"},\n{"name": "\xff"}]', "line 2", "UTF-8"),
    ],
)
def test_it_names_the_line_of_what_is_wrong_with_json(json_path: Path, content: bytes, line: str, words: str) -> None:
    _, report = read(json_path, content)
    assert len(report) == 1
    assert report[0].startswith(line)
    assert words in report[0]


def test_it_says_when_a_file_is_missing_is_a_folder_or_has_no_known_suffix(tmp_path: Path) -> None:
    (tmp_path / "folder.csv").mkdir()
    for name, words in (
        ("gone.csv", "No such file"),
        ("folder.csv", "Is a directory"),
        ("sites.xlsx", ".csv or .json"),
    ):
        errors = ImportErrors()
        assert list(read_rows(tmp_path / name, errors, columns=COLUMNS)) == []
        assert words in errors.report()[0]


def test_it_shows_fifty_errors_and_counts_the_rest() -> None:
    errors = ImportErrors()
    for line in range(1, SHOWN + 8):
        errors.add(line, "wrong")
    assert len(errors.report()) == SHOWN + 1
    assert errors.report()[-1] == "... and 7 more errors"
    with pytest.raises(ImportFailed, match="57 errors, nothing was imported"):
        errors.check()


def test_it_tells_how_many_bytes_it_has_read(csv_path: Path, json_path: Path) -> None:
    for path, content in ((csv_path, "name\nA\nB\n"), (json_path, '[{"name": "A"}]')):
        seen: list[int] = []
        read(path, content, advance=seen.append)
        assert seen[-1] == len(content)
