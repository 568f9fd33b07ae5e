"""What a search looks for, and which rows of a block have it.

A term matches where it stands between characters that are not part of a word: in a message, a code, a name, or an id
with spaces; or where it is the whole of an id. The token index is asked which blocks may have a term, and this module
which rows do, with the same folding and the same expressions, so that an index changes the time taken and nothing else.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, partial

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
from query.blocks import Block
from query.columns import Column, LowerTexts, Mask

SEARCHED_COLUMNS = (*TEXT_COLUMNS, *ID_COLUMNS)

_FEW_TEXTS = 100
_EDGE = re.compile(r"\\[AbBz]|(?P<other>\\.)|[$^]", re.DOTALL)
_NO_EDGES_BEHIND = ("[", r"\Q", "{^")


@dataclass(frozen=True)
class Term:
    """A word or phrase somebody looks for."""

    text: str

    @cached_property
    def lower(self) -> str:
        return lower(self.text)

    @cached_property
    def words(self) -> list[str]:
        return words_of(self._folded)

    @property
    def rarity(self) -> tuple[bool, int]:
        """The greater, the fewer rows are likely to have it: those with digits, then the long ones."""
        return any(character.isdigit() for character in self.text), len(self.text)

    @cached_property
    def pattern(self) -> str:
        """It between word boundaries, for folded texts; RE2 has no look-around."""
        before = rf"(?:^|[^{WORD_CHARACTERS}])" if self._begins_word else ""
        after = rf"(?:[^{WORD_CHARACTERS}]|$)" if self._ends_word else ""
        return before + re.escape(self._folded) + after

    def stands_in(self, text: str) -> bool:
        """The same of one folded text: RE2 takes a millisecond to learn what all the world's letters are."""
        at = text.find(self._folded)
        while at >= 0:
            end = at + len(self._folded)
            is_begun = not (self._begins_word and at and _is_of_word(text[at - 1]))
            if is_begun and not (self._ends_word and end < len(text) and _is_of_word(text[end])):
                return True
            at = text.find(self._folded, at + 1)
        return False

    @cached_property
    def _folded(self) -> str:
        return fold(self.text)

    @cached_property
    def _begins_word(self) -> bool:
        return bool(self.words) and self._folded.startswith(self.words[0])

    @cached_property
    def _ends_word(self) -> bool:
        return bool(self.words) and self._folded.endswith(self.words[-1])

    def blocks(self, index: TokenIndex) -> np.ndarray | None:
        """The blocks that may have it; None when the index cannot tell."""
        if not self.words:
            return None
        in_texts = index.blocks_of_all(dict.fromkeys(self.words))
        return in_texts if self.words == [self.lower] else np.union1d(in_texts, index.blocks_of(self.lower))


def having_terms(block: Block, rows: np.ndarray, terms: Sequence[Term]) -> Mask:
    """Which of some rows have all words and phrases. The rarest are best given first: each leaves fewer rows."""
    left = np.arange(len(rows))
    for done, term in enumerate(terms):
        if len(left) <= _FEW_TEXTS:
            left = left[_few_having(block, rows[left], terms[done:])]
            break
        left = left[_many_having(block, rows[left], term)]
    found = np.zeros(len(rows), bool)
    found[left] = True
    return found


def _many_having(block: Block, rows: np.ndarray, term: Term) -> Mask:
    """Which of many rows have a word or phrase: each value of a column is looked at once."""
    found = np.zeros(len(rows), bool)
    for name, column in _searched(block):
        at = np.flatnonzero(column.holding(term.lower, rows))
        if len(at):
            found[at] |= column.judge(rows[at], partial(has_id if name in ID_COLUMNS else has_words, term))
    return found


def _few_having(block: Block, rows: np.ndarray, terms: Sequence[Term]) -> Mask:
    """Which of few rows have all of these: each text is taken and folded once."""
    ids, texts = [set[str]() for _ in rows], [set[str]() for _ in rows]
    lower_once, fold_once = cache(lower), cache(fold)
    for name, column in _searched(block):
        is_id = name in ID_COLUMNS
        for place, value in enumerate(column.take(rows)):
            if value is not None and is_id:
                ids[place].add(lower_once(value))
            if value is not None and (not is_id or " " in value):
                texts[place].add(fold_once(value))
    found = (
        all(term.lower in own_ids or any(map(term.stands_in, own_texts)) for term in terms)
        for own_ids, own_texts in zip(ids, texts, strict=True)
    )
    return np.fromiter(found, bool, len(rows))


@dataclass(frozen=True)
class Part:
    """A text somebody looks for anywhere, also inside words; given in lower case."""

    lower: str

    def may_be_in(self, texts: pa.Array) -> bool:
        """Or across two of them, or in what is between them."""
        return LowerTexts(texts).may_have(self.lower)

    def holds(self, block: Block, rows: np.ndarray) -> Mask:
        """Which of some rows have it."""
        return _any_of((column.holding(self.lower, rows) for _, column in _searched(block)), rows)


@dataclass(frozen=True)
class Expression:
    """A regular expression somebody looks for."""

    regex: str

    @cached_property
    def anywhere(self) -> str:
        """The same without what it says of where texts and words begin and end; it finds anything where that is hard
        to tell from other things."""
        loose = _EDGE.sub(lambda found: found[0] if found["other"] else "(?:)", self.regex)
        return "" if loose != self.regex and any(sign in self.regex for sign in _NO_EDGES_BEHIND) else loose

    def may_be_in(self, texts: pa.Array) -> bool:
        """Or across two of them, or in what is between them."""
        return bool(pc.any(pc.match_substring_regex(texts, self.anywhere)).as_py())

    def holds(self, block: Block, rows: np.ndarray) -> Mask:
        """Which of some rows match."""
        verdict = partial(pc.match_substring_regex, pattern=self.regex)
        masks = (column.judge_any(rows, verdict, self.may_be_in) for _, column in _searched(block))
        return _any_of(masks, rows)


def having_record(block: Block, rows: np.ndarray, record_type: str | None, record_id: str) -> Mask:
    """Which of some rows are actions on a record: as their source or as their target."""
    return _any_of((_is_record(block, rows, side, record_type, record_id) for side in ("source", "target")), rows)


def having_one_of(block: Block, rows: np.ndarray, name: str, values: tuple[str, ...]) -> Mask:
    """Which of some rows have one of these values in a column."""
    column = block.column(name)
    return np.zeros(len(rows), bool) if column is None else column.one_of(values, rows)


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


def _searched(block: Block) -> Iterator[tuple[str, Column]]:
    for name in SEARCHED_COLUMNS:
        if (column := block.column(name)) is not None:
            yield name, column


def _is_record(block: Block, rows: np.ndarray, side: str, record_type: str | None, record_id: str) -> Mask:
    mask = having_one_of(block, rows, f"{side}_id", (record_id,))
    if record_type is not None and mask.any():
        mask &= having_one_of(block, rows, f"{side}_type", (record_type,))
    return mask


def has_words(term: Term, texts: pa.Array) -> pa.Array:
    """Which texts have a word or phrase."""
    words = folded(lowered(texts))
    if len(words) > _FEW_TEXTS:
        return pc.match_substring_regex(words, term.pattern)
    return pa.array([text is not None and term.stands_in(text) for text in words.to_pylist()], pa.bool_())


def _is_of_word(character: str) -> bool:
    """As WORD_CHARACTERS has it."""
    return character == "_" or unicodedata.category(character)[0] in "LN"


def has_id(term: Term, ids: pa.Array) -> pa.Array:
    """An id is a word of its own; one with spaces is a text as well."""
    is_it = pc.equal(lowered(ids), pa.scalar(term.lower))
    has_space = pc.match_substring(ids, " ")
    if not pc.any(has_space).as_py():
        return is_it
    return pc.or_(is_it, pc.and_(has_space, has_words(term, ids)))


def _any_of(masks: Iterable[Mask], rows: np.ndarray) -> Mask:
    found = np.zeros(len(rows), bool)
    for mask in masks:
        found |= mask
    return found
