"""What batches say of the problems of their runs, through all that happens to batches."""

import json
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest import batch_problems
from ingest.action import STATUSES, Status
from ingest.batch_check import check_batch
from ingest.batch_problems import FEW_ROWS, BatchProblems, summarise_problems
from ingest.care import set_aside, verify
from ingest.errors import BatchDamaged
from ingest.index_tables import metadata
from ingest.problem_rows import summaries_of
from ingest.problem_summary import ProblemExample, ProblemSummary, merged_problems
from ingest.record_count import RecordCount
from ingest.retention import carry_out, plan
from ingest.retention_rules import Rule, Rules
from ingest.schema import ACTION_SCHEMA
from tests.builders import line, ndjson

MOMENT_US = 1795342500000000


def rows(*changes):
    """A table of failed actions as a batch has them."""
    usual = dict.fromkeys(ACTION_SCHEMA.names) | {
        "batch_id": "b",
        "run_id": "r",
        "happened_at": MOMENT_US,
        "operation": "UPDATE",
        "status": "ERROR",
        "problem_id": "p",
    }
    said = [{**usual, "row": row, **change} for row, change in enumerate(changes)]
    columns = {name: [each[name] for each in said] for name in ACTION_SCHEMA.names}
    return pa.table(
        {
            field.name: pa.array(columns[field.name], pa.int64()).cast(field.type)
            if field.name == "happened_at"
            else pa.array(columns[field.name], field.type)
            for field in ACTION_SCHEMA
        }
    )


failures = st.fixed_dictionaries(
    {
        "run_id": st.sampled_from(["r", "s"]),
        "problem_id": st.sampled_from(["p", "q", None]),
        "status": st.sampled_from(["INFO", "WARNING", "ERROR"]),
        "happened_at": st.integers(MOMENT_US, MOMENT_US + 2),
    },
    optional={
        "source_type": st.sampled_from(["app", ""]),
        "source_id": st.sampled_from(["1", "2", "é"]),
        "source_name": st.sampled_from(["1", "name"]),
        "target_type": st.sampled_from(["app"]),
        "target_id": st.sampled_from(["1"]),
        "code": st.text(max_size=3),
        "message": st.text(max_size=9),
    },
)


@settings(max_examples=60, deadline=None)
@given(failures=st.lists(failures, min_size=1, max_size=12))
def test_few_rows_give_what_many_give(failures):
    few = summarise_problems(rows(*failures))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batch_problems, "FEW_ROWS", -1)
        many = summarise_problems(rows(*failures))

    assert sorted(many, key=lambda each: (each.run_id, each.problem_id)) == few


def test_the_example_is_the_first_of_the_worst():
    table = rows(
        {"status": "WARNING", "message": "early", "happened_at": MOMENT_US - 5, "source_id": "a"},
        {"status": "ERROR", "message": "late", "happened_at": MOMENT_US + 5, "source_id": "b"},
        {"status": "ERROR", "message": "x" * 600, "code": "403", "source_id": "a"},
    )

    [summary] = summarise_problems(table)

    assert summary == ProblemSummary(
        run_id="r",
        problem_id="p",
        count=3,
        status=Status.ERROR,
        first_us=MOMENT_US - 5,
        last_us=MOMENT_US + 5,
        records=RecordCount(least=2, most=2, sketch=summary.records.sketch),
        example=ProblemExample(
            happened_us=MOMENT_US, batch_id="b", row=2, operation="UPDATE", code="403", message="x" * 500
        ),
    )


def test_a_log_of_nothing_but_problems_keeps_the_worst_of_each_run():
    found = BatchProblems()
    for start in range(0, 6000, 1500):
        found.add(
            rows(
                *(
                    {"problem_id": f"{number:016x}", "run_id": f"r{number % 2}", "status": "WARNING"}
                    for number in range(start, start + 1500)
                ),
                {"problem_id": "worst", "run_id": "r0"},
                *({"problem_id": "frequent", "run_id": "r1", "status": "WARNING"} for _ in range(5)),
            )
        )

    kept = found.kept()

    assert len(kept) == 2 * batch_problems.PROBLEMS_OF_A_RUN
    counts = {(each.run_id, each.problem_id): each.count for each in kept}
    assert counts["r0", "worst"] == 4
    assert counts["r1", "frequent"] == 20


def test_a_batch_keeps_no_more_than_its_share(monkeypatch):
    monkeypatch.setattr(batch_problems, "PROBLEMS_OF_A_BATCH", 1500)
    several = ({"problem_id": f"{number:016x}", "run_id": f"r{number % 3}"} for number in range(3000))

    assert len(summarise_problems(rows(*several))) == 1500


def test_a_log_without_failures_has_none(recorder):
    recorder.record(ndjson([line(message="fine")]), "ndjson")

    assert problems_of(recorder) == []
    assert footers(recorder)[0].problems == ()


def record_nights(recorder):
    for night in range(3):
        failures = [
            line(
                run_id=f"run {n % 2}",
                status=STATUSES[n % 4],
                source_id=f"a{n + night}",
                message=f"record {n} {'refused' if n % 3 else 'lost'}",
                happened_at=f"2026-11-2{night}T10:00:{n:02d}Z",
            )
            for n in range(12)
        ]
        recorder.record(ndjson(failures), "ndjson")


def footers(recorder):
    return [recorder.lake.read_footer("actions", row.batch_id).footer for row in recorder.index.list_live("actions")]


def problems_of(recorder):
    """Every run's problems, as the index has them."""
    table = metadata.tables["batch_problems"]
    with recorder.index.reading() as connection:
        return merged_problems(summaries_of(connection.execute(table.select())))


def test_footers_and_index_say_the_same(recorder):
    record_nights(recorder)

    told = [problem for footer in footers(recorder) for problem in footer.problems]

    assert len(problems_of(recorder)) == 4
    assert merged_problems(told) == problems_of(recorder)
    assert verify(recorder) == []


def test_merging_and_an_index_made_anew_change_nothing(recorder):
    record_nights(recorder)
    before = problems_of(recorder)

    list(recorder.compactor().compact(everything=True))
    merged = problems_of(recorder)
    recorder.reindex()

    assert len(footers(recorder)) == 1
    assert (merged, problems_of(recorder)) == (before, before)
    assert verify(recorder) == []


def test_what_retention_takes_away_is_still_told(recorder):
    record_nights(recorder)
    before = problems_of(recorder)
    rules = Rules(default=Rule(ok_days=1, failure_days=1, keep_examples=False))
    due = plan(recorder.lake, recorder.index, rules, now=datetime(2099, 1, 1, tzinfo=UTC))

    list(carry_out(due, recorder.compactor()))
    recorder.reindex()

    assert sum(footer.rows for footer in footers(recorder)) == 0
    assert problems_of(recorder) == before
    assert verify(recorder) == []


def test_a_damaged_batch_set_aside_is_still_told(recorder):
    record_nights(recorder)
    before = problems_of(recorder)
    path = recorder.lake.path_of("actions", footers(recorder)[0].batch_id)
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:-30])

    set_aside(recorder, verify(recorder))
    recorder.reindex()

    assert problems_of(recorder) == before


def test_verify_tells_of_an_index_that_says_otherwise(recorder):
    record_nights(recorder)
    table = metadata.tables["batch_problems"]
    with recorder.index.writing() as connection:
        connection.execute(table.update().values(records_most=99))

    assert {finding.problem for finding in verify(recorder)} == {"the index says otherwise than its footer"}


def write_anew(path, change):
    """Seal a batch again with another footer."""
    table, metadata = pq.read_table(path, partitioning=None), pq.read_metadata(path).metadata
    body = json.loads(metadata[b"synclog.footer"])
    change(body)
    path.chmod(0o644)
    with pq.ParquetWriter(path, table.schema, store_schema=False) as writer:
        writer.write_table(table)
        writer.add_key_value_metadata(
            {"synclog.format": "1", "synclog.kind": "actions", "synclog.footer": json.dumps(body)}
        )


def test_batches_of_older_writers_are_read_once(recorder):
    record_nights(recorder)
    before = problems_of(recorder)
    for footer in footers(recorder):
        write_anew(recorder.lake.path_of("actions", footer.batch_id), lambda body: body.pop("problems"))

    recorder.reindex()
    derived = problems_of(recorder)
    assert [footer.problems for footer in footers(recorder)] == [None] * 3
    list(recorder.compactor().compact(everything=True))

    assert (derived, problems_of(recorder)) == (before, before)
    assert list(footers(recorder)[0].problems) == before


def test_problems_that_are_not_those_of_the_rows_are_found(recorder):
    record_nights(recorder)
    batch_id = footers(recorder)[0].batch_id

    def rename(body):
        body["problems"][0]["problem_id"] = "0" * 16

    write_anew(recorder.lake.path_of("actions", batch_id), rename)

    with pytest.raises(BatchDamaged, match="the problems in its footer are not those of its rows"):
        check_batch(recorder.lake, "actions", batch_id, None)


def test_records_of_many_failures_are_counted_once_each():
    table = rows(*({"message": f"m {n}", "source_id": str(n % 500)} for n in range(5 * FEW_ROWS)))

    [summary] = summarise_problems(table)

    assert summary.records.count == len(np.unique(np.arange(5 * FEW_ROWS) % 500))
