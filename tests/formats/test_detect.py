import gzip
import io
from pathlib import Path

import pytest

from ingest.errors import UnsupportedContent
from ingest.formats.decompress import decompress
from ingest.formats.detect import HEAD_BYTES, detect_input
from tests.formats.blocks import DATA

WRITERS = {
    "arrow-file-lz4.arrow": "arrow",
    "duckdb.csv.gz": "csv",
    "duckdb.ndjson": "ndjson",
    "pandas-array.json": "json",
    "pandas-default.parquet": "parquet",
    "pandas-records.ndjson": "ndjson",
    "pandas.csv": "csv",
    "polars-stream.arrows": "arrow",
    "polars.ndjson": "ndjson",
    "pyarrow.csv": "csv",
}
RCLONE = sorted((DATA / "rclone").glob("*.log")) + sorted((DATA / "rclone" / "mid").glob("*.gz"))


def head_of(path: Path) -> bytes:
    return decompress(io.BytesIO(path.read_bytes()), "auto").read(HEAD_BYTES)


@pytest.mark.parametrize(("name", "found"), WRITERS.items())
def test_what_common_writers_wrote_is_told_without_its_name(name: str, found: str) -> None:
    assert detect_input(head_of(DATA / "columnar-writers" / name)) == found


@pytest.mark.parametrize("path", RCLONE, ids=lambda path: path.name)
def test_rclone_log_is_told_whatever_it_is_called(path: Path) -> None:
    assert detect_input(head_of(path), "night.ndjson") == "rclone"


@pytest.mark.parametrize(
    ("head", "name", "found"),
    [
        (b'{"a":1}{"a":2}', None, "json"),
        (b'{\n "a": 1\n}', None, "json"),
        (b' [{"a":1}]', None, "json"),
        (b'{"a":1}', None, "ndjson"),
        (b'{"a": broken}\n{"a":1}\n', None, "ndjson"),
        (b'{"a":"' + b"x" * HEAD_BYTES, None, "ndjson"),
        ("\ufeffid;status\n".encode("utf-16-le"), None, "csv"),
        (b"id\tstatus\r\n1\tOK\r\n", None, "csv"),
        (b"message\nhello\n", "notes.CSV", "csv"),
        (b"", "empty.ndjson", "ndjson"),
        (b"PAR1", "misnamed.csv", "parquet"),
    ],
)
def test_content_decides_before_the_name(head: bytes, name: str | None, found: str) -> None:
    assert detect_input(head, name) == found


@pytest.mark.parametrize(
    ("head", "words"),
    [
        (b"", "empty"),
        (b"PK\x03\x04....", "zip archive or a workbook"),
        (b"FEA1....", "Feather version 1"),
        (gzip.compress(b"x", mtime=0), "gzip inside"),
        (b"<?xml version='1.0'?>", "XML"),
        (bytes(range(256)), "cannot be told"),
        (b"Dear reader, this is prose, not data.\n", "cannot be told"),
    ],
)
def test_what_nobody_reads_is_refused_with_a_hint(head: bytes, words: str) -> None:
    with pytest.raises(UnsupportedContent, match=words) as refused:
        detect_input(head)

    assert refused.value.hint
