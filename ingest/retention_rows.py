"""Which rows are due under the rules, and which are kept as examples, worked out in Arrow.

A row is as old as the batch it first came in, which its ``batch_id`` tells: an old log imported today is new. Its
integration is that of its run, as pages show it; what the row itself says may be missing.
"""

from collections.abc import Iterable, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ingest.action import Status
from ingest.batch import batch_id_at
from ingest.index import Index
from ingest.retention_rules import Outcome, Rule, Rules
from ingest.schema import ACTION_SCHEMA

DAY_US = 86_400_000_000

JUDGED_COLUMNS = {"actions": ("batch_id", "row", "run_id", "status"), "rejects": ("batch_id", "row", "run_id")}
EXAMPLE_COLUMNS = ("batch_id", "row", "run_id", "status", "happened_at", "problem_id")


class Judge:
    """Says of rows whether they are due, at one moment."""

    def __init__(self, index: Index, rules: Rules, *, now_us: int) -> None:
        self.rules = rules
        self._index = index
        self._now_us = now_us
        self._examples = _keys_of(_NO_EXAMPLES)

    def limit_us(self, integration: str | None, outcome: Outcome) -> int | None:
        """What was received before this moment is due; None where nothing ever is."""
        return self._limit_us(self.rules.of(integration), outcome)

    def keep_examples(self, tables: Iterable[pa.Table], integrations: frozenset[str | None]) -> None:
        """Find the first and last failure of each problem of these integrations, which are not due from now on."""
        found = _NO_EXAMPLES
        for table in tables:
            failures = table.filter(pc.not_equal(table["status"], Status.OK.value))
            names, place = self._integrations_of(failures)
            wanted = pa.array([name in integrations for name in names], pa.bool_()).take(place)
            failures = failures.append_column("integration", pa.array(names, pa.string()).take(place)).filter(wanted)
            found = _ends_of(pa.concat_tables([found, failures.select(_NO_EXAMPLES.column_names)]))
        self._examples = _keys_of(found)

    def judge(self, table: pa.Table) -> pa.Table:
        """For each row its ``integration``, ``outcome``, ``batch_id`` and whether it is ``due``."""
        names, place = self._integrations_of(table)
        rules = [self.rules.of(name) for name in names]
        if "status" in table.column_names:
            is_ok = pc.equal(table["status"], Status.OK.value)
            outcome = pc.if_else(is_ok, Outcome.OK.value, Outcome.FAILURE.value)
            before = pc.if_else(
                is_ok, self._limits(rules, Outcome.OK).take(place), self._limits(rules, Outcome.FAILURE).take(place)
            )
        else:
            outcome = pa.repeat(Outcome.REJECT.value, table.num_rows)
            before = self._limits(rules, Outcome.REJECT).take(place)
        due = pc.fill_null(pc.less(table["batch_id"], before), False)
        if len(self._examples):
            due = pc.and_not(due, pc.is_in(_keys_of(table), value_set=self._examples))
        return pa.table(
            {
                "integration": pa.array(names, pa.string()).take(place),
                "outcome": outcome,
                "batch_id": table["batch_id"],
                "due": due,
            }
        )

    def keep(self, table: pa.Table) -> pa.Array:
        """Whether each row stays."""
        return pc.invert(self.judge(table)["due"])

    def _integrations_of(self, table: pa.Table) -> tuple[list[str | None], pa.Array]:
        """The integrations of the runs in a table, and for each row the place of its run among them."""
        run_ids = table["run_id"].unique()
        known = self._index.find_integrations(run_id for run_id in run_ids.to_pylist() if run_id is not None)
        return [known.get(run_id) for run_id in run_ids.to_pylist()], pc.index_in(table["run_id"], run_ids)

    def _limits(self, rules: Sequence[Rule], outcome: Outcome) -> pa.Array:
        """For each rule the least batch id whose rows stay."""
        moments = [self._limit_us(rule, outcome) for rule in rules]
        return pa.array([None if moment is None else batch_id_at(moment) for moment in moments], pa.string())

    def _limit_us(self, rule: Rule, outcome: Outcome) -> int | None:
        days = rule.days_of(outcome)
        return None if days is None else self._now_us - days * DAY_US


_NO_EXAMPLES = pa.schema(
    [
        pa.field("integration", pa.string()),
        *(ACTION_SCHEMA.field(name) for name in ("problem_id", "happened_at", "batch_id", "row")),
    ]
).empty_table()


def _ends_of(failures: pa.Table) -> pa.Table:
    """The first and the last failure of each problem of each integration."""
    in_order = failures.sort_by([(name, "ascending") for name in ("happened_at", "batch_id", "row")])
    numbered = in_order.append_column("place", pa.array(np.arange(in_order.num_rows)))
    ends = numbered.group_by(["integration", "problem_id"]).aggregate([("place", "min"), ("place", "max")])
    return in_order.take(pa.chunked_array([*ends["place_min"].chunks, *ends["place_max"].chunks], pa.int64()).unique())


def _keys_of(rows: pa.Table) -> pa.Array:
    """What no two rows of a lake share, as text."""
    return pc.binary_join_element_wise(rows["batch_id"], rows["row"].cast(pa.string()), "/").combine_chunks()
