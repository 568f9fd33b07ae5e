"""The token index: in which blocks of a batch a word or an id stands, so that a search reads those and no others.

A *token* is what can be looked up: the whole of an id or a code, and each word of messages, codes and names. Texts are
folded first: lower case, and the hyphens of a UUID made underscores, so that a UUID is one word. A *block* is a row
group. The index keeps the CRC-32 of a token, not the token: two tokens that share one cost the reading of a block, for
whoever asks looks at the rows themselves. It is derived from the batch and may be deleted; then the batch is scanned.
Words are made by Arrow's regular expressions, which search uses too: what is a letter must be the same for both.
"""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import IO
from zlib import crc32

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ingest.errors import BatchDamaged
from ingest.schema import FORMAT_VERSION

ID_COLUMNS = ("source_id", "target_id")
TEXT_COLUMNS = ("message", "code", "source_name", "target_name")
WORD_CHARACTERS = r"\pL\pN_"

_GAP = rf"[^{WORD_CHARACTERS}]+"
_HEX = "[0-9a-f]"
_UUID = "-".join(f"({_HEX}{{{length}}})" for length in (8, 4, 4, 4, 12))
_UUID_AS_WORD = r"\1_\2_\3_\4_\5"
_UUID_IN_TEXT = re.compile(_UUID)
_ASCII_WORD = re.compile(r"[0-9A-Za-z_]+")
_FEW_TEXTS = 100
_IS_WORD_BYTE = np.array([chr(byte).isalnum() or byte == ord("_") for byte in range(128)] + [False] * 128)


def lowered(texts: pa.Array) -> pa.Array:
    """In lower case, character by character; Python's own lower() sometimes makes two of one."""
    return pc.utf8_lower(texts)


def folded(lower: pa.Array) -> pa.Array:
    """Lower-case texts with each UUID as one word."""
    if len(lower) <= _FEW_TEXTS:  # Arrow would take longer to read the expression
        texts = [None if text is None else _UUID_IN_TEXT.sub(_UUID_AS_WORD, text) for text in lower.to_pylist()]
        return pa.array(texts, pa.string())
    return pc.replace_substring_regex(lower, _UUID, _UUID_AS_WORD)


def fold(text: str) -> str:
    """One text, folded."""
    return str(folded(lowered(pa.array([text], pa.string())))[0].as_py())


def lower(text: str) -> str:
    """One text in lower case, as :func:`lowered` has it."""
    return str(lowered(pa.array([text], pa.string()))[0].as_py())


def words_of(folded_text: str) -> list[str]:
    """The words of a folded text, in their order."""
    if folded_text.isascii():  # Arrow takes 2 ms to learn what all the world's letters are
        return _ASCII_WORD.findall(folded_text)
    return [word for word in pc.split_pattern_regex(pa.scalar(folded_text), _GAP).as_py() if word]


class TokenIndexWriter:
    """Collects the tokens of a batch, block after block."""

    def __init__(self) -> None:
        self._keys: list[np.ndarray] = []
        self._rows = 0

    def add_block(self, table: pa.Table) -> None:
        """The next row group of the batch; columns that are no ids or texts are not looked at."""
        self._keys.append(_keys_of(table))
        self._rows += table.num_rows

    def write(self, sink: IO[bytes]) -> None:
        """Write the index as an Arrow IPC file, not compressed, so that it can be mapped into memory."""
        blocks = len(self._keys)
        pairs = np.concatenate(
            [keys.astype(np.uint64) << np.uint64(32) | np.uint64(block) for block, keys in enumerate(self._keys)]
            or [np.empty(0, np.uint64)]
        )
        pairs.sort()
        token = (pairs >> np.uint64(32)).astype(np.uint32)
        block = pairs.astype(np.uint8 if blocks <= 1 << 8 else np.uint32)
        metadata = {
            "synclog.format": str(FORMAT_VERSION),
            "synclog.kind": "tokens",
            "blocks": str(blocks),
            "rows": str(self._rows),
            "crc": str(_sum(token, block)),
        }
        index = pa.table({"token": token, "block": block}).replace_schema_metadata(metadata)
        with pa.ipc.new_file(sink, index.schema) as writer:
            writer.write_table(index)


class TokenIndex:
    """The token index of one batch, mapped into memory: opening it reads its end, asking it a few pages."""

    def __init__(self, token: np.ndarray, block: np.ndarray, *, blocks: int, rows: int, crc: int | None) -> None:
        self._token = token
        self._block = block
        self._crc = crc
        self.blocks = blocks
        self.rows = rows

    @classmethod
    def open(cls, path: Path) -> "TokenIndex":
        """Raises FileNotFoundError, BatchDamaged; either means: read the whole batch."""
        try:
            with pa.memory_map(str(path)) as source:  # arrays keep the memory, not the file
                index = pa.ipc.open_file(source).read_all()
            metadata = index.schema.metadata
            if metadata[b"synclog.kind"] != b"tokens" or int(metadata[b"synclog.format"]) > FORMAT_VERSION:
                raise ValueError("not a token index of this format")
            token, block = (_only_chunk(index[name]) for name in ("token", "block"))
            if token.dtype != np.uint32:
                raise ValueError("tokens are not 32 bits wide")
            crc = int(metadata[b"crc"]) if b"crc" in metadata else None
            return cls(token, block, blocks=int(metadata[b"blocks"]), rows=int(metadata[b"rows"]), crc=crc)
        except FileNotFoundError:
            raise
        except (pa.ArrowException, OSError, KeyError, TypeError, ValueError) as error:
            raise BatchDamaged(f"{path} cannot be read as a token index: {error}") from error

    def is_as_written(self) -> bool:
        """Whether all of it is what was written, as far as its checksum tells; older ones have none."""
        return self._crc in (None, _sum(self._token, self._block))

    def blocks_of(self, token: str) -> np.ndarray:
        """The blocks that may hold this token, ascending."""
        key = np.uint32(crc32(token.encode()))  # of the column's own type, or numpy would convert the whole column
        first = np.searchsorted(self._token, key, "left")
        last = np.searchsorted(self._token, key, "right")
        return self._block[first:last]

    def blocks_of_all(self, tokens: Iterable[str]) -> np.ndarray:
        """The blocks that may hold every one of these tokens, of which there is at least one."""
        first, *others = (self.blocks_of(token) for token in tokens)
        for blocks in others:
            first = np.intersect1d(first, blocks, assume_unique=True)
        return first


def index_tokens(batch: Path, sink: IO[bytes]) -> None:
    """Write the token index of a sealed batch."""
    writer = TokenIndexWriter()
    with pq.ParquetFile(batch) as parquet:
        columns = [name for name in (*ID_COLUMNS, *TEXT_COLUMNS) if name in parquet.schema_arrow.names]
        for group in range(parquet.num_row_groups):
            writer.add_block(parquet.read_row_group(group, columns=columns))
    writer.write(sink)


def _keys_of(table: pa.Table) -> np.ndarray:
    """The CRC-32 of every token of a block, ascending."""
    ids = lowered(_distinct(table, ID_COLUMNS))
    with_spaces = ids.filter(pc.match_substring(ids, " "))
    codes = lowered(_distinct(table, ("code",)))
    texts = folded(pa.concat_arrays([lowered(_distinct(table, TEXT_COLUMNS)), with_spaces]))
    tokens = pc.unique(pa.chunked_array([ids, codes, *_words(texts)]))
    keys = {crc32(token) for token in tokens.cast(pa.binary()).to_pylist() if token}
    return np.sort(np.fromiter(keys, np.uint32, len(keys)))


def _distinct(table: pa.Table, names: Iterable[str]) -> pa.Array:
    chunks = [
        chunk.cast(pa.string()) for name in names if name in table.column_names for chunk in table[name].iterchunks()
    ]
    return pc.unique(pa.chunked_array(chunks, pa.string())).drop_null()


def _words(texts: pa.Array) -> list[pa.Array]:
    """The words of folded texts, and a few empty ones."""
    is_ascii = pc.string_is_ascii(texts)
    others = texts.filter(pc.invert(is_ascii))
    return [_cut_ascii(texts.filter(is_ascii)), pc.list_flatten(pc.split_pattern_regex(others, _GAP))]


def _cut_ascii(texts: pa.Array) -> pa.Array:
    """Cut wherever a word begins or ends: the same bytes with more offsets, many times faster than an expression."""
    if not len(texts):
        return texts
    texts = pa.concat_arrays([texts, pa.array([""])])  # a copy that starts at the first byte of its buffer
    _, offset_buffer, data = texts.buffers()
    ends = np.frombuffer(offset_buffer, np.int32, len(texts) + 1)
    data = data if data is not None else pa.py_buffer(b"")
    is_word = _IS_WORD_BYTE[np.frombuffer(data, np.uint8, int(ends[-1]))]
    is_cut = np.empty(len(is_word) + 1, bool)
    is_cut[1:-1] = is_word[1:] != is_word[:-1]
    is_cut[ends] = True
    cuts = np.flatnonzero(is_cut).astype(np.int32)
    pieces = pa.Array.from_buffers(pa.string(), len(cuts) - 1, [None, pa.py_buffer(cuts), data])
    return pieces.filter(pa.array(is_word[cuts[:-1]]))


def _sum(token: np.ndarray, block: np.ndarray) -> int:
    return crc32(block.tobytes(), crc32(token.tobytes()))


def _only_chunk(column: pa.ChunkedArray) -> np.ndarray:
    chunk = column.chunk(0) if column.num_chunks else pa.array([], column.type)
    if column.num_chunks > 1 or chunk.null_count:
        raise ValueError(f"column {column.type} is in pieces")
    values: np.ndarray = chunk.to_numpy(zero_copy_only=True)
    return values
