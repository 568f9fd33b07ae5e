"""The problems of an integration and configuration over all its runs: ``problem_totals``, and what they are made from.

Totals are kept in the transaction that adds a batch. A merged batch adds what those it replaces had added, so taking
these away is a subtraction of counts; what is least, greatest or a sketch stays as it is. A run that turns out to be
of another configuration has its problems counted anew, in both.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import replace
from functools import cache
from itertools import groupby
from operator import itemgetter
from typing import Any

import sqlalchemy as sa

from ingest.database import Database, some_at_a_time
from ingest.footer import BatchFooter
from ingest.index_tables import batch_problems, problem_totals, runs
from ingest.problem_rows import Key, ProblemTotal, batch_row_of, summaries_of, total_row_of, totals_of
from ingest.problem_summary import ProblemSummary, merged_problems
from ingest.run_totals import RunRow


def retire_problems(connection: sa.Connection, batch_ids: Sequence[str]) -> list[ProblemSummary]:
    """Take what these batches said out of the index, but for the totals; gives what it was."""
    chosen = batch_problems.c.batch_id.in_(batch_ids)
    gone = summaries_of(connection.execute(sa.select(batch_problems).where(chosen)))
    connection.execute(sa.delete(batch_problems).where(chosen))
    return gone


def record_problems(
    database: Database,
    connection: sa.Connection,
    footers: Sequence[BatchFooter],
    retired: Sequence[ProblemSummary],
    *,
    before: Mapping[str, RunRow],
    after: Mapping[str, RunRow],
) -> None:
    """Add what new batches say of problems, less what those had said that they replace.

    ``before`` and ``after`` have the rows of the runs concerned, the latter as they are in the index now.
    """
    moved = [run_id for run_id, row in before.items() if kind_of(row) != kind_of(after[run_id])]
    added = [problem for footer in footers for problem in footer.problems or ()]
    if added or retired:
        known = {(each.run_id, each.problem_id) for each in retired}
        known |= _pairs_among(connection, {(each.run_id, each.problem_id) for each in added} - known)
        rows = [batch_row_of(footer.batch_id, each) for footer in footers for each in footer.problems or ()]
        if rows:
            connection.execute(_INSERT_PROBLEMS, rows)
        _add_to_totals(database, connection, added, retired, known, after)
    if moved:
        ids = sorted(_ids_of(connection, moved))
        kinds = {kind_of(rows[run_id]) for rows in (before, after) for run_id in moved}
        _count_anew(database, connection, kinds, ids)


def kind_of(run: RunRow) -> tuple[str, str]:
    return run["integration"], run["configuration"] or ""


def _add_to_totals(
    database: Database,
    connection: sa.Connection,
    added: Sequence[ProblemSummary],
    retired: Sequence[ProblemSummary],
    known: Set[tuple[str, str]],
    after: Mapping[str, RunRow],
) -> None:
    def key_of(each: ProblemSummary) -> Key:
        return *kind_of(after[each.run_id]), each.problem_id

    counts: Counter[Key] = Counter()
    records: Counter[Key] = Counter()
    for each in retired:
        counts[key_of(each)] -= each.count
        records[key_of(each)] -= each.records.most
    new_runs: Counter[Key] = Counter()
    for pair, each in {(each.run_id, each.problem_id): each for each in added}.items():
        new_runs[key_of(each)] += pair not in known
    sums: dict[Key, ProblemSummary] = {}
    for each in added:
        key = key_of(each)
        sums[key] = each if key not in sums else sums[key] + each
    for total in _totals_among(connection, sums.keys() | counts.keys()):
        key = total.key
        sums[key] = total.summary if key not in sums else total.summary + sums[key]
        new_runs[key] += total.runs
    _write_totals(
        database,
        connection,
        [
            ProblemTotal(
                integration=key[0],
                configuration=key[1],
                runs=new_runs[key],
                summary=replace(
                    summary,
                    count=summary.count + counts[key],
                    records=replace(summary.records, most=summary.records.most + records[key]),
                ),
            )
            for key, summary in sums.items()
        ],
    )


def _count_anew(
    database: Database, connection: sa.Connection, kinds: Set[tuple[str, str]], problem_ids: Sequence[str]
) -> None:
    for integration, configuration in sorted(kinds):
        of_kind = sa.and_(
            runs.c.integration == integration, sa.func.coalesce(runs.c.configuration, "") == configuration
        )
        for some in some_at_a_time(problem_ids):
            chosen = sa.select(batch_problems).join(runs, runs.c.run_id == batch_problems.c.run_id)
            rows = connection.execute(chosen.where(of_kind, batch_problems.c.problem_id.in_(some)))
            by_run = merged_problems(summaries_of(rows))
            count = Counter(each.problem_id for each in by_run)
            connection.execute(
                sa.delete(problem_totals).where(
                    problem_totals.c.integration == integration,
                    problem_totals.c.configuration == configuration,
                    problem_totals.c.problem_id.in_(some),
                )
            )
            sums = merged_problems(replace(each, run_id="") for each in by_run)
            _write_totals(
                database,
                connection,
                [
                    ProblemTotal(
                        integration=integration, configuration=configuration, runs=count[each.problem_id], summary=each
                    )
                    for each in sums
                ],
            )


def _pairs_among(connection: sa.Connection, pairs: Set[tuple[str, str]]) -> set[tuple[str, str]]:
    """Those of these pairs of run and problem id that are known. Run by run: databases look pairs up one by one."""
    return {
        (run_id, problem_id)
        for run_id, some_pairs in groupby(sorted(pairs), key=itemgetter(0))
        for some in some_at_a_time([problem_id for _, problem_id in some_pairs])
        for problem_id in connection.scalars(_CHOSEN_PAIRS, {"run_id": run_id, "problem_ids": some})
    }


def _ids_of(connection: sa.Connection, run_ids: Sequence[str]) -> set[str]:
    """The problems that are known of these runs."""
    return {
        problem_id
        for some in some_at_a_time(run_ids)
        for problem_id in connection.scalars(
            sa.select(batch_problems.c.problem_id).where(batch_problems.c.run_id.in_(some)).distinct()
        )
    }


def _totals_among(connection: sa.Connection, keys: Set[Key]) -> list[ProblemTotal]:
    return [
        total
        for some in some_at_a_time(sorted({problem_id for _, _, problem_id in keys}))
        for total in totals_of(connection.execute(_CHOSEN_TOTALS, {"problem_ids": some}))
        if total.key in keys
    ]


def _write_totals(database: Database, connection: sa.Connection, totals: Sequence[ProblemTotal]) -> None:
    if totals:
        connection.execute(_upsert(database.insert), list(map(total_row_of, totals)))


@cache
def _upsert(insert: Callable[[sa.Table], Any]) -> sa.Insert:  # each database has an insert of its own
    statement = insert(problem_totals)
    keys = ("integration", "configuration", "problem_id")
    rest = {column.name: statement.excluded[column.name] for column in problem_totals.c if column.name not in keys}
    upsert: sa.Insert = statement.on_conflict_do_update(index_elements=keys, set_=rest)
    return upsert


# Built once: that takes as long as running them does.
_INSERT_PROBLEMS = sa.insert(batch_problems)
_THESE_PROBLEMS: sa.BindParameter[str] = sa.bindparam("problem_ids", expanding=True)
_CHOSEN_PAIRS = (
    sa.select(batch_problems.c.problem_id)
    .where(batch_problems.c.run_id == sa.bindparam("run_id"), batch_problems.c.problem_id.in_(_THESE_PROBLEMS))
    .distinct()
)
_CHOSEN_TOTALS = sa.select(problem_totals).where(problem_totals.c.problem_id.in_(_THESE_PROBLEMS))
