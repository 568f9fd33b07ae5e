"""The whole story: refused, mended, replayed, there once."""

import io
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from ingest.index import KeyTaken
from ingest.mending import Mend
from ingest.recorder import LineDefaults, Receipt
from query.rejects import RejectFilter, find_rejects, list_reject_groups
from query.search import Search, search_actions
from tests.builders import line, ndjson
from web.replays import Replay, preview_replay, replay
from web.settings import Settings
from web.workspace import Workspace, open_workspace

EVERYTHING = RejectFilter()


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with open_workspace(Settings(data=tmp_path / "data")) as workspace:
        yield workspace


def record(workspace: Workspace, body: bytes, input_name: str, **said: str) -> Receipt:
    return workspace.recorder.record(io.BytesIO(body), input_name, source="http", defaults=LineDefaults(**said))


def actions(workspace: Workspace) -> list[dict[str, object]]:
    names = ("run_id", "integration", "status", "operation", "source_id", "message", "duration_ms")
    found = search_actions(workspace.view, Search()).items
    return [{name: getattr(action, name) for name in names if getattr(action, name) is not None} for action in found]


def waiting(workspace: Workspace) -> list[str]:
    return [listed.reject.code for listed in find_rejects(workspace.view, EVERYTHING).items]


def test_ndjson_with_a_wrong_status_word_is_replayed_once(workspace: Workspace) -> None:
    body = ndjson([line(), line(status="kaputt", message="Broken", source_id="b2")]).read()
    assert record(workspace, body, "ndjson").rejected == 1
    mend = Mend(words={"status": {"KAPUTT ": "ERROR"}})

    first = replay(workspace, EVERYTHING, mend)
    second = replay(workspace, EVERYTHING, mend)

    assert first == Replay(replayed=1, refused=0)
    assert second == Replay(replayed=0, refused=0)
    [mended] = [action for action in search_actions(workspace.view, Search()).items if action.source_id == "b2"]
    assert (mended.run_id, mended.status, mended.message) == ("nightly", "ERROR", "Broken")
    assert mended.happened_at.isoformat() == "2026-11-22T10:15:00+00:00"
    assert '"status":"kaputt"' in (mended.details or "")
    assert waiting(workspace) == []
    [done] = find_rejects(workspace.view, RejectFilter(is_replayed=True)).items
    assert f'"replayed":"{done.reject.reject_id}"' in (mended.details or "")
    assert done.replayed_at is not None


def test_csv_with_bad_times_is_replayed_with_its_columns_and_its_run(workspace: Workspace) -> None:
    body = b"When;Level;Text;Object ID\n11/22/2026 10:15;warn;Slow;a1\n2026-11-22T10:16:00Z;ok;Fine;b2\n"
    receipt = workspace.recorder.record(
        io.BytesIO(body),
        "csv",
        source="http",
        defaults=LineDefaults(run_id="csv-1", integration="sap"),
        mapping={"happened_at": "When", "message": "Text"},
    )
    assert (receipt.accepted, receipt.rejected) == (1, 1)

    done = replay(workspace, EVERYTHING, Mend(time_format="%m/%d/%Y %H:%M"))

    assert done == Replay(replayed=1, refused=0)
    assert actions(workspace) == [
        {
            "run_id": "csv-1",
            "integration": "sap",
            "status": "OK",
            "operation": "NONE",
            "source_id": "b2",
            "message": "Fine",
        },
        {
            "run_id": "csv-1",
            "integration": "sap",
            "status": "WARNING",
            "operation": "NONE",
            "source_id": "a1",
            "message": "Slow",
        },
    ]


def test_a_csv_row_with_too_few_cells_cannot_be_replayed_and_says_so(workspace: Workspace) -> None:
    record(workspace, b"run_id,status,message\nr1,ok\nr1,ok,fine\n", "csv")

    done = replay(workspace, EVERYTHING, Mend())

    assert done == Replay(replayed=0, refused=1, reasons=(("which cell of the row is which field cannot be told", 1),))
    assert waiting(workspace) == ["wrong-cell-count"]


def test_arrow_with_a_column_of_the_wrong_type_is_replayed(workspace: Workspace) -> None:
    table = pa.table({"run_id": ["r1", "r1"], "status": [7, 3], "duration_ms": ["soon", "41"], "message": ["a", "b"]})
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    assert record(workspace, sink.getvalue(), "arrow").rejected == 2

    preview = preview_replay(workspace, EVERYTHING, Mend(words={"status": {"7": "ERROR"}}))
    done = replay(
        workspace, EVERYTHING, Mend(words={"status": {"7": "ERROR", "3": "INFO"}, "duration_ms": {"soon": ""}})
    )

    assert (preview.right, preview.refused, preview.is_all) == (0, 2, True)
    assert [reason for reason, _ in preview.reasons] == [
        "'3' is none of OK, INFO, WARNING, ERROR, nor a known synonym",
        "'soon' is no number of milliseconds",
    ]
    assert done == Replay(replayed=2, refused=0)
    assert [(each["status"], each.get("duration_ms")) for each in actions(workspace)] == [("INFO", 41), ("ERROR", None)]


def test_a_line_without_a_run_gets_one_and_a_renamed_column_is_found(workspace: Workspace) -> None:
    record(workspace, b'{"verdict":"broken","note":"No permission","key":"a1"}\n', "ndjson")
    mend = Mend(
        columns={"status": "verdict", "message": "note", "source_id": "key"},
        words={"status": {"broken": "ERROR"}},
        missing={"run_id": "r-9", "integration": "jira"},
    )

    assert replay(workspace, EVERYTHING, mend).replayed == 1
    assert actions(workspace) == [
        {
            "run_id": "r-9",
            "integration": "jira",
            "status": "ERROR",
            "operation": "NONE",
            "source_id": "a1",
            "message": "No permission",
        }
    ]


def test_a_line_the_mend_does_not_help_stays_refused_and_can_be_tried_again(workspace: Workspace) -> None:
    lines = [line(status="kaputt"), line(status="hm", source_id="b2")]
    record(workspace, ndjson(lines).read(), "ndjson")

    first = replay(workspace, EVERYTHING, Mend(words={"status": {"kaputt": "ERROR"}}))
    second = replay(workspace, EVERYTHING, Mend(words={"status": {"kaputt": "ERROR", "hm": "WARNING"}}))

    assert (first.replayed, first.refused, second.replayed, second.refused) == (1, 1, 1, 0)
    assert sorted(str(each["status"]) for each in actions(workspace)) == ["ERROR", "WARNING"]


def test_a_replay_whose_note_was_lost_is_noted_by_whoever_comes_next_and_not_recorded_again(
    workspace: Workspace, tmp_path: Path
) -> None:
    """What a process leaves that dies between recording and noting."""
    record(workspace, ndjson([line(status="kaputt")]).read(), "ndjson")
    mend = Mend(words={"status": {"kaputt": "ERROR"}})
    [mended] = preview_replay(workspace, EVERYTHING, mend).mended
    replay(workspace, EVERYTHING, mend)
    lake = workspace.recorder.lake
    refused, note = lake.list_ids("rejects")
    lake.path_of("rejects", note).unlink()
    workspace.recorder.reindex()
    assert waiting(workspace) == []

    with open_workspace(Settings(data=tmp_path / "data")) as next_one:
        assert next_one.recorder.replay([mended], mend) == 0

        noted = [lake.read("rejects", batch_id)["replayed"].to_pylist() for batch_id in lake.list_ids("rejects")]
        assert noted == [[None], [f"{refused}.0"]]
        assert len(actions(next_one)) == 1
        assert waiting(next_one) == []


def test_what_was_replayed_is_known_after_a_rebuild_and_after_compaction(workspace: Workspace) -> None:
    record(workspace, ndjson([line(status="kaputt"), line(status="hm")]).read(), "ndjson")
    replay(workspace, EVERYTHING, Mend(words={"status": {"kaputt": "ERROR"}}))

    workspace.recorder.reindex()

    assert waiting(workspace) == ["unknown-status"]
    [group] = list_reject_groups(workspace.view, EVERYTHING).groups
    assert (group.source, group.code, group.field, group.count) == ("http", "unknown-status", "status", 1)
    assert list_reject_groups(workspace.view, RejectFilter(is_replayed=None)).count == 2


def test_a_line_of_a_foreign_log_is_sent_again_with_its_log(workspace: Workspace) -> None:
    body = b'{"time":"2026-11-22T10:00:00Z","level":"info","msg":"Starting"}\nno json\n'
    record(workspace, body, "rclone")

    [mended] = preview_replay(workspace, EVERYTHING, Mend()).mended

    assert mended.reason == "a line of a log of rclone means nothing without the others: upload the log again"


def test_a_long_line_is_kept_whole_and_one_too_long_says_so(workspace: Workspace) -> None:
    record(workspace, ndjson([line(status="hm", message="x" * 50_000)]).read(), "ndjson")
    record(workspace, ndjson([line(status="hm", message="x" * 1_000_000)]).read(), "ndjson")
    mend = Mend(words={"status": {"hm": "INFO"}})

    done = replay(workspace, EVERYTHING, mend)

    assert done == Replay(
        replayed=1, refused=1, reasons=(("only its first 65,536 characters were kept: send it again", 1),)
    )
    assert [len(str(each["message"])) for each in actions(workspace)] == [50_000]


def test_lines_that_say_two_things_or_half_of_one_are_not_guessed_at(workspace: Workspace) -> None:
    lines = [
        '{"run_id":"r1","status":"ok","status":"error"}',
        '{"run_id":"r1","status":"ok","message":"\\ud800"}',
    ]
    record(workspace, ndjson(lines).read(), "ndjson")

    done = replay(workspace, EVERYTHING, Mend())

    assert (done.replayed, done.refused) == (0, 2)
    assert sorted(reason for reason, _ in done.reasons) == [
        "it cannot be read: a \\ud… escape is half of a surrogate pair",
        "it cannot be read: the key 'status' stands twice",
    ]


def test_numbers_that_json_has_not_and_times_long_ago_are_replayed_as_they_were(workspace: Workspace) -> None:
    table = pa.table(
        {"run_id": ["r1"], "status": ["hm"], "happened_at": ["1812-06-24T00:00:00Z"], "share": [float("nan")]}
    )
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    record(workspace, sink.getvalue(), "arrow")

    assert replay(workspace, EVERYTHING, Mend(words={"status": {"hm": "INFO"}})).replayed == 1

    [action] = search_actions(workspace.view, Search()).items
    assert action.happened_at.isoformat() == "1812-06-24T00:00:00+00:00"
    assert '"share":"NaN"' in (action.details or "")


def test_of_two_that_replay_a_line_at_once_the_index_lets_one(workspace: Workspace) -> None:
    recorder = workspace.recorder
    recorder.record(ndjson([line(source_id="first")]), "ndjson", claims=["reject x.0"])

    with pytest.raises(KeyTaken):
        recorder.record(ndjson([line(source_id="second")]), "ndjson", claims=["reject x.0"])

    assert [each["source_id"] for each in actions(workspace)] == ["first"]
