"""What rclone 1.60 wrote in its own runs, and lines of it put together by hand."""

import io
import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, BinaryIO

import pytest

from ingest.action import Status
from ingest.formats import LINE_LIMIT, RawBlock, Reject
from ingest.formats.decompress import decompress
from ingest.protocols.rclone import read_rclone
from ingest.recorder import Recorder
from ingest.run_state import EventKind, RunEvent
from tests.formats.blocks import DATA, Pipe

FOLDER = DATA / "rclone"
TRUTH = json.loads((FOLDER / "mid" / "TRUTH.json").read_text())


@dataclass(slots=True, kw_only=True)
class Log:
    """What was read of one log."""

    events: list[RunEvent] = field(default_factory=list)
    actions: list[dict[str, Any]] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    refused: list[Reject] = field(default_factory=list)

    @property
    def run_ids(self) -> list[str]:
        return [event.run_id for event in self.events if event.kind == EventKind.STARTED]

    def counts(self, run_id: str | None = None) -> Counter[str]:
        return Counter(
            f"{action['operation']}/{action['status']}" for action in self.actions if run_id in (None, action["run_id"])
        )

    def end(self) -> RunEvent:
        return self.events[-1]

    def action(self, record: str) -> dict[str, Any]:
        (found,) = [action for action in self.actions if action["source_id"] == record]
        return {key: value for key, value in found.items() if value is not None}


def read(body: bytes | BinaryIO) -> Log:
    log = Log()
    for item in read_rclone(io.BytesIO(body) if isinstance(body, bytes) else body):
        if isinstance(item, RunEvent):
            log.events.append(item)
            continue
        assert isinstance(item, RawBlock)
        log.refused.extend(item.refused)
        if item.table is not None and item.lines is not None:
            log.actions.extend(item.table.to_pylist())
            log.lines.extend(item.lines.to_pylist())
    return log


def file(name: str) -> bytes:
    return decompress(io.BytesIO((FOLDER / name).read_bytes()), "auto").read()


def said(level: str, message: str, record: str | None = None, *, second: float = 0, **more: Any) -> bytes:
    about = {"object": record, "objectType": "*local.Object"} if record else {}
    moment = f"2026-11-23T03:00:{second:09.6f}+00:00"
    return (
        json.dumps({"level": level, "msg": message, **about, "source": "x/y.go:1", "time": moment, **more}).encode()
        + b"\n"
    )


@pytest.mark.parametrize("number", [1, 2, 3])
def test_counts_are_those_of_the_file_system(number: int) -> None:
    log = read(file(f"mid/run{number}.ndjson.gz"))

    truth = {key: value for key, value in TRUTH[f"run{number}"].items() if "/" in key}
    assert log.counts() == truth
    assert log.refused == []
    assert log.end().kind == EventKind.FINISHED
    assert log.end().status == (Status.ERROR if TRUTH[f"run{number}"]["exit"] else Status.OK)


def test_run_says_what_it_was_and_how_it_ended() -> None:
    log = read(file("mid/run2.ndjson.gz"))

    started, finished = log.events[0], log.end()
    assert started.run_id == "rclone-20261123T033302Z-0408e052"
    assert (started.integration, started.configuration) == ("rclone", "src → dst")
    assert started.attributes == {"rclone_version": "v1.60.1-DEV", "command": "sync"}
    assert finished.claimed == {"deletes": 428, "errors": 0}
    assert finished.attributes == {
        "rclone_version": "v1.60.1-DEV",
        "command": "sync",
        "bytes": 17516726,
        "checks": 4286,
        "transfers": 729,
        "deletes": 428,
        "renames": 0,
        "errors": 0,
        "elapsed_seconds": 0.329921009,
        "lines_read": 9184,
        "debug_lines": 8025,
    }


def test_action_names_its_record_on_both_sides() -> None:
    action = read(file("mid/run1.ndjson.gz")).action("at-spi2-common/changelog.Debian.gz")

    assert action["happened_at"].isoformat() == "2026-11-23T03:33:00.736294+00:00"
    del action["happened_at"]
    assert action == {
        "run_id": "rclone-20261123T033300Z-410e416e",
        "integration": "rclone",
        "configuration": "src → dst",
        "operation": "CREATE",
        "status": "OK",
        "source_type": "src",
        "source_id": "at-spi2-common/changelog.Debian.gz",
        "source_name": "changelog.Debian.gz",
        "target_type": "dst",
        "target_id": "at-spi2-common/changelog.Debian.gz",
        "target_name": "changelog.Debian.gz",
        "message": "Copied (new)",
        "md5": "d614484cda35b600519b440201803b1a",
    }


@pytest.mark.parametrize(
    ("name", "counts"),
    [
        ("sync_json.log", [{"CREATE/OK": 7, "UPDATE/OK": 1, "DELETE/OK": 1, "NONE/OK": 1}] * 2),
        ("sync_error_json.log", [{"CREATE/OK": 6, "UPDATE/OK": 1, "CREATE/ERROR": 1}] * 2),
        ("sync_text.log", [{"CREATE/ERROR": 1}] * 2),
        ("check_json.log", [{"NONE/ERROR": 9}] * 2),
        ("dryrun_json.log", [{"NONE/INFO": 9}] * 2),
        ("bisync_json.log", [{}, {"CREATE/OK": 9}, {"CREATE/OK": 3, "UPDATE/OK": 2, "DELETE/OK": 1}] * 2),
    ],
)
def test_runs_appended_to_one_file_stay_apart(name: str, counts: list[dict[str, int]]) -> None:
    log = read(file(name))

    assert [log.counts(run_id) for run_id in log.run_ids] == counts
    assert len(set(log.run_ids)) == len(counts)
    assert {event.kind for event in log.events} <= {EventKind.STARTED, EventKind.MESSAGE, EventKind.FINISHED}
    assert log.refused == []


def test_failure_of_every_attempt_is_one_action() -> None:
    log = read(file("sync_error_json.log"))

    failed = [action for action in log.actions if action["status"] == "ERROR"]
    assert [(action["source_id"], action["attempts"]) for action in failed] == [("f3.txt", 2), ("f3.txt", 2)]
    assert log.end().message == "Failed to sync: open /srv/synclogs/synctools/dst/f3.txt: is a directory"
    assert log.end().attributes is not None
    assert log.end().attributes["attempts"] == 2


def test_text_log_means_what_the_json_log_means() -> None:
    action = read(file("sync_text.log")).actions[0]

    assert (action["source_id"], action["operation"], action["status"], action["attempts"]) == (
        "f3.txt",
        "CREATE",
        "ERROR",
        3,
    )
    assert action["message"] == "Failed to copy: open /srv/synclogs/synctools/dst/f3.txt: is a directory"


def test_dry_run_does_nothing_and_says_what_it_would() -> None:
    log = read(file("dryrun_json.log"))

    assert {action["wanted"] for action in log.actions} == {"copy", "delete"}
    assert log.end().status == Status.OK
    assert log.end().claimed is None
    assert (log.end().attributes or {})["dry_run"] is True


def test_fine_run_is_not_spoilt_by_a_notice() -> None:
    log = read(file("sync_json.log"))

    assert {event.status for event in log.events} == {None, Status.OK}


def test_odd_names_are_kept_as_they_are() -> None:
    records = {action["source_id"] for action in read(file("sync_json.log")).actions}

    assert {"new␊line.txt", "s p/ünïcode 東京.txt"} <= records


def test_renamed_record_is_an_update_under_its_new_name() -> None:
    moved = [action for action in read(file("bisync_json.log")).actions if action["operation"] == "UPDATE"]

    assert [(action["source_id"], action["target_id"]) for action in moved[:2]] == [
        ("f4.txt", "f4.txt..path1"),
        ("f4.txt", "f4.txt..path2"),
    ]


def test_failure_made_good_is_a_success_that_remembers() -> None:
    log = read(
        said("error", "Failed to copy: timeout", "a.txt", second=1)
        + said("info", "Copied (new)", "b.txt", second=2)
        + said("error", "Attempt 1/3 failed with 1 errors and: timeout", second=3)
        + said("debug", "Unchanged skipping", "b.txt", second=4)
        + said("info", "Copied (new)", "a.txt", second=5)
        + said("error", "Attempt 2/3 succeeded", second=6)
    )

    assert log.counts() == {"CREATE/OK": 2}
    assert log.action("a.txt")["earlier_failure"] == "Failed to copy: timeout"
    assert log.action("a.txt")["attempts"] == 2
    assert {event.status for event in log.events if event.kind == EventKind.MESSAGE} == {Status.WARNING, Status.OK}


@pytest.mark.parametrize(
    ("lines", "outcome"),
    [
        (["debug Sizes differ (src 7 vs dst 4)", "error Failed to copy: disk full"], "UPDATE/ERROR"),
        (["debug Modification times differ by 1s", "error Failed to copy: disk full"], "UPDATE/ERROR"),
        (["error Failed to copy: disk full"], "CREATE/ERROR"),
        (["error Couldn't delete: permission denied"], "DELETE/ERROR"),
        (["error md5 differ"], "NONE/ERROR"),
        (["info Updated modification time in destination"], "UPDATE/OK"),
        (["info Copied (server-side copy)"], "CREATE/OK"),
        (["debug Sizes differ", "info Copied (server-side copy)"], "UPDATE/OK"),
        (["info Multi-thread Copied (replaced existing)"], "UPDATE/OK"),
        (["info Moved (server-side)", "info Moved into backup dir"], "DELETE/OK"),
        (["info Moved (server-side)", "info Copied (new)"], "UPDATE/OK"),
        (["info Copied (new)", "info Deleted"], "CREATE/OK"),
        (["notice Can't follow symlink without -L/--copy-links"], "NONE/WARNING"),
        (["notice Skipped copy as --dry-run is set (size 7)"], "NONE/INFO"),
    ],
)
def test_message_tells_what_was_done(lines: list[str], outcome: str) -> None:
    body = b"".join(said(*line.split(" ", 1), "a.txt") for line in lines)  # type: ignore[misc]

    assert read(body).counts() == {outcome: 1}


def test_copy_that_could_not_delete_its_source_is_two_actions() -> None:
    log = read(said("info", "Copied (new)", "a.txt") + said("error", "Couldn't delete: denied", "a.txt", second=1))

    assert log.counts() == {"CREATE/OK": 1, "DELETE/ERROR": 1}


def test_debug_talk_alone_is_no_action() -> None:
    log = read(said("debug", "Sizes differ (src 7 vs dst 4)", "a.txt"))

    assert log.actions == []


def test_log_that_stops_short_has_no_end() -> None:
    whole = file("mid/run1.ndjson.gz").splitlines(keepends=True)

    log = read(b"".join(whole[:2000]))

    assert log.end().kind == EventKind.HEARTBEAT
    assert (log.end().attributes or {})["lines_read"] == 2000


def test_interrupted_run_is_aborted() -> None:
    log = read(
        said("info", "Copied (new)", "a.txt") + said("info", "Signal received: interrupt") + said("info", "Exiting...")
    )

    assert log.end().kind == EventKind.ABORTED


def test_statistics_long_before_the_next_line_end_a_run() -> None:
    stats = {"bytes": 1, "checks": 0, "totalChecks": 0, "transfers": 1, "totalTransfers": 1, "errors": 0}
    one = said("info", "Copied (new)", "a.txt") + said("info", "\nTransferred: 1 / 1", stats=stats)

    apart = read(one + one.replace(b"T03:00", b"T04:00"))
    together = read(one + one)

    assert len(apart.run_ids) == 2
    assert apart.counts() == {"CREATE/OK": 2}
    assert len(together.run_ids) == 1


def test_lines_of_no_rclone_are_refused_with_their_number() -> None:
    body = (
        b"what?\n"
        + said("info", "Copied (new)", "a.txt")
        + b"\n{}\n{broken\n"
        + b'{"msg":"x","time":"soon"}\n\xff\xfe\n'
    )

    log = read(body)

    assert [reject.line for reject in log.refused] == [1, 4, 5, 6, 7]
    assert log.lines == [2]


def test_over_long_line_is_refused_and_the_rest_goes_on() -> None:
    log = read(b'{"msg":"' + b"x" * (LINE_LIMIT + 5) + b'"}\n' + said("info", "Copied (new)", "a.txt"))

    assert [(reject.line, reject.code) for reject in log.refused] == [(1, "line-too-long")]
    assert log.lines == [2]


def test_password_in_a_remote_is_not_kept() -> None:
    parameters = r"[\"rclone\" \"sync\" \":sftp,host=example.com,pass=geheim:in/box\" \"dst\" \"--drive-secret\" \"x\"]"
    body = said("debug", 'Version "v1.60.1" starting with parameters ' + parameters.replace("\\", ""), "rclone")

    log = read(body.replace(b"*local.Object", b"string") + said("info", "Copied (new)", "a.txt"))

    assert log.events[0].configuration == ":sftp:in/box → dst"
    assert "geheim" not in repr(log)


def test_half_a_surrogate_does_not_stop_the_log() -> None:
    log = read(said("info", "Copied (new)", "a\ud800.txt") + said("info", "Copied (new)", "b.txt"))

    assert len(log.actions) == 2


def test_the_same_log_gives_the_same_run_ids() -> None:
    body = file("bisync_json.log")

    assert read(body).run_ids == read(Pipe(body)).run_ids  # type: ignore[arg-type]  # a stream that only reads forwards


def test_recorded_log_counts_like_the_file_system(recorder: Recorder) -> None:
    receipt = recorder.record(io.BytesIO(file("mid/run3.ndjson.gz")), "rclone")

    assert (receipt.accepted, receipt.rejected) == (4118, 0)
    assert [(run.run_id, run.accepted) for run in receipt.runs] == [("rclone-20261123T033302Z-1e7d0bd2", 4118)]
