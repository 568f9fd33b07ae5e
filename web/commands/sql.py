"""``synclog sql``: any question."""

import json
import sys
from pathlib import Path

import click
import pyarrow as pa

from query.sandbox import SqlResult, run_sql
from reports.tables import TableFormat, write_table
from web.api.sql import limits_of, rows_of
from web.commands.invocation import Invocation
from web.commands.output import OutputFormat, chosen_format, format_option, write_rows
from web.commands.report import write_whole

FILE_FORMATS = ("parquet", "csv", "json", "ndjson", "arrow")


@click.command()
@click.argument("statement")
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
    invocation: Invocation, statement: str, output: Path | None, limit: int | None, output_format: str | None
) -> None:
    """Ask with SQL: views actions, runs, problems and batches. STATEMENT - is read from standard input.

    \b
    Example:
      synclog sql "select integration, count(*) as actions from actions group by all"
      synclog sql "select * from actions where status = 'ERROR'" -o errors.parquet
    """
    suffix = _suffix_of(output)
    text = sys.stdin.read() if statement == "-" else statement
    with invocation.open_existing() as workspace:
        result = run_sql(workspace.view, text, limits=limits_of(workspace.settings, rows=limit))
    if output is not None:
        write_whole(output, _content(result.table, suffix))
        click.echo(f"{result.table.num_rows} rows in {output}", err=True)
    else:
        _print(result, chosen_format(output_format))
    if result.truncated:
        click.echo(f"only the first {result.table.num_rows} rows: --limit asks for more", err=True)


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
