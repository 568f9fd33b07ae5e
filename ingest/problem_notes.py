"""What people know of the problems of an integration: a note, a ticket, muted until a day, expected.

It is kept in the control database, and holds for every later run.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from ingest.control import Control
from ingest.control_tables import problem_notes
from ingest.errors import InvalidInput
from ingest.timestamps import from_microseconds, to_microseconds

NOTE_LIMIT = 4_000
TICKET_LIMIT = 500

Noted = tuple[str, str]
"""An integration and a problem id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProblemNote:
    """What is kept of one problem of one integration."""

    integration: str
    problem_id: str
    note: str | None = None
    ticket: str | None = None
    muted_until: datetime | None = None
    is_expected: bool = False
    changed_at: datetime

    @property
    def says_something(self) -> bool:
        return self.is_expected or any((self.note, self.ticket, self.muted_until))

    def is_muted(self, now: datetime) -> bool:
        return self.muted_until is not None and now < self.muted_until

    def is_set_aside(self, now: datetime) -> bool:
        """Whether nobody needs to look at it now."""
        return self.is_expected or self.is_muted(now)


def list_problem_notes(control: Control) -> Mapping[Noted, ProblemNote]:
    """Everything that is kept."""
    with control.reading() as connection:
        rows = connection.execute(sa.select(problem_notes)).all()
    return {(row.integration, row.problem_id): _note_from(row) for row in rows}


def find_problem_note(control: Control, integration: str, problem_id: str) -> ProblemNote | None:
    chosen = problem_notes.c.integration == integration, problem_notes.c.problem_id == problem_id
    with control.reading() as connection:
        row = connection.execute(sa.select(problem_notes).where(*chosen)).first()
    return None if row is None else _note_from(row)


def keep_problem_note(control: Control, note: ProblemNote) -> None:
    """Keep this instead of what was kept before; one that says nothing is forgotten. Raises InvalidInput."""
    for name, text, limit in (("note", note.note, NOTE_LIMIT), ("ticket", note.ticket, TICKET_LIMIT)):
        if text is not None and len(text) > limit:
            raise InvalidInput(f"{name} has {len(text)} characters, {limit} fit", field=name)
    chosen = problem_notes.c.integration == note.integration, problem_notes.c.problem_id == note.problem_id
    with control.writing() as connection:
        connection.execute(sa.delete(problem_notes).where(*chosen))
        if note.says_something:
            connection.execute(sa.insert(problem_notes), _row_of(note))


def _note_from(row: sa.Row[Any]) -> ProblemNote:  # the columns of the table
    return ProblemNote(
        integration=row.integration,
        problem_id=row.problem_id,
        note=row.note,
        ticket=row.ticket,
        muted_until=None if row.muted_until_us is None else from_microseconds(row.muted_until_us),
        is_expected=row.is_expected,
        changed_at=from_microseconds(row.changed_us),
    )


def _row_of(note: ProblemNote) -> dict[str, object]:
    return {
        "integration": note.integration,
        "problem_id": note.problem_id,
        "note": note.note or None,
        "ticket": note.ticket or None,
        "muted_until_us": None if note.muted_until is None else to_microseconds(note.muted_until),
        "is_expected": note.is_expected,
        "changed_us": to_microseconds(note.changed_at),
    }
