"""What was looked for, marked where it stands in a text: escaped first, cut around the first place it is found at."""

import re
from collections.abc import Iterable

from markupsafe import Markup, escape

from reports.wording import shorten, visible_text

LONG_WORD = 24
"""Characters from which on a text may be broken anywhere."""
_LOOKED_AT = 100_000
_BEFORE = 80
_NOTHING = re.compile(r"(?!)")


class Highlight:
    """Marks words, or texts anywhere where ``inside_words``; a word with ``*`` behind it is how one begins."""

    def __init__(self, texts: Iterable[str], *, inside_words: bool = False) -> None:
        patterns = [_pattern(text, inside_words) for text in sorted(set(texts), key=len, reverse=True)]
        known = [pattern for pattern in patterns if pattern]
        self._pattern = re.compile("|".join(known), re.IGNORECASE) if known else _NOTHING

    def mark(self, text: str | None, length: int) -> Markup:
        """At most so many characters of a text, those around what was found, as HTML."""
        if not text:
            return Markup('<span class="nothing">—</span>')
        shown = visible_text(self._cut(text, length))
        parts, end = [], 0
        for found in self._pattern.finditer(shown):
            parts += [escape(shown[end : found.start()]), Markup("<mark>{}</mark>").format(found.group())]
            end = found.end()
        inside = Markup("").join([*parts, escape(shown[end:])])
        return Markup('<bdi class="long">{}</bdi>' if len(text) > LONG_WORD else "<bdi>{}</bdi>").format(inside)

    def _cut(self, text: str, length: int) -> str:
        short = shorten(text, length)
        if short == text or self._pattern.search(short):
            return short
        found = self._pattern.search(text, 0, _LOOKED_AT)
        if found is None:
            return short
        start = max(0, found.start() - min(_BEFORE, length // 3))
        return "… " + shorten(text[start:], length)


def _pattern(text: str, inside_words: bool) -> str:
    word = text.removesuffix("*")
    if not word:
        return ""
    before = r"(?<!\w)" if word[0].isalnum() and not inside_words else ""
    after = r"(?!\w)" if word[-1].isalnum() and not inside_words and word == text else ""
    return before + re.escape(word) + after
