"""The front door over HTTP: what a Recorder does, done by a synclog server somewhere else.

A body is sent again, with the same idempotency key, until the server has answered or patience is over; then
DeliveryFailed is raised. Nothing is ever dropped in the background: either a receipt comes back or an error does.
"""

import json
import random
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import IO, Any, Self

import httpx

from ingest.errors import DeliveryFailed
from ingest.formats import Reject
from ingest.normalise import LineDefaults
from ingest.receipt import Receipt, RunReceipt

TRY_AGAIN = frozenset((429, 502, 503, 504))
ATTEMPTS = 8
FIRST_WAIT_SECONDS = 0.25
LONGEST_WAIT_SECONDS = 30.0
PIECE_BYTES = 256 * 1024
TIMEOUT = httpx.Timeout(connect=5.0, read=300.0, write=60.0, pool=5.0)

# A proxy for the outside world, named in the environment, has no business with this machine's own addresses.
DIRECT: Mapping[str, None] = {"all://127.0.0.1": None, "all://localhost": None, "all://[::1]": None}


class RemoteRecorder:
    """Records on the server at ``url``."""

    def __init__(
        self,
        url: str,
        *,
        token: str | None = None,
        attempts: int = ATTEMPTS,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        try:
            self._http = httpx.Client(base_url=url, headers=headers, timeout=TIMEOUT, mounts=DIRECT)
        except (httpx.InvalidURL, ValueError) as error:
            raise DeliveryFailed(f"{url} is not the address of a server: {error}") from error
        self._url = url
        self._attempts = attempts
        self._sleep = sleep

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    def record(
        self,
        stream: IO[bytes],
        input_name: str,
        *,
        defaults: LineDefaults = LineDefaults(),  # noqa: B008 - frozen
        mapping: Mapping[str, str] | None = None,
        idempotency_key: str | None = None,
        atomic: bool = False,
    ) -> Receipt:
        """Record a body, compressed or not, that can be read from the start again. Raises DeliveryFailed."""
        parameters = _parameters(input_name, defaults, mapping or {}, atomic)
        headers = {"Content-Type": "application/octet-stream", "Idempotency-Key": idempotency_key or str(uuid.uuid4())}
        for attempt in range(1, self._attempts + 1):
            stream.seek(0)
            try:
                response = self._http.post(
                    "/api/v1/actions", params=parameters, headers=headers, content=_pieces(stream)
                )
            except httpx.UnsupportedProtocol as error:
                raise DeliveryFailed(f"{self._url} is not the address of a server: {error}") from error
            except httpx.TransportError as error:
                trouble, wait = f"cannot reach {self._url}: {error}", seconds_to_wait(attempt, None)
            else:
                if response.status_code not in TRY_AGAIN:
                    return _receipt(response, self._url)
                trouble, wait = (
                    words_of_trouble(response, self._url),
                    seconds_to_wait(attempt, response.headers.get("Retry-After")),
                )
            if attempt < self._attempts:
                self._sleep(wait)
        raise DeliveryFailed(
            f"{trouble} (tried {self._attempts} times)",
            hint="nothing is lost: send it again, with the same idempotency key if one was given",
        )


def _parameters(input_name: str, defaults: LineDefaults, mapping: Mapping[str, str], atomic: bool) -> httpx.QueryParams:
    names = ("run_id", "integration", "configuration", "trigger")
    said = [(name, value) for name in names if (value := getattr(defaults, name)) is not None]
    said += [("map", f"{field}={column}") for field, column in mapping.items()]
    return httpx.QueryParams([("input", input_name), *said, *([("atomic", "true")] if atomic else [])])


def _pieces(stream: IO[bytes]) -> Iterator[bytes]:
    while piece := stream.read(PIECE_BYTES):
        yield piece


def _receipt(response: httpx.Response, url: str) -> Receipt:
    """The receipt in an answer; a server that took nothing (422) gives one too."""
    body = json_of(response)
    if response.status_code not in (200, 422) or "accepted" not in body:
        raise DeliveryFailed(words_of_trouble(response, url), hint=_said_error(body).get("hint"))
    return Receipt(
        batch_id=body["batch_id"],
        accepted=body["accepted"],
        rejected=body["rejected"],
        rejects=tuple(Reject(**reject) for reject in body["rejects"]),
        runs=tuple(RunReceipt(**run) for run in body["runs"]),
        repeated=response.headers.get("Synclog-Repeated") == "true",
    )


def words_of_trouble(response: httpx.Response, url: str) -> str:
    message = _said_error(json_of(response)).get("message")
    return f"{url} answers {response.status_code}: {message or response.reason_phrase}"


def _said_error(body: dict[str, Any]) -> dict[str, Any]:  # JSON of a server that may not be synclog
    error = body.get("error")
    return error if isinstance(error, dict) else {}


def json_of(response: httpx.Response) -> dict[str, Any]:  # JSON of a server that may not be synclog
    try:
        body = json.loads(response.content)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def seconds_to_wait(attempt: int, retry_after: str | None) -> float:
    """Seconds until the next attempt: what the server says, else twice as long each time, spread a little."""
    said = _seconds_of(retry_after) if retry_after else None
    if said is not None:
        return min(max(said, 0.0), LONGEST_WAIT_SECONDS)
    longest: float = min(FIRST_WAIT_SECONDS * 2 ** (attempt - 1), LONGEST_WAIT_SECONDS)
    return longest * random.uniform(0.5, 1.0)


def _seconds_of(retry_after: str) -> float | None:
    if retry_after.isascii() and retry_after.isdigit():
        return float(retry_after)
    try:
        moment = parsedate_to_datetime(retry_after)
    except ValueError:
        return None
    return ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - datetime.now(UTC)).total_seconds()
