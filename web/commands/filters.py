"""Option values of several commands, read into our types."""

from collections.abc import Callable
from datetime import datetime
from enum import StrEnum

import click

from ingest.timestamps import from_microseconds, parse_timestamp


class WordType(click.ParamType[StrEnum]):
    """A word of the vocabulary, in any case, or one of its synonyms."""

    def __init__(self, name: str, parse: Callable[[str], tuple[StrEnum, bool]]) -> None:
        self.name = name
        self._parse = parse

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> StrEnum:
        try:
            return self._parse(str(value))[0]
        except ValueError as error:
            self.fail(str(error), param, ctx)


class InstantType(click.ParamType[datetime]):
    """A time: RFC 3339 or epoch; UTC unless it says otherwise."""

    name = "time"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        try:
            return from_microseconds(parse_timestamp(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)


INSTANT = InstantType()
