"""What the index remembers of maintenance, verify and backup."""

from pathlib import Path

import sqlalchemy as sa

from ingest.index import Index
from ingest.index_tables import versions
from ingest.recorder import Recorder
from ingest.upkeep import Duty, Upkeep, note_done, note_failed, read_upkeep


def test_failures_add_up_until_it_is_done(recorder: Recorder) -> None:
    index = recorder.index
    assert read_upkeep(index, Duty.MAINTENANCE) == Upkeep()

    note_failed(index, Duty.MAINTENANCE, now_us=1, reason="disk full")
    note_failed(index, Duty.MAINTENANCE, now_us=2, reason="disk still full")

    failing = Upkeep(failures=2, failed_us=2, reason="disk still full")
    assert read_upkeep(index, Duty.MAINTENANCE) == failing
    note_done(index, Duty.MAINTENANCE, now_us=3)
    done = Upkeep(done_us=3, failed_us=2, reason="disk still full")
    assert read_upkeep(index, Duty.MAINTENANCE) == done
    assert read_upkeep(index, Duty.VERIFY) == Upkeep()


def test_an_index_of_another_version_remembers_it(tmp_path: Path) -> None:
    address = f"sqlite:///{tmp_path / 'index.sqlite'}"
    index = Index(address)
    note_done(index, Duty.BACKUP, now_us=7, note="/mnt/copy")
    with index.writing() as connection:
        connection.execute(sa.update(versions).values(version=1))
    index.close()

    anew = Index(address)

    assert read_upkeep(anew, Duty.BACKUP) == Upkeep(done_us=7, note="/mnt/copy")
    anew.close()


def test_an_index_made_before_there_was_upkeep_gets_the_table(tmp_path: Path) -> None:
    address = f"sqlite:///{tmp_path / 'index.sqlite'}"
    index = Index(address)
    with index.writing() as connection:
        connection.exec_driver_sql("drop table upkeep")
    index.close()

    again = Index(address)

    assert read_upkeep(again, Duty.BACKUP) == Upkeep()
    again.close()
