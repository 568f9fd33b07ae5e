"""``synclog doctor``: one command that says whether all is well."""

import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta

import click
from click.core import ParameterSource
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from ingest.action import Status
from ingest.canary import CanaryDoor, Unreachable, Way
from ingest.errors import DeliveryFailed
from reports.wording import format_count, format_duration, plural, visible_text
from web.api.schemas import JsonObject
from web.canary import Findings, Plan, Sighting, fly, percentile
from web.check_up import check_data, check_server
from web.commands.invocation import Invocation
from web.commands.output import chosen_format, format_option, write_rows

CHECK_COLUMNS = ("check", "status", "message")
CANARY_COLUMNS = ("way", "actions", "missing", "doubled", "late", "p50_ms", "p95_ms", "p99_ms", "max_ms")
CANARY_ONLY = ("seconds", "rate", "batch", "late")
LARGEST_BATCH = 1000
NAMED = 5
"""Actions named in a sentence about many."""

PLACES: dict[str, str] = {
    Way.RUN_ACTIONS: "in the run's actions of the API",
    Way.RUN_PAGE: "on the run's page",
    Way.SEARCH: "in the search across runs",
    Way.SQL: "in SQL",
}


@click.command()
@click.option("--canary", is_flag=True, help="Write marked actions and read them back by every way.")
@click.option("--url", help="Of a running server.  [default: --canary starts one of its own]", show_envvar=True)
@click.option("--token", help="Of the server.", show_envvar=True, show_default=False)
@click.option("--seconds", type=click.FloatRange(min=0, min_open=True), default=30, help="How long the canary writes.")
@click.option("--rate", type=click.FloatRange(min=0, min_open=True), default=10, help="Requests it writes in a second.")
@click.option("--batch", type=click.IntRange(1, LARGEST_BATCH), default=1, help="Actions in a request.")
@click.option(
    "--late",
    type=click.FloatRange(min=0, min_open=True),
    default=1,
    help="Seconds after which an acknowledgement is late.",
)
@format_option
@click.pass_context
def doctor(
    ctx: click.Context,
    canary: bool,
    url: str | None,
    token: str | None,
    seconds: float,
    rate: float,
    batch: int,
    late: float,
    output_format: str | None,
) -> None:
    """Check that all is well; exit 1 when something is not.

    Looks at the data folder, the disk, the index and, with --url, a running server. With --canary, writes actions of
    the integration synclog-canary to the server, where they stay, and looks for each at once by the run's actions, the
    run's page, search and SQL: is one missing, doubled or late?

    \b
    Example:
      synclog doctor
      synclog doctor --canary --url http://127.0.0.1:8080
    """
    chosen = chosen_format(output_format)
    if not canary:
        _refuse_canary_options(ctx)
        checks = [*check_data(ctx.obj.settings()), *([check_server(url, token)] if url else [])]
        rows: list[JsonObject] = [
            {"check": each.name, "status": each.status, "message": each.message} for each in checks
        ]
        write_rows(rows, chosen, columns=CHECK_COLUMNS)
        wrong = [each.name for each in checks if each.status is Status.ERROR]
        click.echo(f"not well: {', '.join(wrong)}" if wrong else "all is well", err=True)
        ctx.exit(1 if wrong else 0)
    plan = Plan(seconds=seconds, rate=rate, batch=batch, late_seconds=late)
    with _server(ctx.obj, url) as address, CanaryDoor(address, token=token) as door:
        findings = _fly(door, plan)
    write_rows(_rows(findings, address), chosen, columns=CANARY_COLUMNS)
    for sentence in _sentences(findings):
        click.echo(sentence, err=True)
    ctx.exit(0 if findings.is_well else 1)


def _refuse_canary_options(ctx: click.Context) -> None:
    for name in CANARY_ONLY:
        if ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            raise click.UsageError(f"--{name} is for --canary")


@contextmanager
def _server(invocation: Invocation, url: str | None) -> Iterator[str]:
    """The server named, or one of our own over the data folder, on a free port, for as long as it is needed."""
    if url is not None:
        yield url
        return
    with invocation.open_existing() as workspace:
        data = workspace.settings.data
    given = ["--data", str(data), *(["--settings", str(invocation.settings_file)] if invocation.settings_file else [])]
    program = "from web.cli import main; main(prog_name='synclog')"
    command = [sys.executable, "-P", "-c", program, *given, "serve", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            address = process.stdout.readline().strip()
            if not address:
                raise DeliveryFailed("a server over the data folder did not start", hint="start one: synclog serve")
            click.echo(f"no --url: a server of its own over {data}, at {address}", err=True)
            yield address
        finally:
            process.terminate()


def _fly(door: CanaryDoor, plan: Plan) -> Findings:
    try:
        with _bar(plan.actions) as progress:
            return fly(door, plan, progress=progress)
    except Unreachable as error:
        raise DeliveryFailed(
            error.message, hint="start it with synclog serve, or leave --url out for a server of the canary's own"
        ) from error


@contextmanager
def _bar(actions: int) -> Iterator[Callable[[int], None]]:
    """Progress on stderr while it is a terminal; nothing otherwise."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda acknowledged: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("acknowledged", total=actions)
        yield lambda acknowledged: progress.advance(task, acknowledged)


def _rows(findings: Findings, url: str) -> list[JsonObject]:
    """A row a way; the counters of the run have no times."""
    about = {"run_id": findings.run_id, "url": url}
    rows: list[JsonObject] = [
        {
            "way": each.way,
            "actions": findings.acknowledged - len(each.missing),
            "missing": len(each.missing),
            "doubled": len(each.doubled),
            "late": len(each.late),
            "p50_ms": _milliseconds(each, 0.5),
            "p95_ms": _milliseconds(each, 0.95),
            "p99_ms": _milliseconds(each, 0.99),
            "max_ms": _milliseconds(each, 1),
            "error": each.blind,
            **{f"{name}_ids": list(getattr(each, name)) for name in ("missing", "doubled", "late")},
            **about,
        }
        for each in findings.all_sightings
    ]
    return [*rows, {**_counters(findings), **about}]


def _counters(findings: Findings) -> JsonObject:
    processed = findings.processed
    known = findings.acknowledged if processed is None else processed
    return {
        "way": "counters",
        "actions": processed,
        "missing": max(0, findings.acknowledged - known),
        "doubled": max(0, known - findings.written),
        "late": 0,
        **dict.fromkeys(("p50_ms", "p95_ms", "p99_ms", "max_ms")),
        "error": "the run's counters could not be read" if processed is None else None,
        "missing_ids": [],
        "doubled_ids": [],
        "late_ids": [],
    }


def _milliseconds(sighting: Sighting, share: float) -> float | None:
    seconds = percentile(sighting.seconds, share)
    return None if seconds is None else round(1000 * seconds, 1)


def _sentences(findings: Findings) -> Iterator[str]:
    """What happened, what of it is wrong, and whether all is well."""
    plan, troubles = findings.plan, findings.troubles
    yield (
        f"run {findings.run_id}: {format_count(findings.acknowledged)} of {plural(plan.actions, 'action')} "
        f"acknowledged in {format_duration(timedelta(seconds=findings.seconds))}"
    )
    if findings.refused is not None:
        yield f"stopped early: {visible_text(findings.refused)}"
    elif findings.written < plan.actions:
        yield f"{plan.rate:g} requests a second were more than server or canary could do: the pace was slower"
    if troubles.told_to_wait:
        waited = format_duration(timedelta(seconds=troubles.waited_seconds))
        yield f"the server said {plural(troubles.told_to_wait, 'time')} to come again later, {waited} in all"
    for message, count in troubles.broken.most_common(NAMED):
        yield f"{plural(count, 'time')}: {visible_text(message)}"
    late = format_duration(timedelta(seconds=plan.late_seconds))
    yield from _about(findings.acknowledgement.late, f"acknowledged later than {late}")
    for each in findings.sightings:
        place = PLACES[each.way]
        yield from _about(each.missing, f"missing {place} though acknowledged")
        yield from _about(each.doubled, f"more than once {place}")
        yield from _about(each.late, f"late {place}: not there at the first look after the acknowledgement")
        if each.blind is not None:
            yield f"could not count what is {place}: {visible_text(each.blind)}"
    if not findings.counters_agree:
        counted = "nothing" if findings.processed is None else format_count(findings.processed)
        yield f"the run's counters say {counted}, and {plural(findings.acknowledged, 'action')} were acknowledged"
    yield "all is well: nothing missing, doubled or late" if findings.is_well else "not well"


def _about(source_ids: Sequence[str], trouble: str) -> Iterator[str]:
    if source_ids:
        named = ", ".join(source_ids[:NAMED]) + (", …" if len(source_ids) > NAMED else "")
        yield f"{plural(len(source_ids), 'action')} {trouble}: {named}"
