"""An outline that says otherwise than the rows is found by verify, whatever it is wrong in."""

from collections.abc import Iterator
from dataclasses import replace

import pyarrow.parquet as pq
import pytest

from ingest import arrangement, outlining
from ingest.action import STATUSES
from ingest.batch_check import check_batch
from ingest.footer import BatchFooter
from ingest.outline_check import OutlineCheck
from ingest.recorder import Recorder
from ingest.run_outline import RunOutline
from tests.builders import line, ndjson


@pytest.fixture
def batch(recorder: Recorder, monkeypatch: pytest.MonkeyPatch) -> tuple[Recorder, str]:
    """A merged batch of two runs with outlines and one without."""
    monkeypatch.setattr(outlining, "LEAST_ROWS", 4)
    monkeypatch.setattr(arrangement, "OPENING_ROWS", 2)
    for run_id, rows in (("large", 12), ("larger", 20), ("small", 3)):
        lines = [
            line(run_id=run_id, happened_at=f"2026-11-22T10:{minute:02}:00Z", status=STATUSES[minute % 4].value)
            for minute in range(rows)
        ]
        recorder.record(ndjson(lines), "ndjson")
    compactor = recorder.compactor()
    assert compactor.lead()
    assert compactor.merge("actions", [each.batch_id for each in recorder.index.list_live("actions")]) is not None
    [merged] = recorder.index.list_live("actions")
    return recorder, str(merged.batch_id)


def is_right(recorder: Recorder, batch_id: str, footer: BatchFooter) -> bool:
    check = OutlineCheck(footer)
    with pq.ParquetFile(recorder.lake.path_of("actions", batch_id)) as parquet:
        for group in range(parquet.num_row_groups):
            check.add(group, parquet.read_row_group(group))
    return check.is_right


def changed_outlines(footer: BatchFooter) -> Iterator[tuple[str, BatchFooter]]:
    for place, run in enumerate(footer.runs):
        if run.outline is not None:
            for what, outline in changed(run.outline):
                runs = [*footer.runs[:place], replace(run, outline=outline), *footer.runs[place + 1 :]]
                yield f"{run.run_id}: {what}", replace(footer, runs=tuple(runs))


def changed(outline: RunOutline) -> Iterator[tuple[str, RunOutline]]:
    (number, *counts), *others = outline.counts
    yield "another count", replace(outline, counts=((number, counts[0] + 1, *counts[1:]), *others))
    yield "a span less", replace(outline, counts=tuple(others))
    yield "longer spans", replace(outline, span_us=2 * outline.span_us)
    yield "no failures", replace(outline, failures=())
    for opening in (1, 999, -1):
        yield f"opening {opening}", replace(outline, opening=opening)


def test_outlines_of_a_merged_batch_are_right(batch: tuple[Recorder, str]) -> None:
    recorder, batch_id = batch
    footer = check_batch(recorder.lake, "actions", batch_id, None).footer

    assert [run.outline is not None for run in footer.runs] == [run.run_id != "small" for run in footer.runs]
    assert is_right(recorder, batch_id, footer)


def test_spans_of_another_length_are_right_too(batch: tuple[Recorder, str], monkeypatch: pytest.MonkeyPatch) -> None:
    recorder, batch_id = batch
    footer = recorder.lake.read_footer("actions", batch_id).footer
    monkeypatch.setattr(outlining, "SPANS", 2 * outlining.SPANS)

    assert is_right(recorder, batch_id, footer)


def test_an_outline_that_is_wrong_in_anything_is_found(batch: tuple[Recorder, str]) -> None:
    recorder, batch_id = batch
    footer = recorder.lake.read_footer("actions", batch_id).footer
    wrong = dict(changed_outlines(footer))

    assert len(wrong) == 14
    assert [what for what, each in wrong.items() if is_right(recorder, batch_id, each)] == []
