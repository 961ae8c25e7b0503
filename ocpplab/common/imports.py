"""Bulk imports: rows of CSV and JSON files with their line numbers, and one report of everything that is wrong.

A command reads a file like this, inside one transaction::

    errors = ImportErrors()
    for row in read_rows(path, errors, columns={"name", "city"}, required={"name"}):
        ...                       # errors.add(row.line, "...") for what is wrong; write only while not errors
    errors.check()                # raises ImportFailed: the transaction rolls back, nothing was written
"""

import csv
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from ocpplab.common.errors import DomainError
from ocpplab.common.json_stream import JsonProblem, json_objects

#: errors that a report lists; the rest is counted
SHOWN = 50
#: bytes of one line of a CSV file at most: a file without line ends must not fill the memory
MAX_LINE = 1_000_000

CSV_SUFFIXES = frozenset({".csv", ".tsv", ".txt"})
JSON_SUFFIXES = frozenset({".json", ".jsonl", ".ndjson"})
_DELIMITERS = ",;\t|"


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a file: the line where it begins (one based) and its values by column name.

    From CSV every value is trimmed text, and an empty cell is None; from JSON values are as the file has them.
    """

    line: int
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class ImportCounts:
    """What an import did, or as a dry run would have done, in rows."""

    created: int = 0
    changed: int = 0
    unchanged: int = 0

    def __add__(self, other: "ImportCounts") -> "ImportCounts":
        return ImportCounts(
            self.created + other.created, self.changed + other.changed, self.unchanged + other.unchanged
        )


class ImportFailed(DomainError):
    """The file has errors; nothing was imported."""

    code = "import_failed"


class ImportErrors:
    """Everything that is wrong with a file. False while nothing is."""

    def __init__(self) -> None:
        self.count = 0
        self._shown: list[tuple[int, str]] = []

    def __bool__(self) -> bool:
        return self.count > 0

    def add(self, line: int, message: str) -> None:
        """Note one error; line 0 is the file itself."""
        self.count += 1
        if len(self._shown) < SHOWN:
            self._shown.append((line, message))

    def report(self) -> list[str]:
        """Return one text line an error, in the order of the file, and how many are left out."""
        lines = [f"line {line}: {message}" if line else message for line, message in sorted(self._shown)]
        if self.count > len(lines):
            lines.append(f"... and {self.count - len(lines)} more errors")
        return lines

    def check(self) -> None:
        """Raise `ImportFailed` with the report if anything is wrong."""
        if self:
            errors = "1 error" if self.count == 1 else f"{self.count} errors"
            raise ImportFailed("\n".join([*self.report(), f"{errors}, nothing was imported."]))


def read_rows(
    path: Path,
    errors: ImportErrors,
    *,
    columns: Collection[str],
    required: Collection[str] = (),
    advance: Callable[[int], None] = lambda _: None,
) -> Iterator[Row]:
    """Stream the rows of a CSV file (with a header) or a JSON file (an array of objects, or one object a line).

    `columns` are the known names in lower case, `required` those that each row must fill. What is wrong with the file
    or with the form of a row goes to `errors`, and the row is left out; reading goes on where it can. `advance` is
    called with the number of bytes read so far. UTF-8 with or without byte order mark; CSV may be separated by comma,
    semicolon, tab or bar.
    """
    suffix = path.suffix.lower()
    if suffix not in CSV_SUFFIXES | JSON_SUFFIXES:
        errors.add(0, f"{path.name}: name the file .csv or .json, so that its format is known.")
        return
    try:
        with path.open("rb") as file:
            start = file.read(2)
            if start in (b"\xff\xfe", b"\xfe\xff"):
                errors.add(0, f"{path.name} is UTF-16: save it as UTF-8.")
                return
            file.seek(0)
            rows = _csv_rows(file, errors, advance) if suffix in CSV_SUFFIXES else _json_rows(file, errors, advance)
            for row in rows:
                if _is_fit(row, errors, columns, required):
                    yield row
    except OSError as error:
        errors.add(0, f"{path} cannot be read: {error.strerror or error}.")


def _is_fit(row: Row, errors: ImportErrors, columns: Collection[str], required: Collection[str]) -> bool:
    """Check names and presence; note what is wrong."""
    before = errors.count
    for name in row.data:
        if name not in columns:
            errors.add(row.line, f"unknown column {name!r}: known are {', '.join(sorted(columns))}.")
    errors_missing = [name for name in sorted(required) if row.data.get(name) in (None, "")]
    if errors_missing:
        errors.add(row.line, f"{', '.join(errors_missing)}: a value is needed.")
    return errors.count == before


def _json_rows(file: BinaryIO, errors: ImportErrors, advance: Callable[[int], None]) -> Iterator[Row]:
    try:
        for line, data in json_objects(file):
            advance(file.tell())
            row = Row(line, {key.strip().lower(): value for key, value in data.items()})
            if len(row.data) < len(data):
                errors.add(line, "two keys differ only in letter case or white space.")
            else:
                yield row
    except JsonProblem as problem:
        errors.add(problem.line, problem.message)


def _csv_rows(file: BinaryIO, errors: ImportErrors, advance: Callable[[int], None]) -> Iterator[Row]:
    lines = _Lines(file)
    delimiter = lines.sniff()
    # strict: an unclosed quote is an error, instead of swallowing the rest of the file
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    header: list[str] | None = None
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader, None)
        except (csv.Error, _LineProblem) as problem:
            errors.add(line, f"this is not CSV: {problem}.")
            return
        if cells is None:
            break
        advance(lines.read)
        if not any(cell.strip() for cell in cells):
            continue  # an empty line, or one of a spreadsheet's empty rows
        if header is None:
            header = [cell.strip().lower() for cell in cells]
            if not _is_header(header, line, errors):
                return
        elif len(cells) != len(header):
            errors.add(line, f"{len(cells)} cells where the header has {len(header)}: quote texts with {delimiter!r}.")
        else:
            yield Row(line, {name: cell.strip() or None for name, cell in zip(header, cells, strict=True)})
    if header is None:
        errors.add(0, "The file is empty: its first line must name the columns.")


def _is_header(header: list[str], line: int, errors: ImportErrors) -> bool:
    twice = sorted({name for name in header if header.count(name) > 1})
    if "" in header:
        errors.add(line, "a column has no name.")
    elif twice:
        errors.add(line, f"the header names a column twice: {', '.join(twice)}.")
    return "" not in header and not twice


class _LineProblem(Exception):
    """A line that is no text; the message says why."""


class _Lines:
    """The decoded lines of a file, one by one: an error in one line is that line's."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.read = 0

    def sniff(self) -> str:
        """Return the delimiter that the header uses most; a comma when there is only one column."""
        header = self._file.readline(MAX_LINE).decode("utf-8", "replace")
        self._file.seek(0)
        return max(_DELIMITERS, key=header.count)

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        raw = self._file.readline(MAX_LINE + 1)
        if not raw:
            raise StopIteration
        if len(raw) > MAX_LINE:
            raise _LineProblem(f"a line is longer than {MAX_LINE:,} bytes")
        if b"\0" in raw:
            raise _LineProblem("it holds NUL characters")
        try:
            text = raw.decode("utf-8-sig" if not self.read else "utf-8")
        except UnicodeDecodeError:
            raise _LineProblem("it is not UTF-8 text, save the file as UTF-8") from None
        self.read += len(raw)
        return text
