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
_SPACE = r"\s+"


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
    """What puts a problem into a class: one of these codes, or one of these words in the message."""

    cause: str
    codes: frozenset[str]
    words: re.Pattern[str] | None

    def matches(self, code: str | None, message: str | None) -> bool:
        if code is not None and code.strip().casefold() in self.codes:
            return True
        return self.words is not None and message is not None and self.words.search(message) is not None


class Causes:
    """Classes and rules; answers are remembered, for the same failures come over and over."""

    def __init__(self, classes: Mapping[str, Cause], rules: Iterable[Rule]) -> None:
        self.classes = classes
        self._rules = tuple(rules)
        self.find = lru_cache(4096)(self._find)

    def _find(self, code: str | None, message: str | None) -> Cause:
        """The class of a failure with this code and message."""
        name = next((rule.cause for rule in self._rules if rule.matches(code, message)), OTHER)
        return self.classes[name]


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
    return Rule(
        cause=body["class"],
        codes=frozenset(code.strip().casefold() for code in codes),
        words=re.compile("|".join(map(_pattern, words)), re.IGNORECASE) if words else None,
    )


def _pattern(words: str) -> str:
    """Whole words, but not of paths: * is the rest of a word, ? one letter, a space any white space."""
    parts = (re.escape(word).replace(r"\*", r"\w*").replace(r"\?", r"\w") for word in words.split())
    return rf"(?<![\w/\\-]){_SPACE.join(parts)}(?!\w|[./\\-]\w)"


def _only(body: Any, keys: tuple[str, ...], place: str) -> None:
    if not isinstance(body, dict):
        raise SettingsError(f"{place} is not a table", field="causes")
    if unknown := [key for key in body if key not in keys]:
        raise SettingsError(f"{place} has a key nobody reads: {unknown[0]}", field="causes", hint=", ".join(keys))
