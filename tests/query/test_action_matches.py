"""Within a run one looks for text as in a page, and for fields as in the search of all runs."""

from datetime import UTC, datetime

import pytest

from ingest.action import Status
from ingest.errors import InvalidInput
from query.action_matches import saying
from query.actions import ActionFilter, find_actions, stream_actions
from query.macros import LIKE_COLUMNS
from query.search_fields import FIELDS

NOW = datetime(2026, 11, 22, 13, tzinfo=UTC)


@pytest.fixture
def run(world):
    world.record(
        {
            "message": "Payroll  written: done",
            "source_type": "cmdb_ci",
            "source_id": "INC-4711",
            "source_name": "Payroll System",
            "configuration": "prod",
            "happened_at": "2026-11-22T12:00:00Z",
        },
        {
            "message": "Permission denied (100%), retry later",
            "status": "ERROR",
            "code": "E-403",
            "happened_at": "2026-11-22T12:01:00Z",
        },
        {
            "message": "permission to write is new",
            "operation": "CREATE",
            "status": "WARNING",
            "target_type": "leanix.Application",
            "target_id": "a/1",
            "target_name": "Payroll",
            "happened_at": "2026-11-22T12:02:00Z",
        },
    )
    return world


WRITTEN, DENIED, NEW = "Payroll  written: done", "Permission denied (100%), retry later", "permission to write is new"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("ermis", [DENIED, NEW]),
        ("Payroll  written", [WRITTEN]),
        ("Payroll written", []),
        ("written: done", [WRITTEN]),
        ("denied (100%)", [DENIED]),
        ("permission -retry", [NEW]),
        ('-"permission to"', [WRITTEN, DENIED]),
        ('"permission" "new"', [NEW]),
        ("perm*", [DENIED, NEW]),
        ("status:error", [DENIED]),
        ("-status:error,warning", [WRITTEN]),
        ("operation:create permission", [NEW]),
        ("permission operation:update later", [DENIED]),
        ("code:e-403", [DENIED]),
        ("-code:*", [WRITTEN, NEW]),
        ("name:payroll", [WRITTEN, NEW]),
        ("name:payroll -name:system", [NEW]),
        ("record:inc-4711,a/1", [WRITTEN, NEW]),
        ("record:cmdb_ci/inc-4711", [WRITTEN]),
        ("record:other/inc-4711", []),
        ("type:LEANIX.*", [NEW]),
        ("-type:leanix.application", [WRITTEN, DENIED]),
        ("message:permission", [DENIED, NEW]),
        ("message:ermission", []),
        ("configuration:prod", [WRITTEN]),
        ("run:nightly integration:SERVICENOW", [WRITTEN, DENIED, NEW]),
        ("problem:*", [DENIED, NEW]),
        ("since:2026-11-22T12:01 until:57m", [DENIED, NEW]),
        ("until:1h", []),
        ("urn:x", []),
        ("done", [WRITTEN]),
        ("", [WRITTEN, DENIED, NEW]),
    ],
)
def test_what_is_found(run, text, found):
    wanted = saying(ActionFilter(), text, now=NOW)

    oldest_first = find_actions(run.view, wanted, run_id="nightly").items
    newest_first = find_actions(run.view, wanted, run_id="nightly", sort="-happened_at").items

    assert [action.message for action in oldest_first] == found
    assert [action.message for action in newest_first] == found[::-1]
    assert stream_actions(run.view, "nightly", wanted).read_all()["message"].to_pylist() == found


def test_what_is_typed_is_added_to_the_other_filters(run):
    wanted = saying(ActionFilter(since=datetime(2026, 11, 22, 12, 2, tzinfo=UTC)), "permission since:3h", now=NOW)

    assert [action.message for action in find_actions(run.view, wanted, run_id="nightly").items] == [NEW]


def test_statuses_choose_the_batches_that_are_opened():
    assert saying(ActionFilter(), "status:error,warning", now=NOW) == ActionFilter(
        statuses=(Status.ERROR, Status.WARNING)
    )
    both = saying(ActionFilter(statuses=(Status.OK,)), "status:error", now=NOW)
    assert both.statuses == (Status.OK,)
    assert both.likes is not None


def test_a_misspelt_field_is_named():
    with pytest.raises(InvalidInput, match="stauts is no field"):
        saying(ActionFilter(), "stauts:error", now=NOW)


def test_every_field_has_its_place():
    assert {field.columns for field in FIELDS} <= set(LIKE_COLUMNS)
