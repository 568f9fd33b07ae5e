"""A comparison means something only if everybody is asked the same thing of the same actions."""

from dataclasses import asdict
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from bench.asking import questions
from bench.generate import Generator, Workload
from bench.questions import SEARCHED, Kind, Question
from bench.rival import ask, fill
from bench.run import read_subject
from bench.world import write_lake

WORKLOAD = Workload(actions=3000, runs=3, records=700)
ROWS = 1000  # what is drawn depends on how many are drawn at once
ASKED = questions(WORKLOAD, times=4)


def true_number(actions: pa.Table, question: Question) -> int:
    """The number that tells the answer, by counting all actions."""

    def count(mask: pa.ChunkedArray) -> int:
        return min(pc.sum(pc.fill_null(mask, False)).as_py(), 50)

    match question.kind:
        case Kind.RUNS:
            return WORKLOAD.runs
        case Kind.STATUSES:
            return actions.group_by(["run_id", "status"]).aggregate([]).num_rows
        case Kind.ERRORS:
            in_run = pc.equal(actions["run_id"], question.text)
            return count(pc.and_(in_run, pc.equal(actions["status"], "ERROR")))
        case Kind.PHRASE:
            return pc.sum(pc.match_substring(actions["message"], question.text)).as_py()
        case Kind.RECORD | Kind.NAME | Kind.FRAGMENT:
            found = pa.chunked_array([pa.repeat(False, actions.num_rows)])
            for name in SEARCHED:
                hits = pc.fill_null(pc.match_substring(actions[name], question.text, ignore_case=True), False)
                found = pc.or_(found, hits)
            return count(found)


def true_numbers() -> dict[Kind, list[int]]:
    actions = pa.concat_tables(Generator(WORKLOAD).tables(ROWS))
    return {kind: [true_number(actions, question) for question in each] for kind, each in ASKED.items()}


def test_every_question_finds_something() -> None:
    numbers = true_numbers()

    assert {kind for kind, each in numbers.items() if not any(each)} == set()


def test_duckdb_over_the_lake_answers_truly(tmp_path: Path) -> None:
    write_lake(tmp_path / "data", WORKLOAD, batches=WORKLOAD.actions // ROWS)

    asked = ask("bench.rival_duckdb", tmp_path / "data", ASKED)

    assert {kind: [told.number for told in each] for kind, each in asked.told.items()} == true_numbers()


def test_sqlite_keeps_all_actions_and_answers_truly(tmp_path: Path) -> None:
    filled = fill("bench.rival_sqlite", tmp_path / "sqlite", asdict(WORKLOAD), rows=ROWS)
    asked = ask("bench.rival_sqlite", tmp_path / "sqlite", ASKED)

    assert {kind: [told.number for told in each] for kind, each in asked.told.items()} == true_numbers()
    assert filled.size == (tmp_path / "sqlite" / "actions.sqlite").stat().st_size
    assert min(filled.peak, asked.peak, asked.first_answer) > 0


@pytest.mark.parametrize(
    ("word", "meant"), [("pages", ("pages", None)), ("scale", ("scale", None)), ("scale:200000", ("scale", 200_000))]
)
def test_subject_may_be_given_a_size(word: str, meant: tuple[str, int | None]) -> None:
    assert read_subject(word) == meant


@pytest.mark.parametrize("word", ["weather", "pages:10000", "scale:many", "scale:", "scale:10"])
def test_subject_nobody_can_measure_is_refused(word: str) -> None:
    with pytest.raises(SystemExit, match=word.partition(":")[0]):
        read_subject(word)
