"""``synclog problems``: what fails, over all runs or in one."""

from datetime import UTC, datetime
from itertools import islice

import click

from ingest.action import Status, parse_status
from query.problem_list import DEFAULT_SORT, ProblemFilter, list_problems
from query.run_problems import RunProblem, list_known_problems
from query.runs import get_run
from web.api.problem_shapes import listed_problem_as_json, run_problem_as_json
from web.api.problems import EVERYTHING, OPEN, STATE_CHOICES, states_meant
from web.api.schemas import JsonObject
from web.commands.filters import INSTANT, WordType
from web.commands.invocation import Invocation
from web.commands.output import chosen_format, format_option, write_rows
from web.workspace import Workspace

COLUMNS = (
    *("state", "status", "cause", "integration", "configuration", "count", "records", "runs", "last_at"),
    *("problem_id", "template"),
)
RUN_COLUMNS = ("state", "status", "cause", "count", "records", "problem_id", "template", "note")


@click.command()
@click.argument("run_id", required=False)
@click.option("--integration", help="Of this integration.")
@click.option("--configuration", help="Of this configuration.")
@click.option(
    "--state",
    type=click.Choice([str(state) for state in STATE_CHOICES]),
    help=f"In this state, as of the latest runs.  [default: {OPEN}; of one run: {EVERYTHING}]",
)
@click.option("--class", "cause", help="Of this class: permission, configuration, data, network, program, other.")
@click.option("--status", type=WordType("status", parse_status), help="Whose worst action has this status.")
@click.option("--search", "text", help="With these words in message, code, note or ticket.")
@click.option("--since", type=INSTANT, help="Last seen at this time or later.")
@click.option("--until", type=INSTANT, help="First seen before this time.")
@click.option("--limit", type=click.IntRange(min=1), default=50, help="How many at most.")
@format_option
@click.pass_obj
def problems(
    invocation: Invocation,
    run_id: str | None,
    integration: str | None,
    configuration: str | None,
    state: str | None,
    cause: str | None,
    status: Status | None,
    text: str | None,
    since: datetime | None,
    until: datetime | None,
    limit: int,
    output_format: str | None,
) -> None:
    """List problems: failures that differ in names, ids, numbers and times only, each once.

    What is new comes first, what people have muted or expect comes last. With RUN_ID, those of one run, and where they
    stood when it had ended.

    \b
    Example: what is new, and what a run failed with
      synclog problems --state new
      synclog problems nightly-7
    """
    wanted = ProblemFilter(
        integration=integration,
        configuration=configuration,
        states=states_meant(state or (OPEN if run_id is None else EVERYTHING)),
        cause=cause,
        status=status,
        q=text,
        since=since,
        until=until,
    )
    with invocation.open_to_look() as workspace:
        rows = _of_all_runs(workspace, wanted) if run_id is None else _of_run(workspace, run_id, wanted)
        columns = COLUMNS if run_id is None else RUN_COLUMNS
        write_rows(islice(rows, limit), chosen_format(output_format), columns=columns)


def _of_all_runs(workspace: Workspace, wanted: ProblemFilter) -> list[JsonObject]:
    known = workspace.known(datetime.now(UTC))
    return [listed_problem_as_json(each) for each in list_problems(workspace.view, wanted, known, sort=DEFAULT_SORT)]


def _of_run(workspace: Workspace, run_id: str, wanted: ProblemFilter) -> list[JsonObject]:
    run = get_run(workspace.view, run_id)
    found = list_known_problems(workspace.view, run, workspace.known(datetime.now(UTC)))
    return [run_problem_as_json(each) for each in found.all if _is_wanted(each, wanted)]


def _is_wanted(each: RunProblem, wanted: ProblemFilter) -> bool:
    problem = each.problem
    said = f"{problem.template} {problem.example.message} {problem.example.code}".casefold()
    return (
        (not wanted.states or each.state in wanted.states)
        and wanted.cause in (None, each.cause.name)
        and wanted.status in (None, problem.status)
        and all(word in said for word in (wanted.q or "").casefold().split())
    )
