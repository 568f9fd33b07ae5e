"""What a search says of single fields: which of their values it wants, or does not want.

A condition is one test on rows beside the words that are looked for. Where it can, it also says which blocks need not
be read: by the token index of a batch or, when it wants exact values of one column, by the least and greatest of a
block.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ingest.token_index import ID_COLUMNS, WORD_CHARACTERS, TokenIndex, lower, lowered, words_of
from query.blocks import Block
from query.columns import Column, Mask
from query.search_terms import Term, has_id, has_words

RECORD_COLUMNS = ("source_id", "target_id", "source_name", "target_name", "source_type", "target_type")
_SIDES = ("source", "target")


class Comparison(StrEnum):
    """How a value is compared with what a column says; only EXACT tells capital from small letters."""

    EXACT = "exact"
    WHOLE = "whole"
    WORDS = "words"
    RECORD = "record"  # the whole of an id or a name, or type/id


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A value. One that only ``is_begun`` is how a word or a column begins; without any text it is anything at all."""

    text: str
    is_begun: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One of ``values`` in one of ``columns`` or, negated, none of them in any."""

    columns: tuple[str, ...]
    values: tuple[Wanted, ...]
    comparison: Comparison = Comparison.WHOLE
    is_negated: bool = False
    has_tokens: bool = False
    """Whether the token index knows what these columns say."""

    @property
    def exact(self) -> tuple[str, ...] | None:
        """The values of which its only column must have one; None when it is not as simple as that."""
        is_simple = self.comparison is Comparison.EXACT and len(self.columns) == 1 and not self.is_negated
        return tuple(value.text for value in self.values) if is_simple else None

    def spelled_as(self, known: Mapping[str, Iterable[str]]) -> "Condition":
        """The same by exact values, where all the values its column has are known."""
        if self.comparison is not Comparison.WHOLE or len(self.columns) != 1 or self.columns[0] not in known:
            return self
        words = [(lower(word), word) for word in known[self.columns[0]]]
        meant = [[word for low, word in words if low == lower(value.text)] for value in self.values]
        if not all(meant) or any(value.is_begun for value in self.values):
            return self
        exact = tuple(Wanted(text=word) for some in meant for word in some)
        return replace(self, comparison=Comparison.EXACT, values=exact)

    def blocks(self, index: TokenIndex) -> np.ndarray | None:
        """The blocks that may have one of the values; None when the index cannot tell."""
        if self.is_negated or not self.has_tokens:
            return None
        found = [self._blocks_with(value, index) for value in self.values]
        told = [blocks for blocks in found if blocks is not None]
        return np.unique(np.concatenate(told)) if len(told) == len(found) else None

    def holds(self, block: Block, rows: np.ndarray) -> Mask:
        """Of which of some rows it is true."""
        found = np.zeros(len(rows), bool)
        for value in self.values:
            for name in self._compared_columns:
                if (column := block.column(name)) is not None:
                    found |= self._has(value, name, column, rows)
            if self.comparison is Comparison.RECORD:
                found |= _is_named_by_type_and_id(value, block, rows)
        return ~found if self.is_negated else found

    @property
    def patterns(self) -> list[str]:
        """Expressions of RE2, one of which finds a value in a column in lower case."""
        return [_pattern(value, self.comparison) for value in self.values]

    @property
    def _compared_columns(self) -> tuple[str, ...]:
        return RECORD_COLUMNS[:4] if self.comparison is Comparison.RECORD else self.columns

    def _blocks_with(self, value: Wanted, index: TokenIndex) -> np.ndarray | None:
        words = Term(value.text).words
        if value.is_begun or not words:
            return None
        found = [index.blocks_of_all(dict.fromkeys(words)), index.blocks_of(lower(value.text))]
        if self.comparison is Comparison.RECORD and (record_id := value.text.partition("/")[2]):
            found.append(index.blocks_of(lower(record_id)))
        return np.concatenate(found)

    def _has(self, value: Wanted, name: str, column: Column, rows: np.ndarray) -> Mask:
        if not value.text:
            return column.judge(rows, pc.is_valid) if value.is_begun else np.zeros(len(rows), bool)
        if self.comparison is Comparison.EXACT:
            return column.one_of([value.text], rows)
        found = np.zeros(len(rows), bool)
        at = np.flatnonzero(column.holding(lower(value.text), rows))
        if len(at):
            found[at] = column.judge(rows[at], self._verdict(value, name))
        return found

    def _verdict(self, value: Wanted, name: str) -> "partial[pa.Array]":
        if self.comparison is not Comparison.WORDS or value.is_begun:
            return partial(_matches, _pattern(value, self.comparison))
        return partial(has_id if name in ID_COLUMNS else has_words, Term(value.text))


def _pattern(value: Wanted, comparison: Comparison) -> str:
    text = lower(value.text)
    if comparison is not Comparison.WORDS:
        return "^" + re.escape(text) + ("" if value.is_begun else r"\z")
    words = words_of(text)
    before = rf"(?:^|[^{WORD_CHARACTERS}])" if words and text.startswith(words[0]) else ""
    after = rf"(?:[^{WORD_CHARACTERS}]|\z)" if words and text.endswith(words[-1]) and not value.is_begun else ""
    return before + re.escape(text) + after


def _matches(pattern: str, texts: pa.Array) -> pa.Array:
    return pc.match_substring_regex(lowered(texts), pattern)


def _is_named_by_type_and_id(value: Wanted, block: Block, rows: np.ndarray) -> Mask:
    found = np.zeros(len(rows), bool)
    kind, _, record_id = value.text.partition("/")
    if not kind or not record_id:
        return found
    with_id = Condition(columns=(), values=(replace(value, text=record_id),))
    for side in _SIDES:
        one_side = replace(with_id, columns=(f"{side}_id",)).holds(block, rows)
        if one_side.any():
            one_side &= Condition(columns=(f"{side}_type",), values=(Wanted(text=kind),)).holds(block, rows)
        found |= one_side
    return found
