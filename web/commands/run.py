"""``synclog run``: one run, its counters and its problems."""

import click

from query.problems import Problem, list_run_problems
from query.runs import COUNTERS, Run, get_run
from reports.wording import gone_phrase, unreadable_phrase
from web.api.schemas import JsonObject, problem_as_json, run_as_json
from web.commands.invocation import Invocation
from web.commands.output import OutputFormat, chosen_format, format_option, write_facts, write_rows, write_table
from web.commands.runs import COLUMNS

SUMMARY = (
    "run_id",
    "integration",
    "configuration",
    "trigger",
    "scope",
    "progress",
    "status",
    "begun_at",
    "ended_at",
    "duration_ms",
    "expected",
    "message",
)
PROBLEM_COLUMNS = ("problem_id", "status", "count", "records", "template", "first_at", "last_at")


@click.command()
@click.argument("run_id")
@format_option
@click.pass_obj
def run(invocation: Invocation, run_id: str, output_format: str | None) -> None:
    """Show one run: summary, counters and problems.

    \b
    Example:
      synclog run nightly-7
    """
    with invocation.open_to_look() as workspace:
        found = get_run(workspace.view, run_id)
        problems = list_run_problems(workspace.view, run_id)
    chosen = chosen_format(output_format)
    if chosen is OutputFormat.TABLE:
        _show(found, problems)
    else:
        row = _with_problems(found, problems) if chosen is not OutputFormat.CSV else run_as_json(found)
        write_rows([row], chosen, columns=COLUMNS)


def _with_problems(found: Run, problems: list[Problem]) -> JsonObject:
    return run_as_json(found) | {"problems": [problem_as_json(problem) for problem in problems]}


def _show(found: Run, problems: list[Problem]) -> None:
    row = run_as_json(found)
    write_facts({name: row[name] for name in SUMMARY})
    click.echo()
    write_table([row], COUNTERS)
    if found.gone:
        click.echo(f"\n{gone_phrase(found)}")
    if found.unreadable:
        click.echo(f"\n{unreadable_phrase(found)}")
    if problems:
        click.echo()
        write_table([problem_as_json(problem) for problem in problems], PROBLEM_COLUMNS)
