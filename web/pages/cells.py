"""What stands in cells hundreds of times a page. Written in Python: a macro of Jinja takes several times as long."""

from datetime import datetime

from markupsafe import Markup, escape

from reports.wording import NOTHING, format_datetime, iso_datetime, shorten, visible_text

_NOTHING = Markup('<span class="nothing">{}</span>').format(NOTHING)
_LONG_WORD = 24
"""Characters from which on a text may be broken anywhere."""


def sent(text: str | None, length: int = 0) -> Markup:
    """What a sender wrote, made harmless and kept apart from the text around it; ``length`` is the most shown."""
    if not text:
        return _NOTHING
    shown = visible_text(shorten(text, length) if length else text)
    opening = '<bdi class="long">' if len(text) > _LONG_WORD else "<bdi>"
    return Markup(f"{opening}{escape(shown)}</bdi>")


def moment(value: datetime | None) -> Markup:
    """A time, in UTC until a script turns it into the reader's own."""
    if value is None:
        return _NOTHING
    return Markup(f'<time datetime="{iso_datetime(value)}">{format_datetime(value).removesuffix(" UTC")}</time>')


def record(kind: str | None, record_id: str | None, name: str | None, length: int = 160) -> Markup:
    """A record by name, type and id, as far as they are known."""
    if not (kind or record_id or name):
        return _NOTHING
    main = f'<span class="record-name">{sent(name or record_id, length)}</span>' if name or record_id else ""
    code = f" <code>{sent(record_id, length)}</code>" if name and record_id else ""
    key = f'<span class="record-key">{sent(kind, length) if kind else ""}{code}</span>'
    return Markup(f'<span class="record">{main}{key}</span>')
