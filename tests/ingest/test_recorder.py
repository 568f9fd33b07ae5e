import io
import json

import pytest

from ingest.action import Progress, Status
from ingest.errors import (
    IdempotencyKeyReused,
    ImpossibleStep,
    InvalidInput,
    InvalidRunId,
    NotCancellable,
    RunNotFound,
    UnsupportedContent,
)
from ingest.recorder import LineDefaults, Recorder, RunAnnouncement, RunChange, RunReceipt
from tests.builders import all_rows, line, ndjson


def test_an_accepted_action_is_in_the_lake_with_its_identity(recorder: Recorder) -> None:
    receipt = recorder.record(ndjson([line(source_id="a"), line(source_id="b")]), "ndjson")

    rows = all_rows(recorder)
    assert [(row["batch_id"], row["row"], row["source_id"]) for row in rows] == [
        (receipt.batch_id, 0, "a"),
        (receipt.batch_id, 1, "b"),
    ]
    assert receipt.runs == (RunReceipt(run_id="nightly", accepted=2),)


def test_a_bad_line_is_refused_and_the_good_ones_are_kept(recorder: Recorder) -> None:
    body = ndjson([line(), line(status="purple"), "not json", line()])

    receipt = recorder.record(body, "ndjson", source="night.ndjson")

    assert (receipt.accepted, receipt.rejected) == (2, 2)
    assert [(reject.line, reject.field, reject.code) for reject in receipt.rejects] == [
        (2, "status", "unknown-status"),
        (3, None, "malformed-line"),
    ]
    kept = all_rows(recorder, "rejects")
    assert [(row["line"], row["source"], row["run_id"]) for row in kept] == [
        (2, "night.ndjson", "nightly"),
        (3, "night.ndjson", None),
    ]
    assert json.loads(kept[0]["raw"])["status"] == "purple"


def test_atomic_takes_all_or_nothing(recorder: Recorder) -> None:
    bad = recorder.record(ndjson([line(), line(status="purple")]), "ndjson", atomic=True)
    good = recorder.record(ndjson([line(), line()]), "ndjson", atomic=True)

    assert (bad.accepted, bad.rejected, bad.batch_id) == (0, 1, None)
    assert good.accepted == 2
    assert len(all_rows(recorder)) == 2
    assert len(all_rows(recorder, "rejects")) == 1


def test_atomic_refuses_a_large_body_for_its_last_line(recorder: Recorder) -> None:
    lines = [line(source_id=str(number)) for number in range(60_000)]

    receipt = recorder.record(ndjson([*lines, line(status="purple")]), "ndjson", atomic=True)

    assert (receipt.accepted, receipt.rejected) == (0, 1)
    assert all_rows(recorder) == []


def test_the_same_key_and_body_change_nothing_and_get_the_same_answer(recorder: Recorder) -> None:
    body = [line(), line(status="purple")]

    first = recorder.record(ndjson(body), "ndjson", idempotency_key="k1")
    again = recorder.record(ndjson(body), "ndjson", idempotency_key="k1")

    assert again.repeated
    assert (again.batch_id, again.accepted, again.rejects) == (first.batch_id, first.accepted, first.rejects)
    assert len(all_rows(recorder)) == 1


def test_a_key_is_remembered_by_the_lake_alone(recorder: Recorder) -> None:
    first = recorder.record(ndjson([line()]), "ndjson", idempotency_key="k1")
    recorder.reindex()

    again = recorder.record(ndjson([line()]), "ndjson", idempotency_key="k1")

    assert again.repeated
    assert again.batch_id == first.batch_id


def test_a_key_of_a_request_refused_whole_is_remembered(recorder: Recorder) -> None:
    recorder.record(ndjson(["junk"]), "ndjson", idempotency_key="k1")
    recorder.reindex()

    again = recorder.record(ndjson(["junk"]), "ndjson", idempotency_key="k1")

    assert again.repeated
    assert again.rejected == 1
    assert len(all_rows(recorder, "rejects")) == 1


def test_the_same_key_for_another_body_is_a_conflict(recorder: Recorder) -> None:
    recorder.record(ndjson([line()]), "ndjson", idempotency_key="k1")

    with pytest.raises(IdempotencyKeyReused):
        recorder.record(ndjson([line(source_id="other")]), "ndjson", idempotency_key="k1")


def test_defaults_fill_what_lines_leave_out(recorder: Recorder) -> None:
    defaults = LineDefaults(run_id="r1", integration="rsync", configuration="nas", trigger="FULL_SYNC_JOB")

    recorder.record(ndjson([{"status": "ok"}, line(configuration="own")]), "ndjson", defaults=defaults)

    rows = all_rows(recorder)
    assert [(row["run_id"], row["integration"], row["configuration"], row["trigger"]) for row in rows] == [
        ("r1", "rsync", "nas", "FULL_SYNC_JOB"),
        ("nightly", "servicenow", "own", "FULL_SYNC_JOB"),
    ]


def test_a_line_without_integration_has_that_of_its_run(recorder: Recorder) -> None:
    recorder.announce_run(RunAnnouncement(run_id="r1", integration="signavio"))

    recorder.record(ndjson([{"run_id": "r1", "status": "OK"}, {"run_id": "r2", "status": "OK"}]), "ndjson")

    assert [row["integration"] for row in all_rows(recorder)] == ["signavio", "unknown"]


def test_a_line_without_integration_has_that_of_its_neighbours(recorder: Recorder) -> None:
    recorder.record(ndjson([{"run_id": "r1", "status": "OK"}, line(run_id="r1", integration="signavio")]), "ndjson")

    assert [row["integration"] for row in all_rows(recorder)] == ["signavio", "signavio"]


def test_a_run_goes_from_announced_to_finished(recorder: Recorder) -> None:
    announced = RunAnnouncement(run_id="r1", integration="signavio", progress=Progress.PENDING, expected=10)

    assert recorder.announce_run(announced)
    assert not recorder.announce_run(announced)
    recorder.change_run("r1", RunChange(progress=Progress.RUNNING))
    recorder.record(ndjson([line(run_id="r1", status="WARNING")]), "ndjson")
    recorder.change_run("r1", RunChange(progress=Progress.FINISHED, claimed={"processed": 10}, message="done"))

    row = recorder.index.find_run("r1")
    assert row is not None
    assert (row["progress"], row["expected"], row["message"]) == ("FINISHED", 10, "done")
    assert row["status_rank"] == Status.WARNING.rank
    assert json.loads(row["claimed"]) == {"processed": 10}


def test_a_finished_run_does_not_run_again(recorder: Recorder) -> None:
    recorder.announce_run(RunAnnouncement(run_id="r1", integration="signavio"))
    recorder.change_run("r1", RunChange(progress=Progress.FINISHED))

    with pytest.raises(ImpossibleStep, match="r1 is FINISHED"):
        recorder.change_run("r1", RunChange(progress=Progress.RUNNING))


def test_only_a_running_cancellable_run_can_be_cancelled(recorder: Recorder) -> None:
    recorder.announce_run(RunAnnouncement(run_id="stubborn", integration="signavio"))
    recorder.announce_run(RunAnnouncement(run_id="polite", integration="signavio", cancellable=True))

    with pytest.raises(NotCancellable):
        recorder.request_cancel("stubborn")
    recorder.request_cancel("polite")
    recorder.change_run("polite", RunChange(progress=Progress.ABORTED))
    with pytest.raises(NotCancellable):
        recorder.request_cancel("polite")
    with pytest.raises(RunNotFound):
        recorder.request_cancel("nobody")


def test_a_rebuilt_index_says_the_same(recorder: Recorder) -> None:
    recorder.announce_run(RunAnnouncement(run_id="r1", integration="signavio", cancellable=True, attributes={"a": 1}))
    recorder.record(ndjson([line(run_id="r1"), line(run_id="r2", status="ERROR", message="no")]), "ndjson")
    recorder.change_run("r1", RunChange(progress=Progress.FINISHED, message="done", status=Status.WARNING))
    before = [recorder.index.find_run(run_id) for run_id in ("r1", "r2")]

    recorder.reindex()

    assert [recorder.index.find_run(run_id) for run_id in ("r1", "r2")] == before


def test_a_run_id_with_a_slash_is_refused_by_name(recorder: Recorder) -> None:
    with pytest.raises(InvalidRunId, match="slash"):
        recorder.announce_run(RunAnnouncement(run_id="a/b", integration="x"))
    receipt = recorder.record(ndjson([line(run_id="a/b"), line(run_id="x" * 10_000)]), "ndjson")

    assert [reject.code for reject in receipt.rejects] == ["invalid-run-id", "invalid-run-id"]


def test_an_unknown_input_is_refused_with_the_known_ones(recorder: Recorder) -> None:
    with pytest.raises(UnsupportedContent) as refused:
        recorder.record(io.BytesIO(b""), "morse")

    assert "ndjson" in (refused.value.hint or "")


def test_an_empty_body_is_accepted_and_leaves_nothing(recorder: Recorder) -> None:
    receipt = recorder.record(io.BytesIO(b""), "ndjson")

    assert (receipt.accepted, receipt.rejected, receipt.batch_id) == (0, 0, None)
    assert list(recorder.lake.list_ids("actions")) == []


def test_two_recorders_append_to_one_lake(recorder: Recorder) -> None:
    other = Recorder.open(recorder.lake.root.parent)

    recorder.record(ndjson([line()]), "ndjson")
    other.record(ndjson([line()]), "ndjson")

    row = recorder.index.find_run("nightly")
    assert row is not None
    assert row["update_ok"] == 2
    other.close()


def test_a_body_of_junk_is_refused_line_by_line_and_every_line_is_kept(recorder: Recorder) -> None:
    receipt = recorder.record(ndjson(["x"] * 50_000), "ndjson")

    assert (receipt.accepted, receipt.rejected, len(receipt.rejects)) == (0, 50_000, 100)
    assert len(all_rows(recorder, "rejects")) == 50_000


def test_half_a_surrogate_pair_is_refused(recorder: Recorder) -> None:
    receipt = recorder.record(ndjson(['{"run_id":"r","message":"\\ud800"}', '{"run_id":"r","\\udfff":1}']), "ndjson")

    assert [reject.code for reject in receipt.rejects] == ["malformed-line", "malformed-line"]


def test_a_mapping_to_a_column_that_is_not_there_is_told(recorder: Recorder) -> None:
    with pytest.raises(InvalidInput, match="sys_idd"):
        recorder.record(io.BytesIO(b"run_id,status,sys_id\nr1,OK,7\n"), "csv", mapping={"source_id": "sys_idd"})
