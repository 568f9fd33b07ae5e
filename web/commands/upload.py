"""``synclog upload``: files into the lake, or to a server.

Every file is a request of its own with an idempotency key made of its content, so that an upload which was cut off can
simply be done again. One file that cannot be read does not stop the others.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, replace
from typing import BinaryIO, Protocol

import click
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from ingest.client import RemoteRecorder
from ingest.errors import IdempotencyKeyReused, InvalidInput, SynclogError
from ingest.inputs import FORMATS, PROTOCOLS
from ingest.recorder import LineDefaults, Receipt
from reports.wording import visible_text
from web.api.actions import KEY_LIMIT, read_mapping
from web.api.schemas import JsonObject
from web.commands.invocation import Invocation
from web.commands.output import chosen_format, format_option, write_rows
from web.commands.sources import (
    STANDARD_INPUT,
    key_for,
    list_sources,
    look_at,
    open_source,
    run_id_for,
    size_of,
    unpacked,
    watched,
)

COLUMNS = ("file", "run_id", "accepted", "refused", "note")
INPUTS = ("auto", *FORMATS, *PROTOCOLS)
ALREADY = "already recorded"


class Door(Protocol):
    """What takes a body in: the recorder of a folder here, or of a server."""

    def __call__(
        self, raw: BinaryIO, input_name: str, *, defaults: LineDefaults, idempotency_key: str, source: str
    ) -> Receipt: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What the options say of every file."""

    input_name: str | None
    defaults: LineDefaults
    mapping: Mapping[str, str]
    atomic: bool
    idempotency_key: str | None


@click.command()
@click.argument("sources", metavar="FILE...", nargs=-1, required=True)
@click.option("--input", "input_name", type=click.Choice(INPUTS), default="auto", help="What the files hold.")
@click.option("--integration", help="For lines that do not name one.")
@click.option("--configuration", help="For lines that do not name one.")
@click.option("--run-id", help="For lines that do not name one.  [default: file name and content hash]")
@click.option("--trigger", help="For lines that do not name one.")
@click.option("--map", "pairs", metavar="FIELD=COLUMN", multiple=True, help="Which column is which field; repeatable.")
@click.option("--atomic", is_flag=True, help="Take all lines of a file or none.")
@click.option("--idempotency-key", help="For one file.  [default: made of its content]")
@click.option("--url", help="Send to this server instead of the data folder.", show_envvar=True)
@click.option("--token", help="Of the server.", show_envvar=True, show_default=False)
@format_option
@click.pass_context
def upload(
    ctx: click.Context,
    sources: tuple[str, ...],
    input_name: str,
    integration: str | None,
    configuration: str | None,
    run_id: str | None,
    trigger: str | None,
    pairs: tuple[str, ...],
    atomic: bool,
    idempotency_key: str | None,
    url: str | None,
    token: str | None,
    output_format: str | None,
) -> None:
    """Record files, folders, globs, or - for standard input; .gz and .zst are unpacked.

    Prints how much of each run was accepted. Refused lines go to stderr with their reasons, and the exit code is 1.

    \b
    Example:
      synclog upload logs/*.ndjson.gz --integration servicenow --configuration prod
      zcat nightly.csv.gz | synclog upload - --map source_id=sys_id --url http://127.0.0.1:8080
    """
    files = list_sources(sources)
    wishes = Wishes(
        input_name=None if input_name == "auto" else input_name,
        defaults=LineDefaults(run_id=run_id, integration=integration, configuration=configuration, trigger=trigger),
        mapping=_mapping_of(pairs),
        atomic=atomic,
        idempotency_key=_key_of(idempotency_key, files),
    )
    with ExitStack() as stack:
        door = stack.enter_context(_door(ctx.obj, wishes, url=url, token=token))
        bar = stack.enter_context(_bar())
        done = [row for file in files for row in _upload(file, wishes, door, bar)]
    write_rows(done, chosen_format(output_format), columns=COLUMNS)
    if any(row["refused"] or row["accepted"] is None for row in done):
        ctx.exit(1)


def _upload(source: str, wishes: Wishes, door: Door, bar: "Bar") -> list[JsonObject]:
    """Record one file; trouble with it is said and becomes a row."""
    try:
        with open_source(source) as raw, bar.file(source) as advance:
            known = look_at(raw, source, wishes.input_name)
            # The log of a tool tells its runs apart; naming it would make them one.
            named = wishes.defaults.run_id or known.input_name in PROTOCOLS
            run_id = wishes.defaults.run_id if named else run_id_for(source, known.content_hash)
            receipt = door(
                watched(raw, advance),
                known.input_name,
                defaults=replace(wishes.defaults, run_id=run_id),
                idempotency_key=wishes.idempotency_key or key_for(known.content_hash, wishes.defaults.run_id),
                source=source,
            )
    except IdempotencyKeyReused:
        return [
            _failed(
                source,
                "it was recorded before, under another name or with other options; --run-id makes it another run",
            )
        ]
    except SynclogError as error:
        return [_failed(source, error.message + (f" ({error.hint})" if error.hint else ""))]
    except OSError as error:
        return [_failed(source, error.strerror or str(error))]
    _say_refused(source, receipt)
    return _rows(source, receipt)


@contextmanager
def _door(invocation: Invocation, wishes: Wishes, *, url: str | None, token: str | None) -> Iterator[Door]:
    if url is not None:
        with RemoteRecorder(url, token=token) as remote:

            def send(
                raw: BinaryIO, input_name: str, *, defaults: LineDefaults, idempotency_key: str, source: str
            ) -> Receipt:
                return remote.record(
                    raw,
                    input_name,
                    defaults=defaults,
                    mapping=wishes.mapping,
                    idempotency_key=idempotency_key,
                    atomic=wishes.atomic,
                )

            yield send
        return
    with invocation.open() as workspace:

        def record(
            raw: BinaryIO, input_name: str, *, defaults: LineDefaults, idempotency_key: str, source: str
        ) -> Receipt:
            return workspace.recorder.record(
                unpacked(raw),
                input_name,
                defaults=defaults,
                mapping=wishes.mapping,
                idempotency_key=idempotency_key,
                atomic=wishes.atomic,
                source=source,
            )

        yield record


def _rows(source: str, receipt: Receipt) -> list[JsonObject]:
    """A row a run; lines that were refused before their run was known have a row without one."""
    refused = Counter(reject.run_id for reject in receipt.rejects)
    refused[None] += receipt.rejected - len(receipt.rejects)
    accepted = {run.run_id: run.accepted for run in receipt.runs}
    if len(accepted) == 1:
        refused = Counter({next(iter(accepted)): receipt.rejected})
    note = ALREADY if receipt.repeated else ""
    runs = [*accepted, *(run_id for run_id, count in refused.items() if count and run_id not in accepted)] or [None]
    return [
        {
            "file": source,
            "run_id": run_id,
            "accepted": accepted.get(run_id, 0) if run_id is not None else 0,
            "refused": refused[run_id],
            "note": note,
        }
        for run_id in runs
    ]


def _failed(source: str, reason: str) -> JsonObject:
    click.echo(f"{source}: {reason}", err=True)
    return {"file": source, "run_id": None, "accepted": None, "refused": None, "note": reason}


def _say_refused(source: str, receipt: Receipt) -> None:
    for reject in receipt.rejects:
        place = f", {reject.field}" if reject.field else ""
        click.echo(f"{source} line {reject.line}{place}: {visible_text(reject.message)}", err=True)
    if receipt.rejected > len(receipt.rejects):
        click.echo(f"{source}: {receipt.rejected - len(receipt.rejects)} more refused; see synclog rejects", err=True)


def _mapping_of(pairs: tuple[str, ...]) -> Mapping[str, str]:
    try:
        return read_mapping(list(pairs))
    except InvalidInput as error:
        raise click.UsageError(f"--map {error.message}" + (f" ({error.hint})" if error.hint else "")) from error


def _key_of(key: str | None, files: list[str]) -> str | None:
    if key is not None and len(files) != 1:
        raise click.UsageError(f"--idempotency-key is for one file, and there are {len(files)}")
    if key is not None and not 0 < len(key) <= KEY_LIMIT:
        raise click.UsageError(f"--idempotency-key has 1 to {KEY_LIMIT} characters")
    return key


class Bar:
    """Progress on stderr while it is a terminal; nothing otherwise."""

    def __init__(self, progress: Progress | None) -> None:
        self._progress = progress

    @contextmanager
    def file(self, source: str) -> Iterator[Callable[[int], None]]:
        if self._progress is None or source == STANDARD_INPUT:
            yield lambda size: None
            return
        progress, task = self._progress, self._progress.add_task(visible_text(source), total=size_of(source))
        yield lambda size: progress.advance(task, size)
        progress.remove_task(task)


@contextmanager
def _bar() -> Iterator[Bar]:
    console = Console(stderr=True)
    if not console.is_terminal:
        with nullcontext():
            yield Bar(None)
        return
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        yield Bar(progress)
