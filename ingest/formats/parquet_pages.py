"""What the pages of a Parquet file say they unpack to, read before any page is unpacked.

A page is unpacked whole, however few of its rows are asked for, and some kilobytes can say gigabytes. Its header, in
Thrift's compact protocol, is all that is read here; whether it is right otherwise is left to pyarrow.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

import pyarrow.parquet as pq

_HEADER_BYTES = 512  # usually; statistics can make it longer
_LONGEST_HEADER = 1 << 20
_DATA_PAGE, _DICTIONARY_PAGE, _DATA_PAGE_V2 = 5, 7, 8  # fields of PageHeader


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page: the bytes of its header and body in the file, and what it unpacks to."""

    size: int
    unpacked: int
    values: int | None  # None for one that is no page of data


def pages_of(file: BinaryIO, column: pq.ColumnChunkMetaData) -> Iterator[Page]:
    """The pages of a column chunk. Raises ValueError where there is none that can be read."""
    place = column.data_page_offset
    if column.has_dictionary_page and column.dictionary_page_offset:
        place = min(place, column.dictionary_page_offset)
    end = place + column.total_compressed_size
    while place < end:
        page = _read_page(file, place, _HEADER_BYTES)
        yield page
        place += page.size


def _read_page(file: BinaryIO, place: int, length: int) -> Page:
    file.seek(place)
    data = file.read(length)
    try:
        fields, size = _Thrift(data).struct()
    except IndexError:
        if len(data) < length or length >= _LONGEST_HEADER:
            raise ValueError(f"no page header at byte {place}") from None
        return _read_page(file, place, _LONGEST_HEADER)
    unpacked, packed = fields.get(2), fields.get(3)
    if not isinstance(unpacked, int) or not isinstance(packed, int) or unpacked < 0 or packed < 0:
        raise ValueError(f"the page header at byte {place} says no size")
    of_data = fields.get(_DATA_PAGE) or fields.get(_DATA_PAGE_V2)
    values = of_data.get(1) if isinstance(of_data, dict) else None
    return Page(size=size + packed, unpacked=unpacked, values=values if isinstance(values, int) else None)


Fields = dict[int, "int | Fields | None"]


class _Thrift:
    """Thrift's compact protocol: numbers and structs are kept, everything else is passed over."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._place = 0

    def struct(self, depth: int = 0) -> tuple[Fields, int]:
        """The fields of the struct that begins here, and where it ends. Raises IndexError when it is cut off."""
        if depth > 8:
            raise ValueError("structs in structs in structs")
        fields: Fields = {}
        field = 0
        while head := self._byte():
            step, kind = head >> 4, head & 0x0F
            field = field + step if step else self._zigzag()
            fields[field] = self._value(kind, depth)
        return fields, self._place

    def _value(self, kind: int, depth: int) -> "int | Fields | None":
        if kind == 3:
            return self._byte()
        if kind in (4, 5, 6):
            return self._zigzag()
        if kind == 12:
            return self.struct(depth + 1)[0]
        if kind in (9, 10):
            self._skip_list(depth)
        elif kind == 7:
            self._skip(8)
        elif kind == 8:
            self._skip(self._varint())
        elif kind not in (1, 2):  # true and false are all of themselves
            raise ValueError(f"no type {kind} in a page header")
        return None

    def _skip_list(self, depth: int) -> None:
        head = self._byte()
        count = head >> 4 if head >> 4 < 15 else self._varint()
        for _ in range(min(count, len(self._data))):
            if head & 0x0F in (1, 2):
                self._skip(1)
            else:
                self._value(head & 0x0F, depth + 1)

    def _skip(self, size: int) -> None:
        self._place += size
        if self._place > len(self._data):
            raise IndexError

    def _byte(self) -> int:
        self._place += 1
        return self._data[self._place - 1]

    def _varint(self) -> int:
        number = shift = 0
        while (byte := self._byte()) & 0x80:
            number |= (byte & 0x7F) << shift
            shift += 7
            if shift > 63:
                raise ValueError("a number without end in a page header")
        return number | byte << shift

    def _zigzag(self) -> int:
        number = self._varint()
        return number >> 1 ^ -(number & 1)
