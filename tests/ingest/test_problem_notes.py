from datetime import UTC, datetime, timedelta

import pytest

from ingest.control import Control
from ingest.errors import InvalidInput
from ingest.problem_notes import ProblemNote, find_problem_note, keep_problem_note, list_problem_notes

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture
def control(tmp_path):
    control = Control(f"sqlite:///{tmp_path / 'control.sqlite'}")
    yield control
    control.close()


def note(**said):
    return ProblemNote(**{"integration": "servicenow", "problem_id": "0" * 16, "changed_at": NOW} | said)


def test_what_was_kept_last_holds(control):
    later = note(note="ask them", ticket="https://tickets.example/7", muted_until=NOW + timedelta(days=2))
    keep_problem_note(control, note(note="first", is_expected=True))
    keep_problem_note(control, later)

    assert list_problem_notes(control) == {("servicenow", "0" * 16): later}
    assert find_problem_note(control, "servicenow", "0" * 16) == later
    assert find_problem_note(control, "signavio", "0" * 16) is None


def test_one_that_says_nothing_is_forgotten(control):
    keep_problem_note(control, note(is_expected=True))
    keep_problem_note(control, note())

    assert list_problem_notes(control) == {}


def test_what_does_not_fit_is_refused(control):
    with pytest.raises(InvalidInput, match="note has 4001 characters"):
        keep_problem_note(control, note(note="x" * 4001))


def test_muted_is_set_aside_until_its_moment():
    muted = note(muted_until=NOW + timedelta(days=1))

    assert muted.is_set_aside(NOW)
    assert not muted.is_set_aside(NOW + timedelta(days=1))
    assert note(is_expected=True).is_set_aside(NOW)
