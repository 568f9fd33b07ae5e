"""What a merged batch says of a large run beside its counts, so that the page of the run need not read the rows.

How many actions of which status happened when, in which row groups its failures lie, and in which its oldest actions,
no others of it among them.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from ingest.action import STATUSES


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOutline:
    """The actions of one run in one batch over time. Span number n reaches from n to n + 1 times ``span_us``,
    microseconds since 1970 UTC.

    ``counts`` has the spans with actions: its number, and how many there are of each status, OK first. ``failures`` are
    the row groups of all that are not OK. ``opening`` is that of the oldest ones; None where they are in several.
    """

    span_us: int
    counts: tuple[tuple[int, ...], ...]
    failures: tuple[int, ...]
    opening: int | None = None

    def as_json(self) -> dict[str, object]:
        first = self.counts[0][0] if self.counts else 0
        body: dict[str, object] = {
            "span_us": self.span_us,
            "first": first,
            "counts": [_shortened((number - first, *counts)) for number, *counts in self.counts],
            "failures": list(self.failures),
        }
        return body if self.opening is None else {**body, "opening": self.opening}

    def as_text(self) -> str:
        return json.dumps(self.as_json(), separators=(",", ":"))


def outline_from_json(body: Mapping[str, object]) -> RunOutline:
    """Raises KeyError, TypeError, ValueError for what is none."""
    span_us, first, counts, opening = body["span_us"], body["first"], body["counts"], body.get("opening")
    failures = body["failures"]
    if not (isinstance(span_us, int) and span_us > 0 and isinstance(first, int) and isinstance(counts, list)):
        raise ValueError("an outline has span_us, first and counts")
    if not (isinstance(failures, list) and all(isinstance(each, int) for each in failures)):
        raise TypeError("failures are numbers of row groups")
    if not (opening is None or isinstance(opening, int)):
        raise TypeError("an opening is the number of a row group")
    return RunOutline(
        span_us=span_us,
        counts=tuple((first + place, *said, *[0] * (len(STATUSES) - len(said))) for place, *said in counts),
        failures=tuple(failures),
        opening=opening,
    )


def outline_from_text(text: str) -> RunOutline:
    """The reverse of ``as_text``."""
    return outline_from_json(json.loads(text))


def _shortened(counts: tuple[int, ...]) -> list[int]:
    """Without the zeros at the end."""
    last = max((place for place, count in enumerate(counts) if count and place), default=0)
    return list(counts[: last + 1])
