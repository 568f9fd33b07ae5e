"""``synclog report``: the troubleshooting report of a run as a file."""

import re
import sys
from datetime import UTC, datetime
from pathlib import Path

import click

from reports.html import render_run_report_html
from reports.pdf import render_run_report_pdf
from reports.run_report import RunReport, build_run_report
from web.commands.invocation import Invocation

FORMATS = ("pdf", "html")
_NOT_IN_NAMES = re.compile(r"[^\w.=@-]+")


@click.command()
@click.argument("run_id")
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, allow_dash=True, path_type=Path),
    help="Where to; - is standard output.  [default: RUN_ID.pdf here]",
)
@click.option(
    "--format",
    "report_format",
    type=click.Choice(FORMATS),
    help="What to write.  [default: what the name of the file says, else pdf]",
)
@click.pass_obj
def report(invocation: Invocation, run_id: str, output: Path | None, report_format: str | None) -> None:
    """Write the report of a run and print where it is.

    \b
    Example:
      synclog report nightly-7 -o nightly-7.pdf
    """
    chosen = report_format or _format_of(output)
    with invocation.open_to_look() as workspace:
        now = datetime.now(UTC)
        built = build_run_report(workspace.view, run_id, now=now, known=workspace.known(now))
        content = _render(built, chosen)
    if output == Path("-"):
        sys.stdout.buffer.write(content)
        return
    place = output or Path(f"{_NOT_IN_NAMES.sub('_', run_id)}.{chosen}")
    write_whole(place, content)
    click.echo(place)


def write_whole(place: Path, content: bytes) -> None:
    """A file that is complete or not there."""
    draft = place.with_name(f".{place.name}.part")
    try:
        draft.write_bytes(content)
        draft.replace(place)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise click.ClickException(f"cannot write {place}: {error.strerror}") from error


def _format_of(output: Path | None) -> str:
    suffix = output.suffix.lower().removeprefix(".") if output else ""
    if suffix == "htm":
        return "html"
    if suffix and suffix not in FORMATS:
        raise click.UsageError(f"no report is made as .{suffix}: use .pdf or .html, or say --format")
    return suffix or "pdf"


def _render(built: RunReport, chosen: str) -> bytes:
    return render_run_report_pdf(built) if chosen == "pdf" else render_run_report_html(built).encode()
