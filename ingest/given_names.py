"""The names a sender gives to a foreign log as a whole: they go before what the log says of itself."""

from dataclasses import replace
from typing import Any

import pyarrow as pa

from ingest.errors import InvalidInput
from ingest.normalise import LineDefaults, table_of
from ingest.run_state import RunEvent

_NAMED = ("run_id", "integration", "configuration", "trigger")


class GivenNames:
    """Renames the rows and run events of one log."""

    def __init__(self, given: LineDefaults) -> None:
        self._given = given
        self._runs: set[str] = set()

    def of_event(self, event: RunEvent) -> RunEvent:
        self._check({event.run_id})
        given = self._given
        return replace(
            event,
            run_id=given.run_id or event.run_id,
            integration=given.integration or event.integration,
            configuration=given.configuration or event.configuration,
            trigger=given.trigger or event.trigger,
        )

    def of_rows(self, rows: pa.Table | list[dict[str, Any]]) -> pa.Table:
        actions = table_of(rows) if isinstance(rows, list) else rows
        self._check(set(actions["run_id"].unique().to_pylist()))
        for name in _NAMED:
            value = self._given.of_field(name)
            if value is not None:
                column = pa.repeat(pa.scalar(value), actions.num_rows)
                actions = actions.set_column(actions.schema.get_field_index(name), actions.schema.field(name), column)
        return actions

    def _check(self, run_ids: set[str]) -> None:
        """One run id cannot name several runs. Raises InvalidInput."""
        self._runs |= run_ids
        if self._given.run_id is not None and len(self._runs) > 1:
            raise InvalidInput(
                f"the log holds several runs, which cannot all be {self._given.run_id}",
                field="run_id",
                hint="leave the run id out: each run gets one of its own",
            )
