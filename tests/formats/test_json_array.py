import json
import random

import pytest

from ingest.errors import InvalidInput
from ingest.formats import LINE_LIMIT
from ingest.formats.json_array import read_json_array
from tests.formats.blocks import Pipe, read_all


@pytest.mark.parametrize("step", [1, 2, 3, 7, 1000])
def test_elements_are_found_however_the_body_is_cut(step: int) -> None:
    body = b'[{"a":1},\n {"b":"x\\"]}\\\\",\n"c":[1,{"d":2}]} , {"e":"f,\xc3\xa4"}]'

    read = read_all(read_json_array, Pipe(body, step=step))  # type: ignore[arg-type]  # a stream that cannot seek

    assert read.rows == [(1, {"a": 1}), (2, {"b": 'x"]}\\', "c": [1, {"d": 2}]}), (3, {"e": "f,ä"})]
    assert read.refused == []


@pytest.mark.parametrize("indent", [None, 2])
def test_array_reads_like_the_objects_it_holds(indent: int | None) -> None:
    chance = random.Random(7)
    objects = [{"id": number, "message": "x" * chance.randrange(90), "n": {"deep": [number]}} for number in range(9000)]

    read = read_all(read_json_array, json.dumps(objects, indent=indent).encode())

    assert read.rows == list(enumerate(objects, 1))


def test_one_object_and_objects_one_after_another_are_read() -> None:
    assert read_all(read_json_array, b'{\n "a": 1,\n "b": 2\n}').rows == [(1, {"a": 1, "b": 2})]
    assert read_all(read_json_array, b'{"a":1}{"a":2}\n{"a":3}').rows == [(1, {"a": 1}), (2, {"a": 2}), (3, {"a": 3})]


def test_broken_element_is_refused_alone() -> None:
    read = read_all(read_json_array, b'[{"a":1}, {"a": tru}, 12, "x", nope, [1], {"a":"\xff"}, {"a":2}]')

    assert read.rows == [(1, {"a": 1}), (8, {"a": 2})]
    assert [line for line, _ in read.reasons] == [2, 3, 4, 5, 6, 7]


def test_line_break_inside_a_string_is_kept() -> None:
    assert read_all(read_json_array, b'[{"a":"x\ny"}]').rows == [(1, {"a": "x\ny"})]


def test_array_that_is_cut_off_keeps_its_whole_elements() -> None:
    assert read_all(read_json_array, b'[{"a":1},{"a').reasons == [(2, "element 2 has no end (body cut off?)")]
    assert read_all(read_json_array, b'[{"a":1}').reasons == [
        (2, "the array is not closed: the body ends after element 1")
    ]
    assert read_all(read_json_array, b'[{"a":1}').rows == [(1, {"a": 1})]


def test_text_after_the_array_is_refused() -> None:
    read = read_all(read_json_array, b'[{"a":1}] {"b":2}')

    assert read.rows == [(1, {"a": 1})]
    assert [reject.code for reject in read.refused] == ["after-the-end"]


@pytest.mark.parametrize("body", [b"", b" \n ", b"\xef\xbb\xbf"])
def test_empty_body_is_an_error(body: bytes) -> None:
    with pytest.raises(InvalidInput, match="empty"):
        read_all(read_json_array, body)


def test_empty_array_has_no_rows() -> None:
    assert read_all(read_json_array, b"[]").rows == []


def test_nesting_bomb_is_refused() -> None:
    bomb = b'[{"a":1},' + b"[" * 100_000 + b"]" * 100_000 + b',{"b":' + b'{"x":' * 50_000 + b"1" + b"}" * 50_001 + b"]"

    assert read_all(read_json_array, bomb).reasons == [(2, "nested too deeply"), (3, "nested too deeply")]
    assert [line for line, _ in read_all(read_json_array, b"[" * 100_000).reasons] == [1]


def test_element_over_the_limit_is_refused_and_the_rest_goes_on() -> None:
    read = read_all(read_json_array, b'[{"a":"' + b"x" * (LINE_LIMIT + 2_000_000) + b'"},{"b":1}]')

    assert read.rows == [(2, {"b": 1})]
    assert [(reject.line, reject.code) for reject in read.refused] == [(1, "line-too-long")]


def test_junk_is_refused_not_raised() -> None:
    junk = random.Random(1).randbytes(200_000)

    read = read_all(read_json_array, b"[" + junk)

    assert read.rows == []
    assert read.refused
