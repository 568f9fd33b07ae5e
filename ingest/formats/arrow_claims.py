"""What the messages of Arrow IPC say they unpack to, read before anything is unpacked.

pyarrow allocates whatever a compressed buffer says of itself, and some kilobytes can say gigabytes. So the few fields
that tell are read here: a little of the FlatBuffers of each message, and the eight bytes in front of each compressed
buffer. Whether a message is right otherwise is left to pyarrow.
"""

import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from ingest.errors import InvalidInput, TooLarge

UNPACKED_LIMIT = 256 << 20
"""Bytes of one record batch, or of all dictionaries, once unpacked: so much is in memory at once."""
BATCH_ROWS = 1 << 24

FREE_BYTES = 256 << 20
FREE_ROWS = 1_000_000
PER_BYTE = 200
"""More bytes or rows than this for each byte of the body are taken for an attack; real files have far less."""

_DICTIONARIES, _RECORDS = 2, 3  # kinds of message: a schema is 1
_CONTINUED = b"\xff\xff\xff\xff"
_LARGEST_METADATA = 16 << 20
_FILE_HEAD, _FILE_TAIL = 8, 10  # ARROW1 and padding; length of the footer and ARROW1
_NOT_PACKED = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class _Message:
    """Where a message is: the FlatBuffer that describes it, and its body."""

    metadata: bytes
    body_at: int


def check_stream(stream: BinaryIO) -> None:
    """Raises TooLarge when a stream says it unpacks to too much, InvalidInput when that cannot be told.

    The stream is looked at from its start and stays where it is.
    """
    place = stream.tell()
    size = stream.seek(0, io.SEEK_END)
    _check(stream, _messages_of_stream(stream, size), size)
    stream.seek(place)


def check_file(file: BinaryIO) -> None:
    """The same of a file, whose footer says where its messages are."""
    size = file.seek(0, io.SEEK_END)
    _check(file, _messages_of_file(file, size), size)


def _check(source: BinaryIO, messages: Iterator[_Message], size: int) -> None:
    unpacked = in_dictionaries = rows = 0
    try:
        for message in messages:
            header = _Table.root(message.metadata)
            kind = header.number(1, "<B")
            if kind not in (_DICTIONARIES, _RECORDS):
                continue
            batch = header.table(2) if kind == _RECORDS else header.table(2).table(1)
            claimed = _claimed_bytes(source, batch, message.body_at)
            unpacked += claimed
            in_dictionaries += claimed if kind == _DICTIONARIES else 0
            rows += _claimed_rows(batch)
            if max(claimed, in_dictionaries) > UNPACKED_LIMIT:
                raise TooLarge(
                    f"a batch of the Arrow body unpacks to more than {UNPACKED_LIMIT >> 20} MiB",
                    hint="write it in smaller record batches",
                )
    except (struct.error, IndexError, ValueError) as error:
        raise InvalidInput("the messages of the Arrow body cannot be told apart (damaged or cut off?)") from error
    if unpacked > FREE_BYTES + PER_BYTE * size or rows > FREE_ROWS + PER_BYTE * size:
        raise TooLarge(f"an Arrow body of {size} bytes claims {unpacked} bytes and {rows} rows")


def _claimed_rows(batch: "_Table") -> int:
    rows = batch.number(0, "<q")
    if rows > BATCH_ROWS:
        raise TooLarge(f"a batch of the Arrow body claims {rows} rows", hint=f"a batch has at most {BATCH_ROWS}")
    return rows


def _claimed_bytes(source: BinaryIO, batch: "_Table", body_at: int) -> int:
    """What the compressed buffers of a batch unpack to; others are no larger than the body."""
    if not batch.has(3):
        return 0
    claimed = 0
    for offset, length in batch.structs(2, "<qq"):
        if length <= 8:
            continue
        source.seek(body_at + offset)
        (unpacked,) = struct.unpack("<q", source.read(8))
        if unpacked != _NOT_PACKED:
            claimed += max(0, unpacked)
    return claimed


def _messages_of_stream(stream: BinaryIO, size: int) -> Iterator[_Message]:
    """Until the end, or until what is no whole message: pyarrow says better what is wrong with that."""
    place = 0
    while True:
        stream.seek(place)
        head = stream.read(8)
        framed = 8 if head.startswith(_CONTINUED) else 4  # before Arrow 0.15 there was no marker
        length = int.from_bytes(head[framed - 4 : framed], "little")
        if len(head) < framed or not 0 < length <= size - place:
            return
        if length > _LARGEST_METADATA:
            raise ValueError(f"a message describes itself in {length} bytes")
        stream.seek(place + framed)
        message = _Message(metadata=stream.read(length), body_at=place + framed + length)
        yield message
        place = message.body_at + _Table.root(message.metadata).number(3, "<q")
        if not message.body_at <= place <= size:
            return


def _messages_of_file(file: BinaryIO, size: int) -> Iterator[_Message]:
    file.seek(max(0, size - _FILE_TAIL))
    length = int.from_bytes(file.read(4), "little")
    if size < _FILE_HEAD + _FILE_TAIL or length > size - _FILE_TAIL:
        return
    file.seek(size - _FILE_TAIL - length)
    footer = _Table.root(file.read(length))
    for vector in (2, 3):  # dictionaries, record batches
        for offset, whole, _body in footer.structs(vector, "<qi4xq"):
            if not 0 <= whole <= _LARGEST_METADATA:
                raise ValueError(f"a message describes itself in {whole} bytes")
            file.seek(offset)
            head = file.read(8)
            framed = 8 if head.startswith(_CONTINUED) else 4
            file.seek(offset + framed)
            yield _Message(metadata=file.read(whole), body_at=offset + whole)


class _Table:
    """A table of a FlatBuffer: numbers, tables and vectors by the number of their field."""

    def __init__(self, data: bytes, place: int) -> None:
        self._data = data
        self._place = place
        self._fields = place - _number(data, place, "<i")

    @classmethod
    def root(cls, data: bytes) -> "_Table":
        return cls(data, _number(data, 0, "<I"))

    def has(self, field: int) -> bool:
        return self._find(field) is not None

    def number(self, field: int, kind: str) -> int:
        place = self._find(field)
        return 0 if place is None else _number(self._data, place, kind)

    def table(self, field: int) -> "_Table":
        place = self._find(field)
        if place is None:
            raise ValueError(f"field {field} is missing")
        return _Table(self._data, place + _number(self._data, place, "<I"))

    def structs(self, field: int, kind: str) -> Iterator[tuple[int, ...]]:
        place = self._find(field)
        if place is None:
            return iter(())
        start = place + _number(self._data, place, "<I")
        size = _number(self._data, start, "<I") * struct.calcsize(kind)
        if start + 4 + size > len(self._data):
            raise ValueError(f"field {field} reaches beyond the end")
        return struct.iter_unpack(kind, self._data[start + 4 : start + 4 + size])

    def _find(self, field: int) -> int | None:
        if 4 + 2 * field >= _number(self._data, self._fields, "<H"):
            return None
        offset = _number(self._data, self._fields + 4 + 2 * field, "<H")
        return self._place + offset if offset else None


def _number(data: bytes, place: int, kind: str) -> int:
    if place < 0:
        raise ValueError("an offset leads out of the message")
    number: int = struct.unpack_from(kind, data, place)[0]
    return number
