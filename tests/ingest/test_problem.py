import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.problem import MASKS, problem_id_of, problem_ids_of, template_of, templates_of

SAME = {
    "paths": ("open /data/dst/new-7.txt: is a directory", "open /data/dst/new-8.txt: is a directory"),
    "quoted names": ("Field 'lifecycle' is read only", "Field 'owner' is read only"),
    "uuids": (
        "no fact sheet 5d3c1e0a-1111-2222-3333-444455556666",
        "no fact sheet 00000000-aaaa-bbbb-cccc-444455556666",
    ),
    "numbers": ("timeout after 30.5 s", "timeout after 2 s"),
    "urls": ("GET https://a.example/x?y=1 failed", "GET http://b.example failed"),
    "times": ("not before 2026-11-22T10:00:00Z", "not before 2025-01-02 03:04:05.678"),
    "keys": ("duplicate CHG0030001", "duplicate CHG0030002"),
    "addresses": ("a.b@c.example may not", "d@e.example may not"),
    "white space": ("one\n  two", "one two"),
    "JSON around them": ('{"level":"error","msg":"cannot open 7","at":"x"}', "cannot open 8"),
    "JSON that was cut": ('{"message": "cannot open \\"a\\" 7', 'cannot open \\"b\\" 8'),
}


@pytest.mark.parametrize(("one", "other"), SAME.values(), ids=SAME.keys())
def test_messages_that_differ_in_what_varies_are_one_problem(one: str, other: str) -> None:
    assert template_of(one) == template_of(other)


def test_messages_that_differ_in_words_are_two_problems() -> None:
    assert template_of("permission denied for 'a'") != template_of("record 'a' not found")


def test_messages_that_are_json_are_told_apart_by_what_they_say() -> None:
    one, other = (
        f'{{"level":"error","msg":"{said}","object":"f3.txt"}}' for said in ("is a directory", "no room left")
    )

    assert (template_of(one), template_of(other)) == ("is a directory", "no room left")
    assert template_of('{"a":"b"}') == "{<name>:<name>}"


def test_only_failures_have_a_problem() -> None:
    actions = pa.table(
        {
            "status": ["OK", "ERROR", "WARNING", "ERROR"],
            "message": ["fine", "no 'a'", "no 'b'", None],
            "code": [None, None, None, "E1"],
            "operation": ["NONE", "UPDATE", "UPDATE", "CREATE"],
        }
    )

    ids = problem_ids_of(actions).to_pylist()

    assert ids == [None, problem_id_of("no <name>"), problem_id_of("no <name>"), problem_id_of("<id>")]


@given(st.text(alphabet="aZ09-:/@.'\" _\\", max_size=40))
def test_a_mask_changes_no_text_without_what_it_needs(text: str) -> None:
    for pattern, replacement, needed in MASKS:
        if needed not in text:
            assert pc.replace_substring_regex(pa.array([text]), pattern, replacement).to_pylist() == [text]


def test_many_messages_get_the_templates_each_would_get_alone() -> None:
    messages = [f"no permission for '{n}' at https://host/{n}" if n % 2 else f"took {n} s" for n in range(300)] + [None]

    together = templates_of(pa.array(messages, pa.string())).to_pylist()

    assert together == [None if message is None else template_of(message) for message in messages]
