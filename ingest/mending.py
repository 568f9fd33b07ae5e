"""Refused lines made right: what a person says to do with them, and what each becomes.

Pure: a kept reject and a mend in, an action line or the reason why not out. What can be mended is a line that was read
as an object, of which all is there; for the rest its text alone does not say which value is which field.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from ingest.details import merge_details
from ingest.formats import READABLE_LIMIT
from ingest.formats.ndjson import read_object
from ingest.inputs import PROTOCOLS
from ingest.normalise import LineDefaults, Refusal, guessed_columns, normalise_object
from ingest.timestamps import from_microseconds, to_microseconds

CLAIM = "reject "
"""What the idempotency key of a replay begins with; the id of the reject follows."""
REPLAYED = "replayed"
"""The code of a row that says which reject was replayed, and the key of its id in the details of the action."""
_GIVEN = ("run_id", "integration", "configuration", "trigger")


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptReject:
    """A refused line as the lake has it; ``given`` is what its request said for all lines, empty where unknown."""

    given: Mapping[str, Any] = field(default_factory=dict)  # JSON values
    batch_id: str
    row: int
    received_at: datetime
    source: str | None
    run_id: str | None
    line: int | None
    field: str | None
    code: str
    message: str
    raw: str | None

    @property
    def reject_id(self) -> str:
        return f"{self.batch_id}.{self.row}"

    @property
    def claim(self) -> str:
        """The idempotency key that its replay takes."""
        return f"{CLAIM}{self.reject_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mend:
    """What to do with refused lines before they are recorded.

    ``columns``: our field to the sender's column. ``words``: field to what stands there, in any case, to what is meant;
    an empty text means nothing is said. ``time_format``: how ``happened_at`` is written, as strptime has it; without a
    zone UTC. ``missing``: field to what counts where the line says nothing.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    words: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    time_format: str | None = None
    missing: Mapping[str, str] = field(default_factory=dict)

    def as_json(self) -> str:
        said = {"map": self.columns, "value": self.words, "time_format": self.time_format, "default": self.missing}
        return json.dumps({name: value for name, value in said.items() if value}, ensure_ascii=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mended:
    """What becomes of a reject: an action line and how it is understood, or why it is still refused."""

    reject: KeptReject
    line: Mapping[str, Any] | None = None  # JSON values
    action: Mapping[str, Any] | None = None  # values of the types of the lake
    field: str | None = None
    reason: str | None = None

    @property
    def happened_at(self) -> datetime | None:
        return None if self.action is None else from_microseconds(self.action["happened_at"])


def mend(reject: KeptReject, with_: Mend) -> Mended:
    """What becomes of a reject."""
    try:
        line = _mended_line(_sent_object(reject), reject, with_)
        received_us = to_microseconds(reject.received_at)
        action = normalise_object(line, LineDefaults(), {}, received_us=received_us)
    except Refusal as refusal:
        return Mended(reject=reject, field=refusal.field, reason=str(refusal))
    return Mended(reject=reject, line=_line_of(action), action=action)


def sent_object(reject: KeptReject) -> Mapping[str, Any] | None:
    """The object a reject was read as; None where there is none."""
    try:
        return _sent_object(reject)
    except Refusal:
        return None


def understood_columns(reject: KeptReject, sent: Mapping[str, Any], with_: Mend) -> Mapping[str, str]:
    """Field to column, as guessed and as said."""
    said = {**reject.given.get("map", {}), **with_.columns}
    taken = {field_name: column for field_name, column in said.items() if column in sent}
    return guessed_columns(tuple(sent), tuple(_without_doubles(taken, with_).items()))[0]


def _sent_object(reject: KeptReject) -> Mapping[str, Any]:
    if reject.given.get("input") in PROTOCOLS:
        name = reject.given["input"]
        raise _cannot(f"a line of a log of {name} means nothing without the others: upload the log again")
    if reject.raw is None:
        raise _cannot("its text was not kept: send it again")
    try:
        return read_object(reject.raw.encode())
    except ValueError as error:
        if len(reject.raw) >= READABLE_LIMIT:
            raise _cannot(f"only its first {READABLE_LIMIT:,} characters were kept: send it again") from None
        if reject.given.get("input") == "csv":
            raise _cannot("which cell of the row is which field cannot be told") from None
        raise _cannot(f"it cannot be read: {error}") from None


def _line_of(action: Mapping[str, Any]) -> dict[str, Any]:
    """The line that reads as this action and as no other."""
    line = {name: value for name, value in action.items() if value is not None}
    details = {} if action["details"] is None else {"details": json.loads(action["details"])}
    return {**line, **details, "happened_at": from_microseconds(action["happened_at"]).isoformat()}


def _mended_line(sent: Mapping[str, Any], reject: KeptReject, with_: Mend) -> dict[str, Any]:
    columns = understood_columns(reject, sent, with_)
    used = set(columns.values())
    line = {name: sent[column] for name, column in columns.items()}
    beside = {key: value for key, value in sent.items() if key not in used and value is not None}
    for name, words in with_.words.items():
        if (said := line.get(name)) is not None and (meant := _meant(said, words)) is not None:
            beside.setdefault(name, said)
            line[name] = meant
    if with_.time_format is not None and isinstance(line.get("happened_at"), str):
        line["happened_at"] = _read_time(line["happened_at"], with_.time_format)
    given = {name: reject.given[name] for name in _GIVEN if name in reject.given}
    for name, value in {**({"run_id": reject.run_id} if reject.run_id else {}), **given, **with_.missing}.items():
        if line.get(name) in (None, ""):
            line[name] = value
    if line.get("happened_at") in (None, ""):
        line["happened_at"] = reject.received_at.isoformat()
    details = merge_details(line.get("details"), {**beside, REPLAYED: reject.reject_id})
    return {**line, "details": None if details is None else json.loads(details)}


def _meant(said: object, words: Mapping[str, str]) -> str | None:
    text = said if isinstance(said, str) else json.dumps(said)
    wanted = text.strip().casefold()
    return next((meant for word, meant in words.items() if word.strip().casefold() == wanted), None)


def _read_time(text: str, time_format: str) -> str:
    """As RFC 3339; what is not written so is left as it is."""
    try:
        moment = datetime.strptime(text.strip(), time_format)  # noqa: DTZ007 - its zone is looked at below
    except ValueError:
        return text
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).isoformat()


def _without_doubles(columns: Mapping[str, str], with_: Mend) -> dict[str, str]:
    """A column for one field each: what is said now goes before what the request had said."""
    by_column = {column: name for name, column in columns.items() if name not in with_.columns}
    by_column |= {column: name for name, column in columns.items() if name in with_.columns}
    return {name: column for column, name in by_column.items()}


def _cannot(reason: str) -> Refusal:
    return Refusal(None, "not-replayable", reason)
