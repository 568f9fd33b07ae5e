"""``synclog compare``: two runs side by side, or the records that differ."""

from collections.abc import Iterator

import click

from query.compare import ComparedRecord, Difference, compare_problems, count_records, find_records
from query.lake_view import LakeView
from query.runs import COUNTERS, get_run
from web.api.comparison_shapes import compared_record_as_json, comparison_as_json
from web.api.schemas import JsonObject
from web.commands.invocation import Invocation
from web.commands.output import OutputFormat, chosen_format, format_option, write_rows, write_table

FACTS = ("integration", "configuration", "trigger", "progress", "status", "begun_at")
FIGURE_COLUMNS = ("figure", "a", "b", "difference")
PROBLEM_COLUMNS = ("state", "status", "count_a", "count_b", "template")
RECORD_COLUMNS = (
    "record_type", "record_id", "record_name", "status_a", "operations_a", "status_b", "operations_b", "message",
)  # fmt: skip
PAGE = 1000


@click.command()
@click.argument("run_a")
@click.argument("run_b")
@click.option(
    "--list",
    "difference",
    type=click.Choice([member.value for member in Difference]),
    help="The records that differ in this way, instead of how many do.",
)
@click.option("--limit", type=click.IntRange(min=1), default=50, help="How many records at most.")
@format_option
@click.pass_obj
def compare(
    invocation: Invocation, run_a: str, run_b: str, difference: str | None, limit: int, output_format: str | None
) -> None:
    """Compare an earlier run with a later one: counters, problems, records.

    \b
    Example: what is worse than yesterday, and which records fail only now
      synclog compare nightly-6 nightly-7
      synclog compare nightly-6 nightly-7 --list failing-now
    """
    chosen = chosen_format(output_format)
    with invocation.open_to_look() as workspace:
        view = workspace.view
        if difference is not None:
            found = (_flat(record) for record in _records(view, run_a, run_b, Difference(difference), limit))
            write_rows(found, chosen, columns=RECORD_COLUMNS)
            return
        a, b = get_run(view, run_a), get_run(view, run_b)
        compared = comparison_as_json(a, b, compare_problems(view, a, b), count_records(view, run_a, run_b))
    match chosen:
        case OutputFormat.TABLE:
            _show(compared)
        case OutputFormat.CSV:
            write_rows(list(_figures(compared)), chosen, columns=FIGURE_COLUMNS)
        case _:
            write_rows([compared], chosen, columns=FIGURE_COLUMNS)


def _show(compared: JsonObject) -> None:
    for caution in compared["cautions"]:
        click.echo(caution, err=True)
    facts = [{"figure": name, "a": compared["a"][name], "b": compared["b"][name]} for name in FACTS]
    write_table([*facts, *_figures(compared)], FIGURE_COLUMNS)
    if compared["problems"]:
        click.echo()
        write_table(compared["problems"], PROBLEM_COLUMNS)
    click.echo()
    write_table(
        [{"records": name, "count": count} for name, count in compared["records"].items()], ("records", "count")
    )


def _figures(compared: JsonObject) -> Iterator[JsonObject]:
    yield {"figure": "duration_ms", **compared["duration_ms"]}
    for name in COUNTERS:
        yield {"figure": name, **compared["counters"][name]}


def _records(view: LakeView, a: str, b: str, difference: Difference, limit: int) -> Iterator[ComparedRecord]:
    cursor: str | None = None
    left = limit
    while left:
        page = find_records(view, a, b, difference, limit=min(left, PAGE), cursor=cursor)
        yield from page.items
        left -= len(page.items)
        cursor = page.next_cursor
        if cursor is None:
            return


def _flat(record: ComparedRecord) -> JsonObject:
    """The columns of the page's CSV: what each run did beside the other."""
    row = compared_record_as_json(record)
    a, b = row.pop("a") or {}, row.pop("b") or {}
    for name in ("status", "operations", "code", "message", "action_id"):
        for run, facts in (("a", a), ("b", b)):
            value = facts.get(name)
            row[f"{name}_{run}"] = " ".join(value) if isinstance(value, list) else value
    return row | {"differences": " ".join(row["differences"]), "message": row["message_b"] or row["message_a"]}
