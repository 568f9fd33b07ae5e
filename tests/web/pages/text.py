"""What a page says, without its tags: for comparing words rather than markup."""

import re
from html import unescape
from html.parser import HTMLParser


class _Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def text_of(html: str) -> str:
    """All text of a page, white space as one space."""
    parser = _Words()
    parser.feed(html.replace("<wbr>", ""))
    return " ".join("".join(f" {words}" for words in parser.words).split())


def rows_of(html: str, row_class: str) -> list[list[str]]:
    """The cells' text of each table row of a class."""
    rows = re.findall(rf'<tr[^>]*class="{row_class}"[^>]*>(.*?)</tr>', html, re.DOTALL)
    return [[text_of(cell) for cell in re.findall(r"<td[^>]*>(.*?)</td>", row, re.DOTALL)] for row in rows]


def addresses_of(html: str, label: str) -> list[str]:
    """Where the links with this text lead."""
    links = re.findall(r'<a\b[^>]*\bhref="([^"]*)"[^>]*>(.*?)</a>', html, re.DOTALL)
    return [unescape(address) for address, inner in links if text_of(inner) == label]
