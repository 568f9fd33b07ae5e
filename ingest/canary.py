"""Marked actions through a server's front door, and the same actions by every way the server shows them.

Nothing is tried again in here: the canary hears of every answer, also of those that a RemoteRecorder rides out without
a word. What is looked for is looked for by the time it happened, so that a look costs the server few batches however
large its lake is.
"""

import json
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from html.parser import HTMLParser
from typing import Any, Self

import httpx

from ingest.client import DIRECT, TRY_AGAIN, json_of, seconds_to_wait, words_of_trouble
from ingest.errors import DeliveryFailed

INTEGRATION = "synclog-canary"
TRIGGER = "CANARY"
PAGE = 1000
SQL_ROWS = 1_000_000
TIMEOUT = httpx.Timeout(30.0, connect=5.0)

_SQL = """
select source_id, count(*) as copies
from actions
where run_id = $run_id and happened_at between cast($since as timestamptz) and cast($until as timestamptz)
group by source_id
"""


class Unreachable(DeliveryFailed):
    """No answer: nobody listens, or the connection broke."""


class ToldToWait(DeliveryFailed):
    """An answer that asks to come again later."""

    def __init__(self, message: str, *, seconds: float) -> None:
        super().__init__(message)
        self.seconds = seconds


class Way(StrEnum):
    """How an action can be seen."""

    RUN_ACTIONS = "run actions"
    RUN_PAGE = "run page"
    SEARCH = "search"
    SQL = "sql"


@dataclass(frozen=True, slots=True, kw_only=True)
class Marked:
    """The actions of one request; each has a source id that nothing else has."""

    run_id: str
    source_ids: tuple[str, ...]
    happened_at: datetime
    idempotency_key: str = field(default_factory=lambda: str(uuid.uuid4()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Where to look: a run, and from when to when, both included."""

    run_id: str
    since: datetime
    until: datetime

    @classmethod
    def of(cls, requests: Iterable[Marked]) -> Self:
        """The smallest window with all of these, which are of one run."""
        known = list(requests)
        moments = [marked.happened_at for marked in known]
        return cls(run_id=known[0].run_id, since=min(moments), until=max(moments))


class CanaryDoor:
    """The server at ``url``. Safe for many threads; every method raises DeliveryFailed."""

    def __init__(self, url: str, *, token: str | None = None) -> None:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        try:
            self._http = httpx.Client(base_url=url, headers=headers, timeout=TIMEOUT, mounts=DIRECT)
        except (httpx.InvalidURL, ValueError) as error:
            raise DeliveryFailed(f"{url} is not the address of a server: {error}") from error
        self.url = url
        self._looks: Mapping[Way, Callable[[Window], Counter[str]]] = {
            Way.RUN_ACTIONS: self._look_at_run_actions,
            Way.RUN_PAGE: self._look_at_run_page,
            Way.SEARCH: self._look_by_search,
            Way.SQL: self._look_by_sql,
        }

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def require_ready(self) -> None:
        """The server says of itself that it can take actions."""
        self._ask("GET", "/readyz")

    def announce(self, run_id: str, *, expected: int) -> None:
        announcement = {"run_id": run_id, "integration": INTEGRATION, "trigger": TRIGGER, "expected": expected}
        self._ask("POST", "/api/v1/runs", json=announcement)

    def write(self, marked: Marked) -> float:
        """Write the actions of one request. How many seconds the acknowledgement took."""
        lines = [_line(marked, source_id) for source_id in marked.source_ids]
        headers = {"Content-Type": "application/x-ndjson", "Idempotency-Key": marked.idempotency_key}
        begun = time.monotonic()
        answer = self._ask("POST", "/api/v1/actions", content="".join(lines).encode(), headers=headers)
        seconds = time.monotonic() - begun
        accepted = json_of(answer).get("accepted")
        if accepted != len(lines):
            raise DeliveryFailed(f"{self.url} says it accepted {accepted} of {len(lines)} actions")
        return seconds

    def finish(self, run_id: str, *, processed: int) -> None:
        self._ask("PATCH", f"/api/v1/runs/{run_id}", json={"progress": "FINISHED", "claimed": {"processed": processed}})

    def count_processed(self, run_id: str) -> int:
        """What the run's counters say."""
        processed = json_of(self._ask("GET", f"/api/v1/runs/{run_id}")).get("processed")
        if not isinstance(processed, int):
            raise self._unlike_synclog()
        return processed

    def look(self, way: Way, window: Window) -> Counter[str]:
        """Which source ids a way shows in a window, and how many times each."""
        return self._looks[way](window)

    def _look_at_run_actions(self, window: Window) -> Counter[str]:
        return self._list(f"/api/v1/runs/{window.run_id}/actions", _between(window))

    def _look_by_search(self, window: Window) -> Counter[str]:
        return self._list("/api/v1/actions", {"q": window.run_id, "match": "words", **_between(window)})

    def _look_at_run_page(self, window: Window) -> Counter[str]:
        """The rows as a person would count them, page after page."""
        found: Counter[str] = Counter()
        address: str | None = f"/runs/{window.run_id}"
        parameters: dict[str, str] | None = _between(window)
        while address is not None:
            page = _ActionRows()
            page.feed(self._ask("GET", address, params=parameters, headers={"Accept": "text/html"}).text)
            found.update(page.sources)
            address, parameters = page.next_address, None
        return found

    def _look_by_sql(self, window: Window) -> Counter[str]:
        parameters = {"run_id": window.run_id, "since": _spelled(window.since), "until": _spelled(window.until)}
        statement = {"sql": _SQL, "parameters": parameters, "limit": SQL_ROWS}
        body = json_of(self._ask("POST", "/api/v1/sql", json=statement))
        return Counter({row["source_id"]: row["copies"] for row in self._rows_of(body, "rows")})

    def _list(self, path: str, parameters: dict[str, str]) -> Counter[str]:
        found: Counter[str] = Counter()
        following: dict[str, str] = {}
        while True:
            body = json_of(self._ask("GET", path, params={**parameters, **following}))
            found.update(item["source_id"] for item in self._rows_of(body, "items"))
            if not (cursor := body.get("next_cursor")):
                return found
            following = {"cursor": cursor}

    def _rows_of(self, body: dict[str, Any], name: str) -> list[dict[str, Any]]:  # JSON of a server
        rows = body.get(name)
        if not isinstance(rows, list):
            raise self._unlike_synclog()
        return rows

    def _unlike_synclog(self) -> DeliveryFailed:
        return DeliveryFailed(f"{self.url} does not answer as synclog does", hint="is it the address of synclog?")

    def _ask(self, method: str, address: str, **request: Any) -> httpx.Response:  # as httpx takes it
        try:
            response = self._http.request(method, address, **request)
        except httpx.UnsupportedProtocol as error:
            raise DeliveryFailed(f"{self.url} is not the address of a server: {error}") from error
        except httpx.TransportError as error:
            raise Unreachable(f"cannot reach {self.url}: {error or type(error).__name__}") from error
        if response.status_code in TRY_AGAIN:
            seconds = seconds_to_wait(1, response.headers.get("Retry-After"))
            raise ToldToWait(words_of_trouble(response, self.url), seconds=seconds)
        if not response.is_success:
            raise DeliveryFailed(words_of_trouble(response, self.url))
        return response


class _ActionRows(HTMLParser):
    """The sources in the rows of a run's page, and where its next page is."""

    def __init__(self) -> None:
        super().__init__()
        self.sources: list[str] = []
        self.next_address: str | None = None
        self._in_row = False
        self._cell: list[str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = dict(attrs)
        if tag == "tr":
            self._in_row = said.get("class") == "action"
        elif tag == "td" and self._in_row and said.get("data-label") == "Source":
            self._cell = []
        elif tag == "a" and said.get("rel") == "next":
            self.next_address = said.get("href")

    def handle_endtag(self, tag: str) -> None:
        if tag == "td" and self._cell is not None:
            self.sources.append("".join(self._cell).strip())
            self._cell = None

    def handle_data(self, data: str) -> None:
        if self._cell is not None:
            self._cell.append(data)


def _line(marked: Marked, source_id: str) -> str:
    action = {
        "run_id": marked.run_id,
        "integration": INTEGRATION,
        "trigger": TRIGGER,
        "happened_at": _spelled(marked.happened_at),
        "operation": "NONE",
        "status": "OK",
        "source_id": source_id,
        "message": f"written by synclog doctor in {marked.run_id} to see whether it arrives",
    }
    return json.dumps(action) + "\n"


def _between(window: Window) -> dict[str, str]:
    """The window for the API, whose ``until`` is the first moment that no longer counts."""
    until = window.until + timedelta(microseconds=1)
    return {"since": _spelled(window.since), "until": _spelled(until), "limit": str(PAGE)}


def _spelled(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
