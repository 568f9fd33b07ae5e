"""What a server says over HTTP, held to what senders were told and to what is in the lake."""

import http.client
import io
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tests.crash.archive import Archive
from tests.crash.evidence import Evidence
from tests.crash.senders import APART, HOST, Sender

LONGEST_WAIT = 90.0  # seconds for anything that must come


def list_runs(port: int) -> list[dict[str, Any]]:
    """Every run with all the API says of it, by run id."""
    runs: list[dict[str, Any]] = []
    cursor = ""
    while True:
        page = json.loads(ask(port, f"/api/v1/runs?limit=500{cursor}"))
        runs += page["items"]
        if page["next_cursor"] is None:
            return sorted(runs, key=lambda run: str(run["run_id"]))
        cursor = f"&cursor={quote(page['next_cursor'])}"


def wrong_totals(runs: Sequence[dict[str, Any]], evidence: Evidence, archive: Archive) -> list[str]:
    """Runs whose total is not the number of their rows; in the archive those count that retention took away as well."""
    totals = evidence.rows | Counter({archive.run_id: archive.accepted})
    told = Counter({run["run_id"]: run["processed"] for run in runs})
    return [
        f"{run_id}: told {told[run_id]}, there are {totals[run_id]}"
        for run_id in sorted(told.keys() | totals.keys())
        if told[run_id] != totals[run_id]
    ]


def wrong_removals(runs: Sequence[dict[str, Any]], evidence: Evidence) -> list[str]:
    """Runs that do not say how many of their rows retention took away."""
    return [
        f"{run['run_id']}: {run['gone']} of {run['processed']} gone, it says; {evidence.rows[run['run_id']]} are there"
        for run in runs
        if run["processed"] - run["gone"] != evidence.rows[run["run_id"]]
    ]


def wrong_ends(runs: Sequence[dict[str, Any]], senders: Sequence[Sender]) -> list[str]:
    """Runs that were acknowledged as finished and are not what their sender said."""
    by_id = {run["run_id"]: run for run in runs}
    wrong = []
    for sender in senders:
        for run_id in {sender.run_id(request) for request in sender.acknowledged if sender.tells_runs}:
            run = by_id.get(run_id, {})
            said = (run.get("progress"), run.get("expected"), run.get("claimed"), run.get("updates"))
            if said != ("FINISHED", sender.accepted, {"processed": sender.accepted}, sender.accepted):
                wrong.append(f"{run_id}: {said}")
    return wrong


def wrong_rows(port: int, evidence: Evidence, numbers: Mapping[str, int]) -> list[str]:
    """Runs of which the API gives other actions than are in the lake. ``numbers`` are those of senders, by run."""
    wrong = []
    for run_id, number in numbers.items():
        if not evidence.rows[run_id]:
            continue
        table = pq.read_table(io.BytesIO(ask(port, f"/api/v1/runs/{run_id}/actions.parquet")))
        given = np.sort(table["source_id"].cast(pa.int64()).to_numpy())
        if not np.array_equal(given, np.sort(evidence.actions[evidence.actions // APART == number])):
            wrong.append(f"{run_id}: the API gives other actions than are in the lake")
    return wrong


def ask(port: int, path: str) -> bytes:
    connection = http.client.HTTPConnection(HOST, port, timeout=LONGEST_WAIT)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        body = response.read()
    finally:
        connection.close()
    if response.status != 200:
        raise RuntimeError(f"{path}: {response.status} {body[:500]!r}")
    return body
