import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.errors import InvalidInput
from query.paging import page_of, read_cursor, write_cursor


def test_page_with_nothing_after_it_has_no_cursor():
    page = page_of([1, 2], 2, lambda row: (row,))

    assert page.items == [1, 2]
    assert page.next_cursor is None


def test_one_row_more_than_asked_for_makes_a_cursor_at_the_last_row_shown():
    page = page_of([1, 2, 3], 2, lambda row: (row,))

    assert page.items == [1, 2]
    assert read_cursor(page.next_cursor, int) == [2]


@given(st.text(), st.integers(-(2**63) + 1, 2**63 - 1))
def test_cursor_gives_back_the_position_and_stands_in_an_address(text, number):
    cursor = write_cursor([text, number, None])

    assert read_cursor(cursor, str, int, type(None)) == [text, number, None]
    assert cursor.replace("-", "").replace("_", "").isalnum()
    assert cursor.isascii()


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "x",
        "é",
        "WzFd",
        write_cursor([1, 2, 3]),
        write_cursor(["a", "b"]),
        write_cursor(["a", 2**64]),
        write_cursor(["\ud800", 1]),
        "%%%",
        "A" * 99,
    ],
)
def test_what_is_no_cursor_of_this_list_is_refused(cursor):
    with pytest.raises(InvalidInput) as refused:
        read_cursor(cursor, str, int)

    assert refused.value.field == "cursor"


@given(st.text())
def test_any_text_is_a_cursor_or_refused(text):
    try:
        position = read_cursor(text, str)
    except InvalidInput:
        position = None

    assert position is None or isinstance(position[0], str)
