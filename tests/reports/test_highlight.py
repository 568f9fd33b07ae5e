"""What was looked for is marked, and nothing a sender wrote becomes HTML."""

import pytest

from reports.highlight import Highlight


@pytest.mark.parametrize(
    ("texts", "text", "marked"),
    [
        (("no",), "No, not now", "<bdi><mark>No</mark>, not now</bdi>"),
        (("no*",), "No, not now", "<bdi><mark>No</mark>, <mark>no</mark>t <mark>no</mark>w</bdi>"),
        (("<b>",), "a <b> & c", "<bdi>a <mark>&lt;b&gt;</mark> &amp; c</bdi>"),
        (("a b", "a"), "a b a", "<bdi><mark>a b</mark> <mark>a</mark></bdi>"),
        ((), "a", "<bdi>a</bdi>"),
        (("*",), "a", "<bdi>a</bdi>"),
        (("x",), None, '<span class="nothing">—</span>'),
        (("x",), "a\u202ex", "<bdi>a⟨U+202E⟩<mark>x</mark></bdi>"),
    ],
)
def test_what_is_marked(texts, text, marked):
    assert Highlight(texts).mark(text, 100) == marked


def test_text_inside_of_words_is_marked_where_it_was_looked_for():
    assert Highlight(("miss",), inside_words=True).mark("Permission", 100) == "<bdi>Per<mark>miss</mark>ion</bdi>"


def test_a_long_text_is_cut_around_what_was_found():
    marked = Highlight(("needle",)).mark("hay " * 500 + "needle" + " hay" * 50_000, 60)

    assert marked.startswith('<bdi class="long">… hay')
    assert "<mark>needle</mark>" in marked
    assert len(marked) < 200
