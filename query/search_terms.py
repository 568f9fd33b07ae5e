"""What a search looks for, and which rows of a block have it.

A term matches where it stands between characters that are not part of a word: in a message, a code, a name, or an id
with spaces; or where it is the whole of an id. The token index is asked which blocks may have a term, and this module
which rows do, with the same folding and the same expressions, so that an index changes the time taken and nothing else.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ingest.errors import InvalidInput
from ingest.token_index import (
    ID_COLUMNS,
    TEXT_COLUMNS,
    WORD_CHARACTERS,
    TokenIndex,
    fold,
    folded,
    lower,
    lowered,
    words_of,
)

SEARCHED_COLUMNS = (*TEXT_COLUMNS, *ID_COLUMNS)

_CAPITALS_OF_ASCII = ("\u0130".encode(), "\u212a".encode())  # of i and of k

Mask = np.ndarray
"""One truth a row."""

_TERM = re.compile(r'"([^"]*)"?|(\S+)')


@dataclass(frozen=True)
class Term:
    """A word or phrase somebody looks for."""

    text: str

    @cached_property
    def lower(self) -> str:
        return lower(self.text)

    @cached_property
    def words(self) -> list[str]:
        return words_of(fold(self.text))

    @property
    def rarity(self) -> tuple[bool, int]:
        """The greater, the fewer rows are likely to have it: those with digits, then the long ones."""
        return any(character.isdigit() for character in self.text), len(self.text)

    @cached_property
    def pattern(self) -> str:
        """It between word boundaries, for folded texts; RE2 has no look-around."""
        text = fold(self.text)
        before = rf"(?:^|[^{WORD_CHARACTERS}])" if self.words and text.startswith(self.words[0]) else ""
        after = rf"(?:[^{WORD_CHARACTERS}]|$)" if self.words and text.endswith(self.words[-1]) else ""
        return before + re.escape(text) + after

    def blocks(self, index: TokenIndex) -> np.ndarray | None:
        """The blocks that may have it; None when the index cannot tell."""
        if not self.words:
            return None
        in_texts = index.blocks_of_all(dict.fromkeys(self.words))
        return in_texts if self.words == [self.lower] else np.union1d(in_texts, index.blocks_of(self.lower))


def terms_of(text: str) -> tuple[str, ...]:
    """The words and the "phrases in double quotes" of what somebody typed."""
    found = (phrase.strip() or word for phrase, word in _TERM.findall(text))
    return tuple(dict.fromkeys(term for term in found if term))


def having_term(table: pa.Table, term: Term) -> Mask:
    """The rows that have a word or phrase."""
    found = np.zeros(table.num_rows, bool)
    for name, texts in _searched(table):
        if name in ID_COLUMNS:
            found |= _truths(pc.equal(_lowered(texts, term.lower), term.lower))
        if name in TEXT_COLUMNS or _may_hold(texts, b" "):
            _mark(found, texts, term, only_spaced=name in ID_COLUMNS)
    return found


def having_substring(table: pa.Table, wanted: str) -> Mask:
    """The rows that have a text, given in lower case, anywhere."""
    found = np.zeros(table.num_rows, bool)
    for _, texts in _searched(table):
        found |= _truths(pc.match_substring(_lowered(texts, wanted), wanted))
    return found


def having_match(table: pa.Table, regex: str) -> Mask:
    """The rows that match an expression."""
    found = np.zeros(table.num_rows, bool)
    for _, texts in _searched(table):
        found |= _truths(pc.match_substring_regex(texts, regex))
    return found


def having_record(table: pa.Table, record_type: str | None, record_id: str) -> Mask:
    """The actions on a record: as their source or as their target."""
    found = np.zeros(table.num_rows, bool)
    for side in ("source", "target"):
        mask = having_one_of(table, f"{side}_id", (record_id,))
        if record_type is not None:
            mask &= having_one_of(table, f"{side}_type", (record_type,))
        found |= mask
    return found


def having_one_of(table: pa.Table, name: str, values: tuple[str, ...]) -> Mask:
    """The rows whose column has one of these values."""
    if name not in table.column_names:
        return np.zeros(table.num_rows, bool)
    wanted = pa.array(values, pa.string())
    masks = [_is_in(chunk, wanted) for chunk in table[name].iterchunks()]
    return np.concatenate(masks) if masks else np.zeros(0, bool)


def check_regex(regex: str) -> None:
    """Raises InvalidInput."""
    try:
        pc.match_substring_regex(pa.array([""]), regex)
    except pa.ArrowInvalid as error:
        reason = str(error).removeprefix("Invalid regular expression: ")
        raise InvalidInput(
            f"{regex!r} is no regular expression: {reason}",
            field="q",
            hint="RE2 syntax: no look-around and no back references; (?i) at the start ignores case",
        ) from error


def _searched(table: pa.Table) -> Iterator[tuple[str, pa.Array]]:
    for name in SEARCHED_COLUMNS:
        if name in table.column_names:
            yield name, table[name].cast(pa.string()).combine_chunks()


def _mark(found: Mask, texts: pa.Array, term: Term, *, only_spaced: bool) -> None:
    """Mark the rows where the term stands between boundaries, looking closely at those that have it at all."""
    rows = np.flatnonzero(_truths(pc.match_substring(_lowered(texts, term.lower), term.lower)))
    if len(rows):
        candidates = lowered(texts.take(pa.array(rows)))
        has_term = _truths(pc.match_substring_regex(folded(candidates), term.pattern))
        if only_spaced:
            has_term &= _truths(pc.match_substring(candidates, " "))
        found[rows] |= has_term


def _lowered(texts: pa.Array, wanted: str) -> pa.Array:
    """As good as in lower case for whoever looks for ``wanted``.

    For ASCII the quick way is enough, unless there is a capital letter outside ASCII whose small one is inside.
    """
    is_quick = wanted.isascii() and not any(_may_hold(texts, capital) for capital in _CAPITALS_OF_ASCII)
    return pc.ascii_lower(texts) if is_quick else lowered(texts)


def _is_in(values: pa.Array, wanted: pa.Array) -> Mask:
    if not pa.types.is_dictionary(values.type):
        return _truths(pc.is_in(values, wanted))
    verdicts = np.append(_truths(pc.is_in(values.dictionary, wanted)), False)  # the last is that of a null
    mask: Mask = verdicts[values.indices.fill_null(len(verdicts) - 1).to_numpy()]
    return mask


def _may_hold(texts: pa.Array, part: bytes) -> bool:
    data = texts.buffers()[2]
    if data is None or not (np.frombuffer(data, np.uint8) == part[0]).any():  # quicker than a copy of the bytes
        return False
    return part in data.to_pybytes()


def _truths(verdicts: pa.Array) -> Mask:
    truths: Mask = verdicts.fill_null(False).to_numpy(zero_copy_only=False)
    return truths
