"""The page where refused lines are mended: what they say, what is to be done with it, and what becomes of them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from ingest.action import OPERATIONS, STATUSES, parse_operation, parse_status
from ingest.mending import KeptReject, Mend, Mended, sent_object, understood_columns
from ingest.schema import SENT_FIELDS
from query.rejects import RejectFilter
from web.api.rejects import read_mend_said
from web.pages.addresses import Arguments, address, said
from web.pages.reject_list import FILTERS, MEND_PATH, PATH, read_chosen_rejects
from web.replays import Preview, preview_replay
from web.workspace import Workspace

SHOWN_LINES = 20
LOOKED_AT = 200
MOST_COLUMNS = 40
MOST_WORDS = 12
TIME_FORMATS = (
    *("%d/%m/%Y %H:%M:%S", "%m/%d/%Y %H:%M:%S", "%d/%m/%Y %H:%M", "%m/%d/%Y %H:%M", "%m/%d/%Y %I:%M:%S %p"),
    *("%Y/%m/%d %H:%M:%S", "%Y/%m/%d %H:%M", "%d-%m-%Y %H:%M:%S", "%d %b %Y %H:%M:%S", "%b %d %Y %H:%M:%S"),
    *(
        "%a %b %d %H:%M:%S %Y",
        "%a, %d %b %Y %H:%M:%S %z",
        "%d/%b/%Y:%H:%M:%S %z",
        "%Y%m%d%H%M%S",
        "%d/%m/%Y",
        "%m/%d/%Y",
    ),
)
_WORDS = {"status": (parse_status, STATUSES), "operation": (parse_operation, OPERATIONS)}


@dataclass(frozen=True, slots=True, kw_only=True)
class SentColumn:
    """A column of the lines: how it is understood, what stands in it, and what is said of it."""

    name: str
    field: str | None
    example: str
    said: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownWord:
    """A word of a status or operation nobody knows, and what it is said to mean."""

    field: str
    word: str
    count: int
    meanings: Sequence[str]
    said: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MendingPage:
    """Refused lines that are chosen, the mend as it is said, and what it makes of the first of them."""

    chosen: RejectFilter
    mend: Mend
    preview: Preview
    columns: Sequence[SentColumn]
    words: Sequence[UnknownWord]
    suggested_format: str | None
    time_example: str | None
    arguments: Arguments

    fields = SENT_FIELDS
    time_formats = TIME_FORMATS

    @property
    def shown(self) -> Sequence[Mended]:
        return self.preview.mended[:SHOWN_LINES]

    @property
    def filters(self) -> list[tuple[str, str]]:
        """What the form says again."""
        return [pair for pair in self.arguments.items(multi=True) if pair[0] in FILTERS]

    @property
    def other_values(self) -> list[str]:
        """What is said of values that have no row of their own."""
        known = {(word.field, word.word.casefold()) for word in self.words}
        return [
            f"{field}:{word}={meant}"
            for field, words in self.mend.words.items()
            for word, meant in words.items()
            if (field, word.casefold()) not in known
        ]

    @property
    def defaults(self) -> list[str]:
        return [f"{field}={value}" for field, value in self.mend.missing.items()]

    @property
    def replay_address(self) -> str:
        return address(f"{PATH}/replay", said(self.arguments))

    @property
    def list_address(self) -> str:
        kept = said(self.arguments, without=["map", "value", "default", "time_format", "id"])
        return address(PATH, kept)

    @property
    def api_address(self) -> str:
        return address("/api/v1/rejects/replay", said(self.arguments, without=["range"]))

    @property
    def path(self) -> str:
        return MEND_PATH


def build_mending_page(workspace: Workspace, arguments: Arguments, *, now: datetime) -> MendingPage:
    """What the address says is to be done, and what comes of it. Raises InvalidInput."""
    chosen, with_ = read_chosen_rejects(now=now), read_mend_said()
    preview = preview_replay(workspace, chosen, with_)
    looked_at = [
        (each.reject, sent) for each in preview.mended[:LOOKED_AT] if (sent := sent_object(each.reject)) is not None
    ]
    times = _unreadable_times(preview)
    return MendingPage(
        chosen=chosen,
        mend=with_,
        preview=preview,
        columns=_columns(looked_at, with_),
        words=_words(preview, with_),
        suggested_format=_format_of(times) if with_.time_format is None else None,
        time_example=times[0] if times else None,
        arguments=arguments,
    )


def _columns(looked_at: Sequence[tuple[KeptReject, Mapping[str, object]]], with_: Mend) -> list[SentColumn]:
    examples: dict[str, dict[str, None]] = {}
    understood: dict[str, str] = {}
    for reject, sent in looked_at:
        fields = {column: field for field, column in understood_columns(reject, sent, with_).items()}
        understood = {**fields, **understood}
        for name, value in sent.items():
            if value not in (None, ""):
                examples.setdefault(name, {}).setdefault(str(value)[:60])
    chosen = {column: field for field, column in with_.columns.items()}
    return [
        SentColumn(name=name, field=understood.get(name), example=", ".join(list(values)[:3]), said=chosen.get(name))
        for name, values in list(examples.items())[:MOST_COLUMNS]
    ]


def _words(preview: Preview, with_: Mend) -> list[UnknownWord]:
    """Words nobody knows, with the rows of those that are said to mean something."""
    without = Mend(columns=with_.columns, missing=with_.missing, time_format=with_.time_format)
    counts: Counter[tuple[str, str]] = Counter()
    for each in preview.mended:
        sent = sent_object(each.reject)
        if sent is None:
            continue
        for field, column in understood_columns(each.reject, sent, without).items():
            if field in _WORDS and sent[column] not in (None, "") and not _is_known(field, str(sent[column])):
                counts[field, str(sent[column])] += 1
    return [
        UnknownWord(
            field=field,
            word=word,
            count=count,
            meanings=[meaning.value for meaning in _WORDS[field][1]],
            said=next((m for w, m in with_.words.get(field, {}).items() if w.casefold() == word.casefold()), None),
        )
        for (field, word), count in counts.most_common(MOST_WORDS)
    ]


def _is_known(field: str, word: str) -> bool:
    try:
        _WORDS[field][0](word)
    except ValueError:
        return False
    return True


def _unreadable_times(preview: Preview) -> list[str]:
    """Times that are refused, as they were sent."""
    times = []
    for each in preview.mended[:LOOKED_AT]:
        sent = sent_object(each.reject) if each.reject.code == "invalid-time" else None
        if sent is not None:
            column = understood_columns(each.reject, sent, Mend()).get("happened_at")
            times.append(str(sent.get(column or "", "")))
    return times


def _format_of(times: Sequence[str]) -> str | None:
    """The first known way of writing in which all of these times are written."""
    return next((known for known in TIME_FORMATS if times and all(_is_written(time, known) for time in times)), None)


def _is_written(time: str, known: str) -> bool:
    try:
        datetime.strptime(time.strip(), known)  # noqa: DTZ007 - only whether it can be read
    except ValueError:
        return False
    return True
