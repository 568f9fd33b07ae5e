"""What goes to and fro in the history of a record, case by case."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ingest.action import Operation, Status
from query.actions import Action
from reports.flip_flop import find_flip_flops

A, B = ("servicenow", "prod"), ("signavio", None)
START = datetime(2026, 6, 1, tzinfo=UTC)


def action(night: int, writer: tuple[str, str | None], /, operation: str = "UPDATE", **fields: Any) -> Action:
    """An OK update of the target t1 in the run of that night, unless said otherwise."""
    said = {"status": Status.OK, "target_type": "App", "target_id": "t1", "details": None} | fields
    integration, configuration = writer
    return Action(
        batch_id="b", row=night, run_id=f"{integration}-{night}", integration=integration, configuration=configuration,
        trigger=None, happened_at=START + timedelta(days=night), operation=Operation(operation), source_type="ci",
        source_id="s1", source_name=None, target_name=None, code=None, message=None, duration_ms=None, problem_id=None,
        **said,
    )  # fmt: skip


def phase(before: str | None, after: str | None) -> str:
    return json.dumps({"changes": {"phase": [before, after]}})


TO, FRO = phase("plan", "active"), phase("active", "plan")

CASES: list[tuple[str, list[Action], list[str]]] = [
    ("nothing was done", [], []),
    (
        "two integrations set one field to their own value",
        [action(n, A if n % 2 else B, details=TO if n % 2 else FRO) for n in range(6)],
        [
            "servicenow prod sets phase to “active”, signavio sets it to “plan”:"
            " 6 times from 2026-06-01 00:00:00 UTC on."
        ],
    ),
    (
        "one integration sets a field to and fro",
        [action(n, A, details=TO if n % 2 else FRO) for n in range(3)],
        ["servicenow prod sets phase to “active” and back to “plan”: 3 times from 2026-06-01 00:00:00 UTC on."],
    ),
    (
        "what is set is found as it was before, by somebody who does not tell",
        [action(n, A, details=TO) for n in range(3)],
        [
            "servicenow prod finds phase at “plan” and sets it to “active” again and again:"
            " 3 times from 2026-06-01 00:00:00 UTC on."
        ],
    ),
    ("a correction and its correction", [action(0, A, details=TO), action(1, B, details=FRO)], []),
    (
        "a field that goes on through new values",
        [action(n, A, details=phase(str(n), str(n + 1))) for n in range(9)],
        [],
    ),
    (
        "nothing and a value",
        [action(n, A, details=phase("x", None) if n % 2 else phase(None, "x")) for n in range(4)],
        ["servicenow prod sets phase to nothing and back to “x”: 4 times from 2026-06-01 00:00:00 UTC on."],
    ),
    (
        "two integrations take turns without saying what they write",
        [action(n, A if n % 2 else B) for n in range(4)],
        ["signavio and servicenow prod write this record in turn: 4 times from 2026-06-01 00:00:00 UTC on."],
    ),
    ("three turns are not enough", [action(n, A if n % 2 else B) for n in range(3)], []),
    ("two configurations are two writers", [action(n, ("x", "ab"[n % 2])) for n in range(4)], [
        "x a and x b write this record in turn: 4 times from 2026-06-01 00:00:00 UTC on."
    ]),
    (
        "three integrations one after the other",
        [action(n, (("a", None), ("b", None), ("c", None))[n % 3]) for n in range(9)],
        [],
    ),
    (
        "two integrations that say they write different fields",
        [
            action(n, A if n % 2 else B, details=json.dumps({"changes": {"ab"[n % 2]: [n, n + 1]}}))
            for n in range(6)
        ],
        [],
    ),
    (
        "two integrations that write ever new values into one field",
        [action(n, A if n % 2 else B, details=phase(str(n), str(n + 1))) for n in range(4)],
        ["signavio and servicenow prod write this record in turn: 4 times from 2026-06-01 00:00:00 UTC on."],
    ),
    ("what failed wrote nothing", [action(n, A if n % 2 else B, status=Status.ERROR) for n in range(6)], []),
    ("what was right already wrote nothing", [action(n, A if n % 2 else B, "NONE") for n in range(6)], []),
    (
        "other records written from one source",
        [action(n, A if n % 2 else B, target_id=f"t{n % 2}") for n in range(6)],
        [],
    ),
    (
        "created by one, deleted by another",
        [action(n, A if n % 2 else B, "DELETE" if n % 2 else "CREATE") for n in range(4)],
        ["signavio creates this record, servicenow prod deletes it: 4 times from 2026-06-01 00:00:00 UTC on."],
    ),
    (
        "created every night",
        [action(n, A, "CREATE") for n in range(3)],
        ["servicenow prod creates this record again and again: 3 times from 2026-06-01 00:00:00 UTC on."],
    ),
    (
        "it came to rest, and is still told",
        [*(action(n, A, details=TO if n % 2 else FRO) for n in range(4)), action(9, A, details=phase("active", "end"))],
        ["servicenow prod sets phase to “active” and back to “plan”: 4 times from 2026-06-01 00:00:00 UTC on."],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("actions", "sentences"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_what_goes_to_and_fro_is_said(actions: list[Action], sentences: list[str]) -> None:
    newest_first = list(reversed(actions))

    assert [flip.sentence for flip in find_flip_flops(newest_first)] == sentences


def test_the_runs_concerned_are_named_newest_first() -> None:
    [flip] = find_flip_flops([action(n, A if n % 2 else B, details=TO if n % 2 else FRO) for n in range(4)])

    assert flip.run_ids == ("servicenow-3", "signavio-2", "servicenow-1", "signavio-0")
    assert (flip.first_at, flip.last_at) == (START, START + timedelta(days=3))


def test_several_fields_are_several() -> None:
    def both(n: int) -> str:
        values = [n % 2, 1 - n % 2]
        return json.dumps({"changes": {"phase": values, "owner": values}})

    assert [flip.field for flip in find_flip_flops([action(n, A, details=both(n)) for n in range(3)])] == [
        "phase",
        "owner",
    ]
