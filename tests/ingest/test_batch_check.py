"""What is found wrong with a batch without the CRC-32 of its file, as in an index made anew."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zlib import crc32

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from ingest.batch_check import check_batch, find_damage, find_token_damage
from ingest.errors import BatchDamaged, LakeUnavailable
from ingest.merged_blocks import FEW_ROWS
from ingest.recorder import Recorder
from ingest.token_index import index_tokens
from tests.builders import line, ndjson


@pytest.fixture
def merged(recorder: Recorder) -> Recorder:
    """A lake with one merged batch of six rows of two runs."""
    for number in range(3):
        lines = [line(run_id=f"r{place}", source_id=str(place), message=f"said {number}") for place in range(2)]
        recorder.record(ndjson(lines), "ndjson")
    merge(recorder)
    return recorder


def merge(recorder: Recorder) -> None:
    compactor = recorder.compactor()
    assert compactor.lead()
    assert len(list(compactor.compact(everything=True))) == 1
    compactor.sweep(0)
    compactor.resign()


def only_id(recorder: Recorder) -> str:
    [batch] = recorder.index.list_live("actions")
    return str(batch.batch_id)


def write_anew(
    recorder: Recorder,
    change_rows: Callable[[pa.Table], pa.Table] = lambda rows: rows,
    change_footer: Callable[[dict[str, Any]], object] = lambda footer: None,
) -> None:
    """The batch as a writer would have made it that was wrong in one thing; all checksums are right."""
    path = recorder.lake.path_of("actions", only_id(recorder))
    rows, metadata = pq.read_table(path, partitioning=None), pq.read_metadata(path).metadata
    footer = json.loads(metadata[b"synclog.footer"])
    rows = change_rows(rows.replace_schema_metadata(None))
    footer["rows"] = rows.num_rows
    change_footer(footer)
    text = json.dumps(footer)
    path.chmod(0o644)
    with pq.ParquetWriter(path, rows.schema, store_schema=False, write_page_checksum=True) as writer:
        writer.write_table(rows)
        writer.add_key_value_metadata(
            {
                "synclog.format": metadata[b"synclog.format"].decode(),
                "synclog.kind": "actions",
                "synclog.footer": text,
                "synclog.crc": str(crc32(text.encode())),
            }
        )


def damage_of(recorder: Recorder) -> str | None:
    return find_damage(recorder.lake, "actions", only_id(recorder), None)


def test_a_whole_batch_gives_its_sum(recorder: Recorder) -> None:
    recorder.record(ndjson([line()]), "ndjson")
    [row] = recorder.index.list_live("actions")

    batch = check_batch(recorder.lake, "actions", row.batch_id, None)

    assert batch.crc == row.crc
    assert batch.footer.rows == 1


def test_what_is_written_anew_as_it_was_is_whole(merged: Recorder) -> None:
    write_anew(merged)

    assert damage_of(merged) is None


def renamed(rows: pa.Table, old: str, new: str) -> pa.Table:
    return rows.rename_columns([new if name == old else name for name in rows.column_names])


def with_column(rows: pa.Table, name: str, values: object) -> pa.Table:
    place = rows.column_names.index(name)
    return rows.set_column(place, rows.schema.field(name).with_type(pa.array(values).type), pa.array(values))


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda rows: pa.concat_tables([rows.slice(0, 5), rows.slice(0, 1)]), "there twice"),
        (lambda rows: rows.slice(0, 5), "counts in its footer"),
        (lambda rows: with_column(rows, "status", ["ERROR", *rows["status"].to_pylist()[1:]]), "counts in its footer"),
        (lambda rows: with_column(rows, "operation", ["CHANGED"] * 6), "makes no sense"),
        (lambda rows: renamed(rows, "message", "massage"), "columns are missing: message"),
        (lambda rows: with_column(rows, "duration_ms", ["7"] * 6), "another type: duration_ms"),
    ],
    ids=["a row twice", "a row less", "another status", "no operation", "another column", "another type"],
)
def test_rows_that_are_not_those_of_the_footer_are_found(
    merged: Recorder, change: Callable[[pa.Table], pa.Table], problem: str
) -> None:
    write_anew(merged, change)

    assert problem in (damage_of(merged) or "")


def test_times_that_are_not_those_of_the_rows_are_found(merged: Recorder) -> None:
    write_anew(merged, change_footer=lambda footer: footer["runs"][0].update(last_us=footer["last_us"] + 1))

    assert "counts in its footer" in (damage_of(merged) or "")


def test_rows_of_a_fresh_batch_have_its_name_and_their_place(recorder: Recorder) -> None:
    recorder.record(ndjson([line(), line()]), "ndjson")
    write_anew(recorder, lambda rows: with_column(rows, "row", pc.add(rows["row"], 1).combine_chunks()))

    assert "not named as they were" in (damage_of(recorder) or "")


def test_statistics_that_would_hide_rows_are_found(recorder: Recorder) -> None:
    """In the file's own metadata, which has no checksum: readers skip by them."""
    recorder.record(ndjson([line(run_id="night-a"), line(run_id="night-b")]), "ndjson")
    path = recorder.lake.path_of("actions", only_id(recorder))
    whole = path.read_bytes()
    last = whole.rindex(b"synclog.format")
    place = whole[:last].rindex(b"night-b")
    path.chmod(0o644)
    path.write_bytes(whole[:place] + b"night-c" + whole[place + 7 :])

    assert "statistics of run_id" in (damage_of(recorder) or "")


def test_a_footer_that_was_changed_is_found(recorder: Recorder) -> None:
    recorder.record(ndjson([line()]), "ndjson")
    path = recorder.lake.path_of("actions", only_id(recorder))
    whole = path.read_bytes()
    assert b'"update_ok":1' in whole
    path.chmod(0o644)
    path.write_bytes(whole.replace(b'"update_ok":1', b'"update_ok":7'))

    with pytest.raises(BatchDamaged, match="footer that is not the one it was sealed with"):
        recorder.lake.read_footer("actions", only_id(recorder))


def test_a_file_that_is_gone_is_damage_and_a_lake_that_is_gone_is_not(merged: Recorder, tmp_path: Path) -> None:
    path = merged.lake.path_of("actions", only_id(merged))
    path.rename(tmp_path / "kept")
    assert damage_of(merged) == "the file is gone"

    merged.lake.root.rename(tmp_path / "away")
    with pytest.raises(LakeUnavailable, match="not there any more"):
        damage_of(merged)


@pytest.fixture
def indexed(recorder: Recorder) -> Recorder:
    """A lake with one merged batch that is large enough to have a token index."""
    half = FEW_ROWS // 2 + 1
    for number in range(2):
        lines = (line(source_id=f"{number}-{place}", message=f"number {place % 50}") for place in range(half))
        recorder.record(ndjson(lines), "ndjson")
    merge(recorder)
    return recorder


def test_a_token_index_that_is_not_what_was_written_is_found(indexed: Recorder) -> None:
    batch = indexed.lake.read_footer("actions", only_id(indexed))
    path = indexed.lake.token_index_path(only_id(indexed))
    assert find_token_damage(indexed.lake, batch) is None

    whole = path.read_bytes()
    path.chmod(0o644)
    path.write_bytes(whole[:2000] + bytes([whole[2000] ^ 1]) + whole[2001:])
    assert find_token_damage(indexed.lake, batch) == "it is not the token index of its batch"

    path.write_bytes(whole[:100])
    assert "cannot be read as a token index" in (find_token_damage(indexed.lake, batch) or "")

    other = path.with_name("other.parquet")
    pq.write_table(pa.table({"message": ["one"]}), other)
    with path.open("wb") as sink:
        index_tokens(other, sink)
    assert find_token_damage(indexed.lake, batch) == "it is not the token index of its batch"
