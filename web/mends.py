"""What to do with refused lines, as addresses, requests and commands say it."""

from collections.abc import Iterable

from ingest.errors import InvalidInput
from ingest.mending import Mend
from ingest.schema import SENT_FIELDS
from web.settings import nearest


def read_mend(
    *, columns: Iterable[str], values: Iterable[str], missing: Iterable[str], time_format: str | None
) -> Mend:
    """From ``field=column``, ``field:word=meant`` and ``field=value`` texts. Raises InvalidInput."""
    words: dict[str, dict[str, str]] = {}
    for text in filter(None, values):
        name, colon, rest = text.partition(":")
        said, equals, meant = rest.rpartition("=")
        if not colon or not equals or not said:
            raise _no_pair(text, "value", "field:what is said=what is meant, for example status:fatal=ERROR")
        words.setdefault(_known(name, "value"), {})[said] = meant
    return Mend(
        columns=dict(_pair(text, "map", "field=column, for example status=level") for text in filter(None, columns)),
        words=words,
        time_format=time_format or None,
        missing=dict(
            _pair(text, "default", "field=value, for example run_id=nightly-7") for text in filter(None, missing)
        ),
    )


def _pair(text: str, name: str, shape: str) -> tuple[str, str]:
    field, equals, value = text.partition("=")
    if not equals or not value:
        raise _no_pair(text, name, shape)
    return _known(field, name), value


def _known(field: str, name: str) -> str:
    if field not in SENT_FIELDS:
        raise InvalidInput(f"{name}: actions have no field {field!r}", field=name, hint=nearest(field, SENT_FIELDS))
    return field


def _no_pair(text: str, name: str, shape: str) -> InvalidInput:
    return InvalidInput(f"{name}: {text!r:.80} cannot be read", field=name, hint=shape)
