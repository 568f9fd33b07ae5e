"""Values are told without the rows, or not at all; and what is told rules out only blocks that have nothing."""

import io

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ingest.errors import InvalidInput
from ingest.token_index import lower, lowered
from query.blocks import Batch
from query.columns import one_text
from query.dictionary_pages import read_values
from query.search_terms import Expression, Part, check_regex

MERGED = {"compression": "zstd", "use_dictionary": True, "write_page_checksum": True}

texts = st.text(st.sampled_from("abAikIKİK\u212aäÄß 4-\n"), max_size=6)
columns = st.lists(texts | st.none(), min_size=1, max_size=12)


def written(values, **options):
    """A column chunk and what the footer says of it."""
    sink = io.BytesIO()
    pq.write_table(pa.table({"message": pa.array(values, pa.string())}), sink, **{**MERGED, **options})
    about = pq.read_metadata(sink).row_group(0).column(0)
    start = about.dictionary_page_offset or about.data_page_offset
    return pa.py_buffer(sink.getvalue()).slice(start, about.total_compressed_size), about


def plain(values):
    """As Parquet writes them."""
    texts = [text.encode() for text in dict.fromkeys(values) if text is not None]
    return b"".join(len(text).to_bytes(4, "little") + text for text in texts)


@settings(deadline=None)
@given(values=columns)
@example(values=[None])
def test_each_value_is_told_once(values):
    assert read_values(*written(values)).to_pybytes() == plain(values)


def test_values_on_several_pages_of_rows_are_told():
    values = [str(number % 300) for number in range(5000)]

    assert read_values(*written(values, data_page_size=512, write_batch_size=64)).to_pybytes() == plain(values)


MANY = [f"{number} of many" for number in range(5000)]


@pytest.mark.parametrize(
    "options",
    [
        {"dictionary_pagesize_limit": 1000, "write_batch_size": 64},  # only the first rows are in the dictionary
        {"use_dictionary": False},
        {"compression": "snappy"},
        {"compression": "none"},
        {"data_page_version": "2.0"},
    ],
)
def test_what_is_written_differently_is_not_told(options):
    assert read_values(*written(MANY, **options)) is None


def test_numbers_are_not_told():
    sink = io.BytesIO()
    pq.write_table(pa.table({"row": [1, 2, 2]}), sink, **MERGED)
    about = pq.read_metadata(sink).row_group(0).column(0)

    assert read_values(pa.py_buffer(sink.getvalue()), about) is None


@settings(max_examples=200, deadline=None)
@given(place=st.integers(0, 200), junk=st.binary(min_size=1, max_size=30))
@example(place=0, junk=b"\x1c" * 30)  # structs in structs
@example(place=0, junk=b"\xff" * 30)  # a number without an end
@example(place=0, junk=b"\x15\x04\x15\x80\x80\x80\x80\x40")  # values of a gigabyte
def test_damaged_pages_raise_nothing(place, junk):
    chunk, about = written(["one", "two", "two", None] * 50)
    damaged = bytearray(chunk.to_pybytes())
    damaged[place : place + len(junk)] = junk

    read_values(pa.py_buffer(bytes(damaged[: chunk.size])), about)


def test_a_chunk_that_is_cut_short_is_not_told():
    chunk, about = written(MANY)

    assert [read_values(chunk.slice(0, size), about) for size in (0, 1, 10, 50, chunk.size - 1)] == [None] * 5


def test_no_block_is_passed_over_that_has_the_text(world, tmp_path):
    path = tmp_path / "merged.parquet"

    @settings(max_examples=200, deadline=None)
    @given(values=columns, others=columns, part=texts.filter(bool))
    @example(values=["O\u212a"], others=["x"], part="k")
    @example(values=["HİT"], others=[None], part="hit")
    @example(values=["Äb"], others=["x"], part="äB")
    @example(values=["same", "same"], others=["x", "y"], part="AM")
    def check(values, others, part):
        rows = max(len(values), len(others))
        table = {
            "message": pa.array(values + [None] * (rows - len(values)), pa.string()),
            "code": pa.array(others + [None] * (rows - len(others)), pa.string()),
        }
        pq.write_table(pa.table(table), path, **MERGED)
        wanted = lower(part)
        has_it = any(wanted in text for column in table.values() for text in lowered(column.drop_null()).to_pylist())

        batch = Batch(str(path), str(tmp_path / "none"), world.view.trouble)
        may_hold = batch.may_hold(0, ["message", "code"], Part(wanted).may_be_in)

        assert may_hold if has_it else (not may_hold or not part.isascii() or not plain_ascii(values + others))

    check()


def plain_ascii(values):
    return all(text is None or text.isascii() for text in values)


bits = st.sampled_from(
    [
        "a",
        "b",
        "Ä",
        ".",
        "^",
        "$",
        r"\b",
        r"\B",
        r"\A",
        r"\z",
        "(?:a|^b)",
        "[^a]",
        "[$]",
        r"\$",
        r"\\",
        "a*",
        "(?:^)?",
        "b{2}",
    ]
)


@settings(max_examples=500, deadline=None)
@given(values=st.lists(texts, min_size=1, max_size=4), expression=st.lists(bits, max_size=5).map("".join))
@example(values=["Greek"], expression=r"^\p{^Greek}")
@example(values=["a^"], expression=r"\Qa^\E$")
@example(values=["x\na"], expression="(?m)^a$")
def test_an_expression_may_be_in_values_end_to_end_when_it_is_in_one(values, expression):
    try:
        check_regex(expression)
    except InvalidInput:  # such as two stars
        return
    matches = pc.any(pc.match_substring_regex(pa.array(values), expression)).as_py()
    written = one_text(pa.py_buffer(plain(values)))
    end_to_end = one_text(pa.py_buffer("".join(values).encode()))

    assert not matches or (Expression(expression).may_be_in(written) and Expression(expression).may_be_in(end_to_end))


def test_an_expression_is_not_suspected_where_nothing_is_like_it():
    values = one_text(pa.py_buffer(plain(["some", "text"])))

    assert Expression(r"^some\b.*").may_be_in(values)
    assert not Expression(r"^other$").may_be_in(values)
