"""``synclog sql``: any question."""

import json
import sys
from pathlib import Path

import click
import pyarrow as pa

from query.sandbox import SqlResult, run_sql
from query.saved_queries import SavedQueries
from query.sql_parameters import parameters_of
from reports.tables import TableFormat, write_table
from web.api.sql import limits_of, rows_of
from web.commands.invocation import Invocation
from web.commands.output import OutputFormat, chosen_format, format_option, write_rows
from web.commands.report import write_whole
from web.workspace import Workspace

FILE_FORMATS = ("parquet", "csv", "json", "ndjson", "arrow")


@click.command()
@click.argument("statement", required=False)
@click.option("--saved", metavar="NAME", help="A saved query instead of a statement.")
@click.option("-p", "--parameter", "given", multiple=True, metavar="NAME=VALUE", help="The value of $NAME in it.")
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help=f"A file instead of standard output: .{', .'.join(FILE_FORMATS)}.",
)
@click.option("--limit", type=click.IntRange(min=1), help="Rows at most.  [default: sql_rows of the settings]")
@format_option
@click.pass_obj
def sql(
    invocation: Invocation,
    statement: str | None,
    saved: str | None,
    given: tuple[str, ...],
    output: Path | None,
    limit: int | None,
    output_format: str | None,
) -> None:
    """Ask with SQL: views actions, runs, problems and batches. STATEMENT - is read from standard input.

    \b
    Example:
      synclog sql "select integration, count(*) as actions from actions group by all"
      synclog sql "select * from actions where status = 'ERROR'" -o errors.parquet
      synclog sql --saved "errors since" -p since=2026-11-01
    """
    suffix = _suffix_of(output)
    if (statement is None) == (saved is None):
        raise click.UsageError("give a statement, or --saved with the name of one")
    values = dict(map(_read_parameter, given))
    with invocation.open_to_look() as workspace:
        text = _text_of(statement, saved, workspace)
        # Those nobody gave are null, as on the page.
        parameters: dict[str, str | None] = {**dict.fromkeys(parameters_of(text)), **values}
        limits = limits_of(workspace.settings, rows=limit)
        result = run_sql(workspace.view, text, parameters=parameters or None, limits=limits)
    if output is not None:
        write_whole(output, _content(result.table, suffix))
        click.echo(f"{result.table.num_rows} rows in {output}", err=True)
    else:
        _print(result, chosen_format(output_format))
    if result.truncated:
        click.echo(f"only the first {result.table.num_rows} rows: --limit asks for more", err=True)


def _text_of(statement: str | None, saved: str | None, workspace: Workspace) -> str:
    if saved is not None:
        return SavedQueries(workspace.control).get_named(saved).sql
    assert statement is not None
    return sys.stdin.read() if statement == "-" else statement


def _read_parameter(text: str) -> tuple[str, str | None]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise click.UsageError(f"{text!r} is no NAME=VALUE")
    return name.removeprefix("$"), value


def _suffix_of(output: Path | None) -> str:
    suffix = output.suffix.lower().removeprefix(".") if output else ""
    if output is not None and suffix not in FILE_FORMATS:
        raise click.UsageError(f"{output} says no format: end it with .{', .'.join(FILE_FORMATS)}")
    return suffix


def _print(result: SqlResult, chosen: OutputFormat) -> None:
    if chosen is OutputFormat.CSV:
        for piece in write_table(result.table.to_reader(), TableFormat.CSV):
            sys.stdout.buffer.write(piece)
        return
    write_rows(rows_of(result.table), chosen, columns=result.table.column_names)


def _content(table: pa.Table, suffix: str) -> bytes:
    if suffix == "json":
        return json.dumps(rows_of(table), indent=2, ensure_ascii=False).encode() + b"\n"
    if suffix == "arrow":
        sink = pa.BufferOutputStream()
        with pa.ipc.new_file(sink, table.schema) as writer:
            writer.write_table(table)
        content: bytes = sink.getvalue().to_pybytes()
        return content
    return b"".join(write_table(table.to_reader(), TableFormat(suffix)))
