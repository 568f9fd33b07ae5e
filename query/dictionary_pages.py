"""What a column of a block says, without its rows: the Parquet page in which each of its values is written once.

Arrow reads values and rows together, and of a block that does not have what is looked for, the values are all that
matters: reading only these takes a quarter of the time. Whatever is not exactly as our merged batches have it, damaged
pages among it, is not told, and whoever asks reads the column.
"""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

_PAGE_TYPE, _UNCOMPRESSED_BYTES, _COMPRESSED_BYTES, _OF_DATA_PAGE = 1, 2, 3, 5  # fields of a page's header
_DATA_PAGE, _DICTIONARY_PAGE = 0, 2
_ENCODING = 2  # field of the header of a data page
_BY_PLACE_IN_DICTIONARY = (2, 8)  # encodings

_TRUE, _FALSE, _BYTE, _INTEGERS, _DOUBLE, _BINARY, _STRUCT = 1, 2, 3, (4, 5, 6), 7, 8, 12  # types of Thrift
_DEEPEST = 3
_LONGEST_VARINT = 10


def read_values(chunk: pa.Buffer, about: pq.ColumnChunkMetaData) -> pa.Buffer | None:
    """All values that texts of a column chunk have, one after the other, each after its length in four bytes.

    ``chunk`` is what the file has of it. None when that is not told: some rows may have others.
    """
    if not about.has_dictionary_page or about.compression != "ZSTD" or about.physical_type != "BYTE_ARRAY":
        return None
    try:
        return _dictionary(chunk, most_bytes=about.total_uncompressed_size)
    except (LookupError, TypeError, ValueError, OSError):  # Arrow's errors are among these
        return None


def _dictionary(chunk: pa.Buffer, most_bytes: int) -> pa.Buffer | None:
    header, start = _Header(chunk, 0).read()
    size = header[_UNCOMPRESSED_BYTES]
    if header[_PAGE_TYPE] != _DICTIONARY_PAGE or not 0 <= size <= most_bytes:
        return None
    end = start + _size(header)
    if not _is_rest_encoded(chunk, end):
        return None
    page = chunk.slice(start, end - start)
    return pa.decompress(page, decompressed_size=size, codec="zstd") if size else pa.py_buffer(b"")


def _is_rest_encoded(chunk: pa.Buffer, at: int) -> bool:
    """Whether the pages from there to the end say of each row which value of the dictionary it has."""
    while at < chunk.size:
        header, at = _Header(chunk, at).read()
        if header[_PAGE_TYPE] != _DATA_PAGE or header[_OF_DATA_PAGE][_ENCODING] not in _BY_PLACE_IN_DICTIONARY:
            return False
        at += _size(header)
    return bool(at == chunk.size)


def _size(header: Mapping[int, Any]) -> int:  # a field is a number or a struct
    """Of the page behind a header."""
    if (size := int(header[_COMPRESSED_BYTES])) < 0:
        raise ValueError(f"a page of {size} bytes")
    return size


class _Header:
    """The header of a page: a struct in Thrift's compact protocol. Raises LookupError, ValueError for anything else."""

    def __init__(self, chunk: pa.Buffer, at: int) -> None:
        self._bytes = memoryview(chunk).cast("B")
        self._at = at

    def read(self) -> tuple[Mapping[int, Any], int]:  # a field is a number or a struct
        """Its fields by their ids, those that are numbers or structs, and where it ends."""
        return self._struct(0), self._at

    def _struct(self, depth: int) -> Mapping[int, Any]:
        fields: dict[int, Any] = {}
        field = 0
        while begin := self._byte():
            field = field + (begin >> 4) if begin >> 4 else self._integer()
            kind = begin & 15
            if kind in _INTEGERS:
                fields[field] = self._integer()
            elif kind == _STRUCT and depth < _DEEPEST:
                fields[field] = self._struct(depth + 1)
            else:
                self._pass_over(kind)
        return fields

    def _pass_over(self, kind: int) -> None:
        if kind == _BINARY:
            size = self._varint()
            self._at += size
        elif kind in (_BYTE, _DOUBLE):
            self._at += 1 if kind == _BYTE else 8
        elif kind not in (_TRUE, _FALSE):
            raise ValueError(f"a field of type {kind} is no part of a page's header")

    def _integer(self) -> int:
        number = self._varint()
        return number >> 1 ^ -(number & 1)

    def _varint(self) -> int:
        number = 0
        for place in range(_LONGEST_VARINT):
            byte = self._byte()
            number |= (byte & 127) << 7 * place
            if byte < 128:
                return number
        raise ValueError("a number does not end")

    def _byte(self) -> int:
        byte = self._bytes[self._at]
        self._at += 1
        return byte
