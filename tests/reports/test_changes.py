"""Which fields an action changed, in every shape senders say it."""

import json

import pytest

from reports.changes import Change, changes_of

PHASE = Change(field="phase", before="plan", after="active")


@pytest.mark.parametrize(
    "said",
    [
        {"before": {"phase": "plan", "owner": "Ada"}, "after": {"phase": "active", "owner": "Ada"}},
        {"old": {"phase": "plan"}, "new": {"phase": "active"}},
        {"field": "phase", "before": "plan", "after": "active"},
        {"changes": {"phase": {"before": "plan", "after": "active"}}},
        {"changes": {"phase": {"old": "plan", "new": "active"}}},
        {"changes": {"phase": {"from": "plan", "to": "active"}}},
        {"changes": {"phase": ["plan", "active"]}},
        {"changes": {"before": {"phase": "plan"}, "after": {"phase": "active"}}},
        {"changes": [{"field": "phase", "old_value": "plan", "new_value": "active"}, "owner", {"field": "size"}]},
        {"modifiedProperties": [{"displayName": "phase", "oldValue": "plan", "newValue": "active"}]},
        {"diff": [{"path": "phase", "previous": "plan", "current": "active"}]},
    ],
    ids=json.dumps,
)
def test_a_change_is_read_in_every_shape(said: object) -> None:
    assert changes_of(json.dumps(said)) == (PHASE,)


@pytest.mark.parametrize(
    ("before", "after", "changes"),
    [
        (None, {"a": 1}, [Change(field="a", before=None, after="1")]),
        ({"a": 1}, None, [Change(field="a", before="1", after=None)]),
        ({"a": True}, {}, [Change(field="a", before="true", after=None)]),
        ({"a": {"b": 1, "c": 2}}, {"a": {"b": 3, "c": 2}}, [Change(field="a.b", before="1", after="3")]),
        ({"a": {"b": 1}}, {"a": "x"}, [Change(field="a", before='{"b": 1}', after="x")]),
        ({"a": [1, 2]}, {"a": [2, 1]}, [Change(field="a", before="[1, 2]", after="[2, 1]")]),
        ("x", "ÿ", [Change(field="value", before="x", after="ÿ")]),
        ({"a": 1}, {"a": 1}, []),
        ({}, {}, []),
    ],
)  # fmt: skip
def test_whole_records_are_compared_field_by_field(before: object, after: object, changes: list[Change]) -> None:
    assert changes_of(json.dumps({"before": before, "after": after})) == tuple(changes)


@pytest.mark.parametrize(
    "details",
    [
        None,
        "no JSON",
        "[1]",
        '{"changes": ["phase", "owner"]}',
        '{"changes": {"phase": "active"}}',
        '{"changes": 3}',
        '{"after": {"phase": "active"}}',
        '{"from": "a", "to": "b"}',
        "[" * 100_000,
        '{"changes": {"a": [1, ' + "[" * 990 + "]" * 990 + "]}}",
    ],
)
def test_details_that_do_not_say_both_values_are_no_changes(details: str | None) -> None:
    assert changes_of(details) == ()


def test_a_field_said_twice_is_one_change() -> None:
    said = {"field": "phase", "before": "plan", "after": "active", "changes": {"phase": ["plan", "active"]}}

    assert changes_of(json.dumps(said)) == (PHASE,)


def test_what_lies_very_deep_is_compared_as_a_whole() -> None:
    deep = {"a": {"a": {"a": {"a": {"a": {"a": {"a": 1}}}}}}}

    [change] = changes_of(json.dumps({"before": deep, "after": {"a": None}}))

    assert change == Change(field="a.a.a.a.a.a", before='{"a": 1}', after=None)
