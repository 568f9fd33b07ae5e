"""Raw rows to typed actions, and refusals with their reasons.

Two ways with one meaning. A table goes column by column, without an object per row, as far as its rows are clean; a
row that is not (a bad value, or ``details`` to be read) goes through :func:`normalise_object`, which knows how to
explain. A property test holds the two to the same answers.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ingest.action import Operation, Status, parse_operation, parse_status
from ingest.details import JSON_TEXT, join_details, merge_details, object_texts, objects_of
from ingest.formats import READABLE_LIMIT, RawBlock, Reject
from ingest.mapping import guess_columns
from ingest.run_id import check_run_id
from ingest.schema import ACTION_SCHEMA, SENT_FIELDS
from ingest.text_faults import fault_of
from ingest.timestamps import INSTANT, parse_timestamp, parse_timestamps

TEXT_FIELDS = tuple(
    name
    for name in SENT_FIELDS
    if name not in ("run_id", "happened_at", "operation", "status", "details", "duration_ms")
)
SENT_SCHEMA = pa.schema([ACTION_SCHEMA.field(name) for name in SENT_FIELDS])


@dataclass(frozen=True, slots=True, kw_only=True)
class LineDefaults:
    """What a request says for all lines that do not say it themselves."""

    run_id: str | None = None
    integration: str | None = None
    configuration: str | None = None
    trigger: str | None = None

    def of_field(self, name: str) -> str | None:
        value: str | None = getattr(self, name, None)
        return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Normalised:
    """Accepted actions in the order they came, and what was refused.

    They are a table of SENT_SCHEMA, or rows of it where a table would cost more than it saves: a request of a few
    lines waits for others, and all of them become one table.
    """

    actions: pa.Table | None = None
    rows: list[dict[str, Any]] = field(default_factory=list)  # values of the types of SENT_SCHEMA
    refused: list[Reject] = field(default_factory=list)


class Refusal(ValueError):
    """Why one row cannot be an action."""

    def __init__(self, field_name: str | None, code: str, message: str) -> None:
        super().__init__(message)
        self.field = field_name
        self.code = code


def normalise(block: RawBlock, defaults: LineDefaults, columns: Mapping[str, str], *, received_us: int) -> Normalised:
    """The actions of a block. ``columns`` maps our fields to the sender's columns where guessing is not enough."""
    refused = list(block.refused)
    tables: list[pa.Table] = []
    places: list[np.ndarray] = []
    objects = list(block.objects)
    if block.table is not None and block.is_tabular:
        guess_columns(block.table.column_names, columns)  # says so when a column asked for is not there
    if block.table is not None and block.table.num_rows and block.lines is not None:
        clean, lines, doubtful = _normalise_table(block.table, block.lines, defaults, columns, received_us)
        tables.append(clean)
        places.append(lines)
        objects.extend(doubtful)
    rows: list[dict[str, Any]] = []
    row_lines: list[int] = []
    # The keys of the table first: a line that is read on its own is understood like its neighbours.
    neighbours = dict.fromkeys(block.table.column_names) if block.table is not None else {}
    for line, value in objects:
        try:
            rows.append(
                normalise_object(
                    {**neighbours, **value} if neighbours else value, defaults, columns, received_us=received_us
                )
            )
            row_lines.append(line)
        except Refusal as refusal:
            refused.append(_reject(line, value, refusal, columns))
    refused.sort(key=lambda reject: reject.line)
    if not tables:
        return Normalised(rows=rows, refused=refused)
    if rows:
        tables.append(table_of(rows))
        places.append(np.array(row_lines, dtype=np.int64))
    return Normalised(actions=_in_line_order(tables, places), refused=refused)


def table_of(rows: list[dict[str, Any]]) -> pa.Table:
    """Rows from :func:`normalise_object` as a table of SENT_SCHEMA."""
    return pa.Table.from_pylist(rows, SENT_SCHEMA)


def normalise_object(
    value: Mapping[str, Any], defaults: LineDefaults, columns: Mapping[str, str], *, received_us: int
) -> dict[str, Any]:
    """One row of SENT_SCHEMA (``happened_at`` in microseconds). Raises Refusal."""
    sent, used = guessed_columns(tuple(value), tuple(columns.items()))
    raw = {name: value[column] for name, column in sent.items()}
    extras = {key: item for key, item in value.items() if key not in used and item is not None}
    row: dict[str, Any] = {name: _text(raw.get(name)) or defaults.of_field(name) for name in TEXT_FIELDS}
    if fault_of("".join(filter(None, row.values()))):
        raise _fault_in(row)
    row["run_id"] = _run_id(_text(raw.get("run_id")) or defaults.run_id)
    row["operation"] = _word("operation", raw.get("operation"), Operation.NONE, extras)
    row["status"] = _word("status", raw.get("status"), Status.OK, extras)
    if _absent(raw.get("operation")) and _absent(raw.get("status")) and row["message"] is None:
        raise Refusal(None, "empty-action", "a line needs at least one of operation, status and message")
    row["happened_at"] = received_us if _absent(raw.get("happened_at")) else _instant(raw["happened_at"])
    row["duration_ms"] = _duration(raw.get("duration_ms"))
    row["details"] = merge_details(raw.get("details"), extras)
    return row


@lru_cache(maxsize=256)
def guessed_columns(
    names: tuple[str, ...], explicit: tuple[tuple[str, str], ...]
) -> tuple[dict[str, str], frozenset[str]]:
    """Field to column for rows with these column names, and the columns used; remembered: most rows look alike."""
    present = {name: column for name, column in explicit if column in names}
    sent = guess_columns(names, present)
    return sent, frozenset(sent.values())


def _absent(value: object) -> bool:
    return value is None or value == ""


def _text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value or None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)
    return str(value)


def _fault_in(row: Mapping[str, str | None]) -> Refusal:
    name, fault = next((name, fault) for name, text in row.items() if text and (fault := fault_of(text)))
    return Refusal(name, "invalid-text", f"{name} {fault}")


def _run_id(text: str | None) -> str:
    if text is None:
        raise Refusal("run_id", "missing-run-id", "the line names no run, and neither does the request")
    fault = check_run_id(text)
    if fault:
        raise Refusal("run_id", "invalid-run-id", fault)
    return text


def _word(name: str, value: object, absent: Operation | Status, extras: dict[str, Any]) -> str:
    if _absent(value):
        return absent.value
    parse = parse_operation if name == "operation" else parse_status
    text = _text(value) or ""
    try:
        member, was_synonym = parse(text)
    except ValueError as error:
        raise Refusal(name, f"unknown-{name}", str(error)) from None
    if was_synonym:
        extras[name] = text
    return member.value


def _instant(value: object) -> int:
    try:
        return parse_timestamp(value)
    except ValueError as error:
        raise Refusal("happened_at", "invalid-time", str(error)) from None


def _duration(value: object) -> int | None:
    if _absent(value):
        return None
    try:
        milliseconds = round(float(value))  # type: ignore[arg-type]  # anything else raises what is caught below
    except (TypeError, ValueError, OverflowError):
        raise Refusal("duration_ms", "invalid-duration", f"{value!r:.40} is no number of milliseconds") from None
    if not 0 <= milliseconds < 2**53:
        raise Refusal("duration_ms", "invalid-duration", f"{milliseconds} ms is negative or endless")
    return milliseconds


def _reject(line: int, value: Mapping[str, Any], refusal: Refusal, columns: Mapping[str, str]) -> Reject:
    sent, _ = guessed_columns(tuple(value), tuple(columns.items()))
    run_id = _text(value.get(sent.get("run_id", "run_id")))
    return Reject(
        line=line,
        field=refusal.field,
        code=refusal.code,
        message=str(refusal),
        raw=_raw_text(value)[:READABLE_LIMIT],
        run_id=run_id if run_id is not None and not check_run_id(run_id) else None,
    )


def _raw_text(value: Mapping[str, Any]) -> str:
    """A row as JSON, which has no NaN and no Infinity: they become texts."""
    try:
        return json.dumps(value, ensure_ascii=False, default=str, allow_nan=False)
    except ValueError:
        return _raw_text(json.loads(json.dumps(value, default=str), parse_constant=str))


def _in_line_order(tables: list[pa.Table], places: list[np.ndarray]) -> pa.Table:
    if len(tables) == 1:
        return tables[0]
    order = np.argsort(np.concatenate(places), kind="stable")
    return pa.concat_tables(tables).take(pa.array(order))


def _normalise_table(
    table: pa.Table, lines: pa.Int64Array, defaults: LineDefaults, columns: Mapping[str, str], received_us: int
) -> tuple[pa.Table, np.ndarray, list[tuple[int, dict[str, Any]]]]:
    """The clean rows as a table with their lines, and the others as objects with theirs."""
    table = table.combine_chunks()
    sent, used = guessed_columns(tuple(table.column_names), tuple(columns.items()))
    raw = {name: _plain(table[column]) for name, column in sent.items()}
    reader = _ColumnReader(raw, table.num_rows, defaults)
    read = reader.read(received_us)
    beside = [(name, _plain(table[name])) for name in table.column_names if name not in used]
    read["details"] = reader.details([*beside, *reader.synonyms])
    actions = pa.table([read[name] for name in SENT_FIELDS], schema=SENT_SCHEMA)
    numbers = lines.to_numpy(zero_copy_only=False)
    if not reader.doubtful.any():
        return actions, numbers, []
    unclear = np.flatnonzero(reader.doubtful)
    objects = objects_of(table.take(pa.array(unclear)))
    kept = ~reader.doubtful
    return actions.filter(pa.array(kept)), numbers[kept], list(zip(numbers[unclear].tolist(), objects, strict=True))


def _plain(column: pa.ChunkedArray) -> pa.Array:
    """One array without dictionary, view or large types: later steps know only plain ones."""
    array = column.combine_chunks()
    if isinstance(array, pa.ChunkedArray):
        array = pa.concat_arrays(array.chunks) if array.num_chunks else pa.nulls(0, array.type)
    if pa.types.is_dictionary(array.type):
        array = array.cast(array.type.value_type)
    if pa.types.is_large_string(array.type) or pa.types.is_string_view(array.type):
        array = array.cast(pa.string())
    if pa.types.is_null(array.type):
        array = array.cast(pa.string())
    return array


class _ColumnReader:
    """Reads the raw columns of one table; ``doubtful`` marks the rows that need explaining."""

    def __init__(self, raw: Mapping[str, pa.Array], rows: int, defaults: LineDefaults) -> None:
        self.raw = raw
        self.rows = rows
        self.defaults = defaults
        self.doubtful = np.zeros(rows, dtype=bool)
        self.synonyms: list[tuple[str, pa.Array]] = []

    def read(self, received_us: int) -> dict[str, pa.Array]:
        read = {name: self._texts(name) for name in TEXT_FIELDS}
        for texts in read.values():
            self._doubt_zeros(texts)
        read["run_id"] = self._run_ids()
        read["operation"] = self._words("operation", Operation.NONE)
        read["status"] = self._words("status", Status.OK)
        read["happened_at"] = self._instants(received_us)
        read["duration_ms"] = self._durations()
        self._doubt_what_says_nothing(read["message"])
        return read

    def _texts(self, name: str) -> pa.Array:
        default = self.defaults.of_field(name)
        if name not in self.raw:
            return pa.repeat(pa.scalar(default, pa.string()), self.rows)
        texts = self._as_text(self.raw[name])
        if pc.any(pc.equal(texts, "")).as_py():
            texts = pc.if_else(pc.equal(texts, ""), pa.scalar(None, pa.string()), texts)
        return texts if default is None else pc.fill_null(texts, default)

    def _doubt_zeros(self, texts: pa.Array) -> None:
        """NUL characters; looking at all bytes at once is quicker than at each text."""
        data = texts.buffers()[2]
        if data is not None and not np.frombuffer(data, np.uint8).all():
            self._doubt(pc.match_substring(texts, "\0"))

    def _as_text(self, column: pa.Array) -> pa.Array:
        kind = column.type
        if kind == JSON_TEXT:
            return column.storage
        if pa.types.is_string(kind):
            return column
        if pa.types.is_boolean(kind) or pa.types.is_integer(kind):
            return column.cast(pa.string())
        return pa.array([_text(value) for value in column.to_pylist()], pa.string())

    def _run_ids(self) -> pa.Array:
        texts = self._texts("run_id").dictionary_encode()
        bad = [text for text in texts.dictionary.to_pylist() if check_run_id(text)]
        if bad:
            self._doubt(pc.is_in(texts.dictionary, pa.array(bad, pa.string())).take(texts.indices))
        self._doubt(texts.is_null())
        return texts.cast(pa.string())

    def _words(self, name: str, absent: Operation | Status) -> pa.Array:
        if name not in self.raw:
            return pa.repeat(pa.scalar(absent.value, pa.string()), self.rows)
        sent = self._texts(name).dictionary_encode()
        parse = parse_operation if name == "operation" else parse_status
        words: list[str | None] = []
        originals: list[str | None] = []
        for text in sent.dictionary.to_pylist():
            try:
                member, was_synonym = parse(text)
                words.append(member.value)
                originals.append(text if was_synonym else None)
            except ValueError:
                words.append(None)
                originals.append(None)
        meant = pa.array(words, pa.string()).take(sent.indices)
        self._doubt(pc.and_(meant.is_null(), sent.is_valid()))
        if any(originals):
            self.synonyms.append((name, pa.array(originals, pa.string()).take(sent.indices)))
        return meant.fill_null(absent.value)

    def _instants(self, received_us: int) -> pa.Array:
        received = pa.scalar(received_us, pa.int64()).cast(INSTANT)
        if "happened_at" not in self.raw:
            return pa.repeat(received, self.rows)
        column = self.raw["happened_at"]
        instants, unreadable = parse_timestamps(column.storage if column.type == JSON_TEXT else column)
        self.doubtful |= unreadable
        return instants.fill_null(received)

    def _durations(self) -> pa.Array:
        if "duration_ms" not in self.raw:
            return pa.nulls(self.rows, pa.int64())
        column = self.raw["duration_ms"]
        if column.type == JSON_TEXT:
            column = column.storage
        if pa.types.is_floating(column.type):
            column = pc.if_else(pc.is_finite(column), pc.round(column), pa.scalar(-1.0, column.type))
        try:
            durations = column.cast(pa.int64())
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            self._doubt(column.is_valid())
            return pa.nulls(self.rows, pa.int64())
        self._doubt(pc.or_(pc.less(durations, 0), pc.greater_equal(durations, 2**53)))
        return durations

    def _doubt_what_says_nothing(self, messages: pa.Array) -> None:
        something_said = messages.is_valid()
        for name in ("operation", "status"):
            if name in self.raw:
                something_said = pc.or_(something_said, self._texts(name).is_valid())
        self._doubt(pc.invert(something_said))

    def details(self, beside: list[tuple[str, pa.Array]]) -> pa.Array:
        """What stands beside our fields; objects that came as details, where nothing does, as they are."""
        joined = join_details(self.rows, beside)
        given = self.raw.get("details")
        if given is None:
            return joined
        if given.type != JSON_TEXT and not pa.types.is_string(given.type):
            self._doubt(given.is_valid())
            return joined
        text, is_object = object_texts(given)
        self._doubt(pc.and_(text.is_valid(), pc.or_(pc.invert(is_object), joined.is_valid())))
        return pc.coalesce(joined, text)

    def _doubt(self, mask: pa.Array) -> None:
        self.doubtful |= pc.fill_null(mask, False).to_numpy(zero_copy_only=False)
