"""Sync actions of any number, the same for the same seed, made column by column.

The mix is that of nightly full synchronizations in their hundredth week: a run visits the records of its configuration,
in the order in which the source lists them, and finds most already right; a few per cent of the actions deserve a look,
and the failures are a handful of messages that differ in names and ids only.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

OPERATION_SHARES = {"NONE": 0.70, "UPDATE": 0.15, "CREATE": 0.10, "DELETE": 0.05}
STATUS_SHARES = {"OK": 0.96, "INFO": 0.02, "WARNING": 0.013, "ERROR": 0.007}

FIRST_RUN_AT = datetime(2026, 6, 1, 1, 0, tzinfo=UTC)
BETWEEN_RUNS = timedelta(hours=6)
RECORDS_A_WRITE = 100_000  # rows made at once: bounds memory, and a table of them holds any column

_ORIGINS = (  # integration, configuration, trigger, source type, target type
    ("servicenow", "prod", "FULL_SYNC_JOB", "cmdb_ci_business_app", "leanix.Application"),
    ("servicenow", "prod", "SERVICENOW_CHANGES", "cmdb_ci_server", "leanix.ITComponent"),
    ("signavio", "processes", "FULL_SYNC_MANUAL", "signavio.Process", "leanix.Process"),
    ("integration-api", "sap-landscape", "FULL_SYNC_JOB", "sap.System", "leanix.ITComponent"),
    ("rclone", "archive", "FULL_SYNC_JOB", "file", "s3.Object"),
)
_NOUNS = (
    "Payroll",
    "Billing",
    "Warehouse",
    "Claims",
    "Ledger",
    "Portal",
    "Archive",
    "Scheduler",
    "Gateway",
    "Registry",
)
_PLACES = ("Berlin", "Lyon", "Osaka", "Austin", "Turin", "Leeds", "Malmö", "Porto", "Gdańsk", "Quito")

# Before the record's name, between name and source id, after the id; the code; the HTTP status in the details.
_OK_MESSAGES = (
    ("Wrote lifecycle of '", "' from record ", "", None, None),
    ("Wrote 3 fields of '", "' (", ")", None, None),
    ("Linked '", "' to its owner, record ", "", None, None),
)
_TROUBLE_MESSAGES = {
    "INFO": (
        ("'", "' has no owner in the source, record ", "; left empty", "owner-missing", None),
        ("Kept manual change of '", "' over record ", "", "manual-change", None),
    ),
    "WARNING": (
        ("Description of '", "' (", ") cut at 4000 characters", "text-cut", None),
        ("Several candidates for '", "', took record ", "", "ambiguous-match", None),
        ("Slow answer for '", "' (", "), 12 s", "slow", None),
    ),
    "ERROR": (
        ("No permission to write '", "': record ", " belongs to another workspace", "403", 403),
        ("Mandatory field businessCriticality missing on '", "' (", ")", "422", 422),
        ("Conflict: '", "' was changed meanwhile, revision of ", " is stale", "409", 409),
        ("Target not reachable while writing '", "' (", "): timed out after 30 s", "504", 504),
    ),
}
_MESSAGES = _OK_MESSAGES + tuple(message for messages in _TROUBLE_MESSAGES.values() for message in messages)
_FIRST_MESSAGE = {"OK": 0, "INFO": 3, "WARNING": 5, "ERROR": 8}
_MESSAGES_OF = {"OK": 3, "INFO": 2, "WARNING": 3, "ERROR": 4}


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """How many actions of how many runs, about how many records at most: all configurations together."""

    actions: int
    runs: int = 500
    records: int = 400_000
    seed: int = 1

    def run_id(self, run: int) -> str:
        return f"bench-{self.seed}-{self.runs}-{run:05d}"


class Generator:
    """Makes the tables of a workload; the names and ids of its records are made once."""

    def __init__(self, workload: Workload) -> None:
        self.workload = workload
        numbers = np.arange(workload.records, dtype=np.uint64)
        mixed = (numbers * np.uint64(0x9E3779B97F4A7C15)) ^ np.uint64(workload.seed)
        self._names = pa.array(
            [f"{_NOUNS[n % 10]} {_PLACES[n // 10 % 10]} {n:06d}" for n in range(workload.records)], pa.string()
        )
        hexes = [f"{number:016x}" for number in mixed.tolist()]
        self._source_ids = pa.array([h + h[::-1] for h in hexes], pa.string())
        self._target_ids = pa.array([f"{h[:8]}-{h[8:12]}-4{h[12:15]}-8{h[1:4]}-{h[4:16]}" for h in hexes], pa.string())

    def tables(self, rows: int = RECORDS_A_WRITE) -> Iterator[pa.Table]:
        """The whole workload in order of runs, ``rows`` actions a table (the last may be shorter)."""
        for first in range(0, self.workload.actions, rows):
            yield self.table(first, min(rows, self.workload.actions - first))

    def table(self, first: int, rows: int) -> pa.Table:
        """Actions ``first`` to ``first + rows`` with the fields a sender says."""
        random = np.random.default_rng([self.workload.seed, first])
        run, place = self._runs(first, rows)
        origin = run % len(_ORIGINS)
        operation = _draw(random, OPERATION_SHARES, rows)
        status = _draw(random, STATUS_SHARES, rows)
        record = self._records(origin, place)
        said = _said(random, operation, status)
        names, source_ids = self._names.take(record), self._source_ids.take(record)
        return pa.table(
            {
                "run_id": self._run_ids().take(pa.array(run)),
                "integration": _origin(0).take(pa.array(origin)),
                "configuration": _origin(1).take(pa.array(origin)),
                "trigger": _origin(2).take(pa.array(origin)),
                "happened_at": _happened_at(run, place),
                "operation": pa.array(list(OPERATION_SHARES)).take(pa.array(operation)),
                "status": pa.array(list(STATUS_SHARES)).take(pa.array(status)),
                "source_type": _origin(3).take(pa.array(origin)),
                "source_id": source_ids,
                "source_name": names,
                "target_type": _origin(4).take(pa.array(origin)),
                "target_id": self._target_ids.take(record),
                "target_name": names,
                "code": pa.array([message[3] for message in _MESSAGES], pa.string()).take(said),
                "message": _messages(said, names, source_ids),
                "details": _details(random, said),
                "duration_ms": pa.array((random.gamma(2.0, 20.0, rows) + 1).astype(np.int64)),
            }
        )

    def _records(self, origin: np.ndarray, place: np.ndarray) -> pa.Array:
        """Which record each action is about: its configuration's next one, from the first again after the last."""
        share = self.workload.records // len(_ORIGINS)
        return pa.array((origin * share + place % share).astype(np.int32))

    def _runs(self, first: int, rows: int) -> tuple[np.ndarray, np.ndarray]:
        """Which run each action belongs to, and its place within that run."""
        index = np.arange(first, first + rows, dtype=np.int64)
        actions_a_run = -(-self.workload.actions // self.workload.runs)
        return index // actions_a_run, index % actions_a_run

    def _run_ids(self) -> pa.Array:
        return pa.array([self.workload.run_id(run) for run in range(self.workload.runs)])


def ndjson(table: pa.Table) -> bytes:
    """The table as NDJSON, by one string kernel: a null field is left out, ``details`` is already JSON."""
    pieces: list[str | pa.Array] = ["{"]
    for name in table.column_names:  # the first, the run id, is never null: the comma before it is cut off below
        pieces += _json_field(name, table[name].combine_chunks())
    pieces[1] = str(pieces[1]).removeprefix(",")
    return _text_of(pc.binary_join_element_wise(*_merged([*pieces, "}\n"]), ""))


def arrow_stream(table: pa.Table) -> bytes:
    """The table as one Arrow IPC stream of record batches of 64k rows."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table, max_chunksize=65_536)
    return sink.getvalue().to_pybytes()


def _draw(random: np.random.Generator, shares: dict[str, float], rows: int) -> np.ndarray:
    """Positions in ``shares``, drawn by their share."""
    limits = np.cumsum(list(shares.values()))
    return np.searchsorted(limits, random.random(rows) * limits[-1], side="right").astype(np.int8)


def _said(random: np.random.Generator, operation: np.ndarray, status: np.ndarray) -> pa.Array:
    """Which message each action has: none where a record was found already right and nothing is to be said."""
    firsts = np.array([_FIRST_MESSAGE[name] for name in STATUS_SHARES])[status]
    choices = np.array([_MESSAGES_OF[name] for name in STATUS_SHARES])[status]
    said = (firsts + random.integers(0, 1 << 30, len(status)) % choices).astype(np.int8)
    is_silent = (status == 0) & (operation == 0)
    return pa.array(said, mask=is_silent)


def _messages(said: pa.Array, names: pa.Array, source_ids: pa.Array) -> pa.Array:
    before, between, after = (pa.array([m[part] for m in _MESSAGES]).take(said) for part in range(3))
    return pc.binary_join_element_wise(before, names, between, source_ids, after, "")


def _details(random: np.random.Generator, said: pa.Array) -> pa.Array:
    """A JSON object for errors: what the target answered, and the number of the request."""
    http_status = pa.array([None if m[4] is None else str(m[4]) for m in _MESSAGES], pa.string()).take(said)
    request = pa.array(random.integers(10**9, 10**10, len(said))).cast(pa.string())
    return pc.binary_join_element_wise('{"http_status":', http_status, ',"request_id":"', request, '","attempt":2}', "")


def _origin(part: int) -> pa.Array:
    return pa.array([origin[part] for origin in _ORIGINS])


def _happened_at(run: np.ndarray, place: np.ndarray) -> pa.Array:
    start = int(FIRST_RUN_AT.timestamp() * 1_000_000)
    between_runs = int(BETWEEN_RUNS.total_seconds() * 1_000_000)
    return pa.array(start + run * between_runs + place * 1_700, pa.timestamp("us", tz="UTC"))


def _json_field(name: str, column: pa.Array) -> list[str | pa.Array]:
    """The pieces of ``,"name":value``; empty strings where the value is null."""
    is_quoted = pa.types.is_timestamp(column.type) or (pa.types.is_string(column.type) and name != "details")
    quote = '"' if is_quoted else ""
    if pa.types.is_timestamp(column.type):
        # The cast writes a space where RFC 3339 has a T, and is many times faster than strftime.
        column = pc.binary_replace_slice(column.cast(pa.timestamp("us")).cast(pa.string()), 10, 11, "T")
        quote_after = 'Z"'
    else:
        column, quote_after = column.cast(pa.string()), quote
    before = f',"{name}":{quote}'
    if column.null_count:
        return [pc.fill_null(pc.binary_join_element_wise(before, column, quote_after, ""), "")]
    return [before, column, quote_after]


def _merged(pieces: list[str | pa.Array]) -> list[str | pa.Array]:
    """Neighbouring constants made one."""
    merged: list[str | pa.Array] = []
    for piece in pieces:
        if isinstance(piece, str) and merged and isinstance(merged[-1], str):
            merged[-1] += piece
        else:
            merged.append(piece)
    return merged


def _text_of(strings: pa.Array) -> bytes:
    """The characters of all strings, one after the other, without an object for each."""
    _, offsets, data = strings.buffers()
    ends = np.frombuffer(offsets, dtype=np.int32)
    return data[int(ends[strings.offset]) : int(ends[strings.offset + len(strings)])].to_pybytes()
