"""A JSON array of objects, or one object after another, handed to the NDJSON reader one element a line.

So an element's number is its line, and both formats mean the same. Elements are cut out by the JSON decoder; where it
gives up, by counting brackets outside strings, so that one broken element does not take the others with it.
"""

import codecs
import io
import json
import re
from collections.abc import Iterator
from typing import IO

from ingest.errors import InvalidInput
from ingest.formats import LINE_LIMIT, RAW_LIMIT, RawBlock, Reject
from ingest.formats.ndjson import read_ndjson

_CHUNK = 1 << 20
_LINES = 1 << 18
_WARY = 64
"""So many elements after one that did not decode are cut out by brackets: an error of the decoder is dear."""
_BETWEEN = re.compile(r"[ \t\r\n,]*")
_BARE_WORD = re.compile(r'[^\s,\[\]{}"]+|.')
_STRUCTURE = re.compile(r'["\[\]{}]')
_STRING_PART = re.compile(r'["\\]')
_STRING_OR_BREAK = re.compile(r'"(?:[^"\\]|\\.)*+"?|[\r\n]', re.DOTALL)


def read_json_array(stream: IO[bytes]) -> Iterator[RawBlock]:
    """Blocks of a JSON array, or of objects one after another; a row's line is its element's number from 1."""
    refused: list[Reject] = []
    lines = _Lines(_Elements(_Window(stream), refused).read())
    yield from read_ndjson(io.BufferedReader(lines, _CHUNK))
    if refused:
        yield RawBlock(refused=refused)


class _Lines(io.RawIOBase):
    """Lines as a stream."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines = lines
        self._held = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]  # typeshed wants the abstract Buffer
        if not self._held:
            self._held = memoryview(self._next_lines())
        size = min(len(buffer), len(self._held))
        buffer[:size] = self._held[:size]
        self._held = self._held[size:]
        return size

    def _next_lines(self) -> bytes:
        lines: list[str] = []
        size = 0
        for line in self._lines:
            lines.append(line)
            size += len(line) + 1
            if size >= _LINES:
                break
        return "".join(line + "\n" for line in lines).encode("utf-8", "surrogateescape")


class _Window:
    """The part of a text that is being looked at. Bytes that are no UTF-8 pass through for the line's reader."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")("surrogateescape")
        self._ended = False
        self.text = ""
        self.place = 0

    def grow(self) -> bool:
        """Read on, forgetting what stands before the place; False at the end."""
        if self._ended:
            return False
        data = self._stream.read(_CHUNK)
        self._ended = not data
        more = self._decoder.decode(data, final=self._ended)
        self.text = self.text[self.place :] + more
        self.place = 0
        return bool(more) or not self._ended

    def skip_between(self) -> str:
        """The next character that is neither space nor comma, "" at the end."""
        while True:
            found = _BETWEEN.match(self.text, self.place)
            self.place = found.end() if found else self.place
            if self.place < len(self.text):
                return self.text[self.place]
            if not self.grow():
                return ""


class _Brackets:
    """Finds where a value ends that was begun with a bracket or a quote."""

    def __init__(self) -> None:
        self._depth = 0
        self._in_string = False
        self._escaped = False

    def find_end(self, text: str, place: int) -> int | None:
        """The place behind the value's end; None asks for the text that follows."""
        if self._escaped and place < len(text):
            self._escaped = False
            place += 1
        while found := (_STRING_PART if self._in_string else _STRUCTURE).search(text, place):
            place = found.end()
            if self._step(found.group()):
                return place
            if found.group() == "\\":
                self._escaped = place == len(text)
                place += 1
        return None

    def _step(self, character: str) -> bool:
        """Whether the value ends with this character."""
        if character == "\\":
            return False
        if character == '"':
            self._in_string = not self._in_string
        else:
            self._depth += 1 if character in "[{" else -1
        return not self._in_string and self._depth <= 0


class _Elements:
    """The elements of one text, each on one line; an empty line stands for what is refused here."""

    def __init__(self, window: _Window, refused: list[Reject]) -> None:
        self._window = window
        self._refused = refused
        self._decode = json.JSONDecoder().raw_decode
        self._number = 1
        self._wary_until = 0

    def read(self) -> Iterator[str]:
        window = self._window
        first = window.skip_between()
        if not first:
            raise InvalidInput("the body is empty: an array of objects is expected, [] if there are none")
        in_array = first == "["
        window.place += in_array
        while character := window.skip_between():
            if in_array and character == "]":
                window.place += 1
                self._check_nothing_follows()
                return
            element = self._next_element(character)
            if element is None:
                return
            yield element
            self._number += 1
        if in_array:
            self._refuse("cut-off", f"the array is not closed: the body ends after element {self._number - 1}")

    def _next_element(self, character: str) -> str | None:
        window = self._window
        if character not in '{["':
            return self._bare_word()
        if self._number < self._wary_until:
            return self._bracketed()
        try:
            _, end = self._decode(window.text, window.place)
        except (ValueError, RecursionError):
            self._wary_until = self._number + _WARY
            return self._bracketed()
        element = window.text[window.place : end]
        window.place = end
        return element.replace("\r", " ").replace("\n", " ")

    def _bare_word(self) -> str | None:
        window = self._window
        while True:
            found = _BARE_WORD.match(window.text, window.place)
            end = found.end() if found else window.place
            if end - window.place > LINE_LIMIT:
                raise InvalidInput(f"element {self._number} is no JSON value, nor is what follows")
            if end < len(window.text) or not window.grow():
                break
        word = window.text[window.place : end]
        window.place = end
        return word

    def _bracketed(self) -> str | None:
        """An element that goes on after the window, or is broken; None when it has no end."""
        window = self._window
        brackets = _Brackets()
        place = window.place
        dropped = 0
        begun = window.text[place : place + RAW_LIMIT]
        while (end := brackets.find_end(window.text, place)) is None:
            if dropped or len(window.text) - window.place > LINE_LIMIT:
                dropped += len(window.text) - window.place
                window.place = len(window.text)
            place = len(window.text) - window.place
            if not window.grow():
                self._refuse("cut-off", f"element {self._number} has no end (body cut off?)", begun)
                return None
        element = window.text[window.place : end]
        window.place = end
        if dropped or len(element) > LINE_LIMIT:
            size = dropped + len(element)
            message = f"element {self._number} has {size:,} characters, the limit is {LINE_LIMIT:,}"
            self._refuse("line-too-long", message, begun)
            return ""
        return _STRING_OR_BREAK.sub(_on_one_line, element)

    def _check_nothing_follows(self) -> None:
        if self._window.skip_between():
            rest = self._window.text[self._window.place :]
            self._refuse("after-the-end", "there is other text after the end of the array", rest[:RAW_LIMIT])

    def _refuse(self, code: str, message: str, raw: str | None = None) -> None:
        raw = raw and raw.encode("utf-8", "replace").decode()
        self._refused.append(Reject(line=self._number, code=code, message=message, raw=raw))


def _on_one_line(found: re.Match[str]) -> str:
    """A line break inside a string is kept by its escape, though JSON does not allow it bare; outside it is space."""
    text = found.group()
    return text.replace("\n", "\\n").replace("\r", "\\r") if text.startswith('"') else " "
