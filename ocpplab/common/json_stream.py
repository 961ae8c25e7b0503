"""Objects of a JSON file, one by one: a file of any length needs the memory of one object."""

import codecs
import json
from collections.abc import Iterator
from typing import Any, BinaryIO, NoReturn

_CHUNK = 65_536
#: characters of one object at most
_MAX_OBJECT = 1_000_000
_SPACE = " \t\r\n"


class JsonProblem(Exception):
    """The file is not what it should be, at `line`; there is no going on after it."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line
        self.message = message


def json_objects(file: BinaryIO) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield (line, object) for each object of an array, or of a sequence such as one object a line.

    `file` is UTF-8, with or without byte order mark. Raises `JsonProblem`, after the objects before the problem.
    """
    text = _Text(file)
    in_array = text.peek() == "["
    if in_array:
        text.take()
        if text.peek() == "]":
            text.take()
            text.expect_end()
            return
    elif text.peek() == "":
        text.fail("The file is empty: an array of objects is expected.")
    while True:
        yield text.line_of_next(), text.object()
        following = text.peek()
        if in_array:
            if following == "]":
                text.take()
                text.expect_end()
                return
            if following != ",":
                text.fail("a comma or the closing bracket is missing." if following else "the file ends in the array.")
            text.take()
        elif not following:
            return


class _Text:
    """Decoded text of the file with a position in it; what lies before the position is forgotten."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")()
        self._json = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_no_constant)
        self._buffer = ""
        self._at = 0
        self._line = 1
        self._ended = False

    def line_of_next(self) -> int:
        """Return the line of the next character that is not white space."""
        self.peek()
        return self._line

    def peek(self) -> str:
        """Skip white space and return the next character, "" at the end."""
        while True:
            while self._at < len(self._buffer) and self._buffer[self._at] in _SPACE:
                self._line += self._buffer[self._at] == "\n"
                self._at += 1
            if self._at < len(self._buffer):
                return self._buffer[self._at]
            if not self._more():
                return ""

    def take(self) -> None:
        """Go past the character that `peek` returned."""
        self._at += 1

    def expect_end(self) -> None:
        """Refuse anything but white space."""
        if self.peek():
            self.fail("there is more after the end of the array.")

    def object(self) -> dict[str, Any]:
        """Read one object."""
        if self.peek() != "{":
            self.fail("an object { ... } is expected here.")
        while True:
            try:
                value, end = self._json.raw_decode(self._buffer, self._at)
            except json.JSONDecodeError as error:
                # perhaps only the buffer ends here: look again with more of the file
                if len(self._buffer) - self._at < _MAX_OBJECT and self._more():
                    continue
                line = self._line + self._buffer.count("\n", self._at, error.pos)
                raise JsonProblem(line, f"this is not JSON: {error.msg}.") from None
            except (_Refused, RecursionError, ValueError) as error:
                text = str(error) if isinstance(error, _Refused) else "it is nested too deeply or has a giant number"
                self.fail(f"this is not usable JSON: {text}.")
            self._line += self._buffer.count("\n", self._at, end)
            self._at = end
            found: dict[str, Any] = value
            return found

    def fail(self, message: str) -> NoReturn:
        """Raise `JsonProblem` at the present line."""
        raise JsonProblem(self._line, message)

    def _more(self) -> bool:
        """Read on; return False at the end of the file."""
        if self._ended:
            return False
        self._buffer = self._buffer[self._at :]
        self._at = 0
        # at least as much as there is: a large object is looked at a few times, not once a chunk
        chunk = self._file.read(max(_CHUNK, len(self._buffer)))
        self._ended = not chunk
        try:
            self._buffer += self._decoder.decode(chunk, final=self._ended)
        except UnicodeDecodeError as error:
            line = self._line + self._buffer.count("\n") + chunk[: error.start].count(b"\n")
            raise JsonProblem(line, "this is not UTF-8 text, save the file as UTF-8.") from None
        return not self._ended


class _Refused(Exception):
    """JSON that Python would take and we do not."""


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        raise _Refused(f"the key {next(key for key in keys if keys.count(key) > 1)!r} stands twice in one object")
    return found


def _no_constant(name: str) -> NoReturn:
    raise _Refused(f"{name} is no JSON number")
