"""Real logs that come with synclog, recorded as their senders would have sent them.

They are logs of unmodified rclone: three nightly runs over the same 4,286 files (all new; a few changed and deleted;
two that could not be copied), and smaller ones that show a dry run, a comparison and a failure.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from io import BytesIO

from ingest.formats.decompress import decompress
from ingest.recorder import LineDefaults, Recorder


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoLog:
    """A bundled log, and what its sender would say of it. A log of several runs is left to name them."""

    file: str
    configuration: str
    trigger: str = "FULL_SYNC_JOB"
    run_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Something worth a look."""

    address: str
    meaning: str


DEMO_LOGS = (
    DemoLog(file="rclone/run1.ndjson.gz", configuration="docs", run_id="docs-1-first"),
    DemoLog(file="rclone/run2.ndjson.gz", configuration="docs", run_id="docs-2-changes"),
    DemoLog(file="rclone/run3.ndjson.gz", configuration="docs", run_id="docs-3-failed"),
    DemoLog(file="rclone/sync_json.log", configuration="photos"),
    DemoLog(file="rclone/dryrun_json.log", configuration="photos", trigger="FULL_SYNC_MANUAL"),
    DemoLog(file="rclone/check_json.log", configuration="photos", trigger="FULL_SYNC_MANUAL"),
    DemoLog(file="rclone/sync_error_json.log", configuration="photos"),
    DemoLog(file="rclone/bisync_json.log", configuration="notes"),
)


def fill(recorder: Recorder) -> None:
    """Record all bundled logs; those recorded before count once."""
    for log in DEMO_LOGS:
        packed = files("web").joinpath("demo_logs", log.file).read_bytes()
        with decompress(BytesIO(packed), "auto") as stream:
            recorder.record(
                stream,
                "rclone",
                defaults=LineDefaults(
                    run_id=log.run_id, integration="rclone", configuration=log.configuration, trigger=log.trigger
                ),
                idempotency_key=f"demo:{log.file}",
                source=log.file,
            )


def pages_to_see(url: str) -> Iterator[Page]:
    yield Page(address=f"{url}/", meaning="every integration: what failed, what is late, what is not as usual")
    yield Page(address=f"{url}/runs", meaning="all runs; narrow them down by status, time or text")
    yield Page(address=f"{url}/runs/docs-3-failed", meaning="a run that failed: its problems, timeline and actions")
    yield Page(address=f"{url}/runs/docs-2-changes", meaning="creates, updates and deletes among 3,429 unchanged files")
    yield Page(address=f"{url}/api/v1/runs/docs-3-failed/report.pdf", meaning="the report to hand to somebody else")
    yield Page(address=f"{url}/sql", meaning="any question, in SQL")
    yield Page(address=f"{url}/api/v1/docs", meaning="the HTTP API: send your own")
