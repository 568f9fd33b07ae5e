"""Why a problem happens: its class, by readable rules over codes and words of messages.

The rules are in ``cause_rules.toml`` beside this module; a file of the same kind adds to them, its rules going first.
"""

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from ingest.errors import SettingsError

OTHER = "other"
_CLASS_KEYS = ("title", "meaning", "advice", "who")
_RULE_KEYS = ("class", "codes", "words")
_WORD = re.compile(r"\w+")
_PHRASE_WORD = re.compile(r"[\w?*]+")
_PATH = re.compile(r"\S*[/\\]\S*|\w+(?:\.\w+)+")
"""Paths, addresses, file names, and words with dots in them: what they are called says nothing of why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """A class of problems: what it means, what to do about it, and who can."""

    name: str
    title: str
    meaning: str
    advice: str
    who: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What puts a problem into a class: one of these codes, or one of these words in the message.

    ``phrases`` are looked for in :func:`_spaced` texts; the few with a ``?`` are expressions.
    """

    cause: str
    codes: frozenset[str]
    phrases: tuple[str, ...]
    expressions: tuple[re.Pattern[str], ...]

    def matches(self, code: str, spaced: str) -> bool:
        if code in self.codes or any(phrase in spaced for phrase in self.phrases):
            return True
        return any(expression.search(spaced) for expression in self.expressions)


class Causes:
    """Classes and rules; answers are remembered, for the same failures come over and over."""

    def __init__(self, classes: Mapping[str, Cause], rules: Iterable[Rule]) -> None:
        self.classes = classes
        self._rules = tuple(rules)
        self.find = lru_cache(4096)(self._find)

    def _find(self, code: str | None, message: str | None) -> Cause:
        """The class of a failure with this code and message."""
        said, spaced = (code or "").strip().casefold(), _spaced(_PATH.sub(" ", message or ""))
        return self.classes[next((rule.cause for rule in self._rules if rule.matches(said, spaced)), OTHER)]


def load_causes(own: Path | None = None) -> Causes:
    """The rules that come with synclog, after those of a file of one's own. Raises SettingsError."""
    shipped = _read(files("query").joinpath("cause_rules.toml").read_text(encoding="utf-8"), "cause_rules.toml")
    if own is None:
        return Causes(*shipped)
    try:
        text = own.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"cannot read the rules of {own}: {error}", field="causes") from error
    classes, rules = _read(text, str(own), shipped[0])
    return Causes(classes, [*rules, *shipped[1]])


def _read(text: str, place: str, known: Mapping[str, Cause] | None = None) -> tuple[dict[str, Cause], list[Rule]]:
    try:
        said = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{place} is not TOML: {error}", field="causes") from error
    _only(said, ("classes", "rules"), place)
    if not isinstance(said.get("classes", {}), dict) or not isinstance(said.get("rules", []), list):
        raise SettingsError(f"{place}: there are tables [classes.NAME] and [[rules]]", field="causes")
    classes = dict(known or {})
    for name, body in said.get("classes", {}).items():
        classes[name] = _cause(name, body, f"{place}: class {name}")
    rules = [_rule(body, classes, f"{place}: rule {number}") for number, body in enumerate(said.get("rules", []), 1)]
    return classes, rules


def _cause(name: str, body: Any, place: str) -> Cause:  # whatever TOML holds
    _only(body, _CLASS_KEYS, place)
    if any(not isinstance(body.get(key), str) for key in _CLASS_KEYS):
        raise SettingsError(f"{place} says {', '.join(_CLASS_KEYS)}, each as a text", field="causes")
    return Cause(name=name, **body)


def _rule(body: Any, classes: Mapping[str, Cause], place: str) -> Rule:
    _only(body, _RULE_KEYS, place)
    if body.get("class") not in classes:
        raise SettingsError(f"{place} has no class of {', '.join(classes)}", field="causes")
    codes, words = body.get("codes", []), body.get("words", [])
    if any(not isinstance(each, list) or not all(isinstance(word, str) for word in each) for each in (codes, words)):
        raise SettingsError(f"{place}: codes and words are lists of texts", field="causes")
    if not any(word.strip() for word in (*codes, *words)):
        raise SettingsError(f"{place} matches nothing: it has neither codes nor words", field="causes")
    if middle := next((word for word in words if "*" in word.strip().removesuffix("*")), None):
        raise SettingsError(f"{place}: * stands at the end of words only, not as in {middle!r}", field="causes")
    phrases = [_phrase(word) for word in words if word.strip()]
    return Rule(
        cause=body["class"],
        codes=frozenset(code.strip().casefold() for code in codes if code.strip()),
        phrases=tuple(phrase for phrase in phrases if "?" not in phrase),
        expressions=tuple(re.compile(phrase.replace("?", r"\w")) for phrase in phrases if "?" in phrase),
    )


def _phrase(words: str) -> str:
    """Whole words as they stand in a spaced text: * is the rest of a word, ? one letter."""
    phrase = f" {' '.join(_PHRASE_WORD.findall(words.casefold()))} "
    return phrase[:-2] if phrase.endswith("* ") else phrase


def _spaced(text: str) -> str:
    """The words of a text in small letters, one space before, between and after them."""
    return f" {' '.join(_WORD.findall(text.casefold()))} "


def _only(body: Any, keys: tuple[str, ...], place: str) -> None:
    if not isinstance(body, dict):
        raise SettingsError(f"{place} is not a table", field="causes")
    if unknown := [key for key in body if key not in keys]:
        raise SettingsError(f"{place} has a key nobody reads: {unknown[0]}", field="causes", hint=", ".join(keys))
