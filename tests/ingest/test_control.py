from pathlib import Path

import sqlalchemy as sa

from ingest.control import Control
from ingest.control_tables import problem_notes, saved_queries


def open_control(folder: Path) -> Control:
    return Control(f"sqlite:///{folder / 'control.sqlite'}")


def test_what_was_kept_is_there_when_it_is_opened_again(tmp_path: Path) -> None:
    row = {"query_id": "q1", "name": "all", "sql": "select 1", "created_us": 1, "changed_us": 2, "chart": None}
    control = open_control(tmp_path)
    with control.writing() as connection:
        connection.execute(sa.insert(saved_queries), row)
    control.close()

    control = open_control(tmp_path)
    with control.reading() as connection:
        kept = [dict(each) for each in connection.execute(sa.select(saved_queries)).mappings()]
    control.close()

    assert kept == [row]


def test_a_column_that_an_older_synclog_did_not_know_is_added(tmp_path: Path) -> None:
    control = open_control(tmp_path)
    with control.writing() as connection:
        connection.exec_driver_sql("alter table problem_notes drop column ticket")
    control.close()

    control = open_control(tmp_path)
    with control.reading() as connection:
        rows = connection.execute(sa.select(problem_notes.c.ticket)).all()
    control.close()

    assert rows == []
