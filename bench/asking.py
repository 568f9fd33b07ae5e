"""The questions of a workload, and how synclog is asked them: over HTTP, timed by its Server-Timing header."""

import json
import re
import threading
from collections.abc import Mapping, Sequence
from urllib.parse import quote

import numpy as np

from bench.generate import Generator, Workload
from bench.questions import PAGE_ROWS, Kind, Question, Told
from bench.server import Server

# Pieces of the generator's messages, none at the border of a word.
_PHRASES = (
    "nother workspac", "ssCriticality miss", "hanged meanwhil", "imed out after", "rote lifecycl", "o owner i",
    "ept manual chang", "t 4000 characte", "everal candidat", "low answer fo", "rote 3 field", "s owner, recor",
)  # fmt: skip

_STATUSES_SQL = "select run_id, status, count(*) as actions from actions group by run_id, status"
_PHRASE_SQL = "select count(*) as actions from actions where contains(message, $phrase)"
_MOST_ROWS = 100_000


def questions(workload: Workload, *, times: int) -> dict[Kind, list[Question]]:
    """``times`` questions of each kind, each for something else, where it is for something."""
    random = np.random.default_rng([workload.seed, 4711])
    table = Generator(workload).table(0, min(workload.actions, 100_000))
    places = random.choice(table.num_rows, size=2 * times, replace=False).tolist()
    ids = [table["source_id"][place].as_py() for place in places]
    names = [table["source_name"][place].as_py() for place in places[:times]]
    runs = random.choice(workload.runs, size=times, replace=workload.runs < times).tolist()
    return {
        Kind.RUNS: [Question(kind=Kind.RUNS)] * times,
        Kind.ERRORS: [Question(kind=Kind.ERRORS, text=workload.run_id(run)) for run in runs],
        Kind.RECORD: [Question(kind=Kind.RECORD, text=record_id) for record_id in ids[:times]],
        Kind.NAME: [Question(kind=Kind.NAME, text=name) for name in names],
        Kind.FRAGMENT: [Question(kind=Kind.FRAGMENT, text=record_id[7:19]) for record_id in ids[times:]],
        Kind.PHRASE: [Question(kind=Kind.PHRASE, text=_PHRASES[n % len(_PHRASES)]) for n in range(times)],
        Kind.STATUSES: [Question(kind=Kind.STATUSES)] * times,
    }


def ask_synclog(server: Server, question: Question) -> Told:
    """One question over HTTP; the time is that of the server. Raises RuntimeError with its words."""
    text = quote(question.text, safe="")
    match question.kind:
        case Kind.RUNS:
            return _page(server, f"/api/v1/runs?limit={PAGE_ROWS}")
        case Kind.ERRORS:
            return _page(server, f"/api/v1/runs/{text}/actions?status=ERROR&limit={PAGE_ROWS}")
        case Kind.RECORD:
            return _page(server, f"/api/v1/actions?record={text}&limit={PAGE_ROWS}")
        case Kind.NAME:
            return _page(server, f"/api/v1/actions?q={text}&match=words&limit={PAGE_ROWS}")
        case Kind.FRAGMENT:
            return _page(server, f"/api/v1/actions?q={text}&match=substring&limit={PAGE_ROWS}")
        case Kind.PHRASE:
            milliseconds, rows = _sql(server, _PHRASE_SQL, {"phrase": question.text})
            return Told(milliseconds=milliseconds, number=rows[0]["actions"])
        case Kind.STATUSES:
            milliseconds, rows = _sql(server, _STATUSES_SQL, {})
            return Told(milliseconds=milliseconds, number=len(rows))


def page_milliseconds(server: Server, path: str) -> float:
    """What a page cost the server."""
    return _ask(server, "GET", path)[0]


def _page(server: Server, path: str) -> Told:
    milliseconds, body = _ask(server, "GET", path)
    return Told(milliseconds=milliseconds, number=len(json.loads(body)["items"]))


PAUSE_SECONDS = 0.5
"""Between two statements, as people make it: meanwhile the server has a process for the next one ready."""


def _sql(server: Server, sql: str, parameters: Mapping[str, str]) -> tuple[float, Sequence[Mapping[str, int]]]:
    threading.Event().wait(PAUSE_SECONDS)
    body = json.dumps({"sql": sql, "parameters": parameters or None, "limit": _MOST_ROWS}).encode()
    milliseconds, answer = _ask(server, "POST", "/api/v1/sql", body)
    return milliseconds, json.loads(answer)["rows"]


def _ask(server: Server, method: str, path: str, body: bytes | None = None) -> tuple[float, bytes]:
    answer = server.ask(method, path, body=body, headers={} if body is None else {"Content-Type": "application/json"})
    if answer.status != 200:
        raise RuntimeError(f"{path}: {answer.status} {answer.body[:500].decode(errors='replace')}")
    found = re.search(r"dur=([\d.]+)", answer.headers["server-timing"])
    if found is None:
        raise RuntimeError(f"{path}: no time in {answer.headers['server-timing']!r}")
    return float(found[1]), answer.body
