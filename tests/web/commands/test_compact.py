"""``synclog compact``: its turn beside others, and what it says it leaves behind."""

import re
import threading
from datetime import UTC, datetime
from pathlib import Path

from ingest.index_database import COMPACTION_WANTED
from tests.builders import line
from tests.web.commands.conftest import Synclog
from tests.web.pages.cast import record, recorder_at


def record_two(folder: Path) -> None:
    with recorder_at(folder / "synclog-data", datetime.now(UTC)) as recorder:
        record(recorder, "one", [line()])
        record(recorder, "two", [line()])


def test_it_says_how_much_is_still_to_be_deleted_when_and_by_whom(synclog: Synclog, tmp_path: Path) -> None:
    record_two(tmp_path)

    said = synclog("compact").stderr

    assert "2 batches became 1" in said
    assert re.search(
        r"[\d.]+ kB of replaced batches stay for those who still read them, until [-0-9]+ [:0-9]+ UTC: "
        r"after that a server or synclog maintain deletes them, or else the next synclog compact or retain",
        said,
    )
    again = synclog("compact", "--grace", "0").stderr
    assert "still read them" not in again
    assert re.search(r"nothing to merge; [\d.]+ kB of replaced batches deleted", again)


def test_it_waits_until_another_process_is_done(synclog: Synclog, tmp_path: Path) -> None:
    record_two(tmp_path)
    with recorder_at(tmp_path / "synclog-data", datetime.now(UTC)) as other:
        compactor = other.compactor()
        assert compactor.lead()
        done = threading.Timer(1, compactor.resign)
        done.start()

        result = synclog("compact")

        done.join()
    assert result.exit_code == 0
    assert "waiting for it to make way" in result.stderr
    assert "2 batches became 1" in result.stderr


def test_it_does_not_wait_for_ever(synclog: Synclog, tmp_path: Path) -> None:
    record_two(tmp_path)
    with recorder_at(tmp_path / "synclog-data", datetime.now(UTC)) as other:
        assert other.compactor().lead()

        result = synclog("compact", "--wait", "0.1")

        assert not other.index.is_leased(COMPACTION_WANTED, now_us=other.now_us())
    assert result.exit_code == 1
    assert "another process compacts or retains this lake" in result.stderr
    assert "--wait" in result.stderr
