"""Everything the SQL page shows: the statement, what came of it, and what is offered beside the editor."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import uuid4

from markupsafe import Markup

from ingest.errors import QueryCancelled, SynclogError
from query.ready_questions import ChartChoice, ReadyQuestion, list_questions
from query.running import RunningStatement
from query.sandbox import SqlLimits, SqlResult
from query.saved_queries import SavedQuery
from query.sql_mistakes import Mistake, find_mistake
from query.sql_views import SQL_VIEWS, SqlView
from reports.result_chart import draw_plot
from reports.result_plot import ChartColumns, ChartKind, Plot, columns_to_draw, complete_choice, plot_of
from web.pages.sql_form import TABLE, Statement, chart_arguments
from web.pages.sql_result import Cell, Column, columns_of, rows_of_cells

ROWS_SHOWN = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a statement gave, as a table and, where one was chosen and can be drawn, as a chart."""

    result: SqlResult
    chart: ChartChoice | None

    @property
    def columns(self) -> Sequence[Column]:
        return columns_of(self.result.table)

    @property
    def rows(self) -> Sequence[Sequence[Cell]]:
        return list(rows_of_cells(self.result.table.slice(0, ROWS_SHOWN)))

    @property
    def count(self) -> int:
        return int(self.result.table.num_rows)

    @property
    def shown(self) -> int:
        return min(self.count, ROWS_SHOWN)

    @property
    def took(self) -> timedelta:
        return timedelta(seconds=self.result.seconds)

    @property
    def choices(self) -> ChartColumns:
        return columns_to_draw(self.result.table)

    @property
    def drawn(self) -> ChartChoice | None:
        """The chart with every column it needs; None for a table, or where there is no number to draw."""
        return complete_choice(self.chart, self.result.table) if self.chart else None

    @property
    def plot(self) -> Plot | None:
        return plot_of(self.result.table, self.drawn) if self.drawn else None


@dataclass(frozen=True, slots=True, kw_only=True)
class SqlPage:
    """One showing of the page; each has an id of its own that the statement it sends can be cancelled by."""

    statement: Statement
    limits: SqlLimits
    saved: Sequence[SavedQuery]
    running: Sequence[RunningStatement] = ()
    query: SavedQuery | None = None
    name: str = ""
    answer: Answer | None = None
    error: SynclogError | None = None
    statement_id: str = field(default_factory=lambda: uuid4().hex)

    @property
    def mistake(self) -> Mistake | None:
        return find_mistake(self.error.message, self.statement.sql) if self.error else None

    @property
    def failure(self) -> str:
        return "The statement was cancelled" if isinstance(self.error, QueryCancelled) else "The statement failed"

    @property
    def questions(self) -> Sequence[ReadyQuestion]:
        return list_questions()

    @property
    def views(self) -> Sequence[SqlView]:
        return SQL_VIEWS

    @property
    def kinds(self) -> Mapping[str, str]:
        """How a result can be shown, and what that is called."""
        return {TABLE: "Table", **{kind.value: kind.value.capitalize() for kind in ChartKind}}

    @property
    def kind(self) -> str:
        return self.statement.chart.kind if self.statement.chart else TABLE

    @property
    def chart_fields(self) -> Sequence[tuple[str, str]]:
        """What the form sends of the chart while there is no result to choose columns from."""
        return chart_arguments(self.statement.chart)

    @property
    def wide_chart(self) -> Markup | None:
        return self._draw(width=1120, height=260, name="result-wide")

    @property
    def narrow_chart(self) -> Markup | None:
        """The same for a telephone: a wide one made small could not be read."""
        return self._draw(width=340, height=220, name="result-narrow")

    def _draw(self, *, width: int, height: int, name: str) -> Markup | None:
        plot = self.answer.plot if self.answer else None
        return draw_plot(plot, width=width, height=height, name=name) if plot else None
