import pytest

from ingest.errors import InvalidInput
from ingest.mapping import KNOWN_SPELLINGS, guess_columns
from ingest.schema import SENT_FIELDS


def test_own_names_are_taken_as_they_are() -> None:
    assert guess_columns(SENT_FIELDS, {}) == {name: name for name in SENT_FIELDS}


def test_exact_name_goes_before_another_spelling_of_it() -> None:
    assert guess_columns(["Source ID", "source_id", "id"], {}) == {"source_id": "source_id"}


@pytest.mark.parametrize("name", ["sourceId", "Source ID", "SOURCE-ID", "source.id"])
def test_letters_count_not_their_case_or_what_is_between(name: str) -> None:
    assert guess_columns([name], {}) == {"source_id": name}


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("@timestamp", "happened_at"),
        ("created_at", "happened_at"),
        ("op", "operation"),
        ("action", "operation"),
        ("level", "status"),
        ("result", "status"),
        ("msg", "message"),
        ("error", "message"),
        ("source_system", "source_type"),
        ("targetSystem", "target_type"),
        ("runId", "run_id"),
        ("job_id", "run_id"),
        ("job", "configuration"),
        ("topic", "integration"),
    ],
)
def test_known_spelling_is_understood(name: str, field: str) -> None:
    assert guess_columns([name], {}) == {field: name}


def test_each_column_is_used_once_and_the_first_spelling_wins() -> None:
    assert guess_columns(["date", "timestamp", "error", "message"], {}) == {
        "happened_at": "timestamp",
        "message": "message",
    }


def test_explicit_column_is_not_guessed_for_another_field() -> None:
    assert guess_columns(["message", "status"], {"code": "status"}) == {"code": "status", "message": "message"}


@pytest.mark.parametrize(
    ("explicit", "words", "hint"),
    [
        ({"operaton": "message"}, "no field 'operaton'", "did you mean 'operation'?"),
        ({"operation": "mesage"}, "no column 'mesage'", "did you mean 'message'?"),
        ({"operation": "qqq"}, "no column 'qqq'", "columns are: message, status"),
        ({"operation": "status", "status": "status"}, "for both operation and status", None),
    ],
)
def test_explicit_mapping_that_cannot_be_is_an_error(explicit: dict[str, str], words: str, hint: str | None) -> None:
    with pytest.raises(InvalidInput, match=words) as refused:
        guess_columns(["message", "status"], explicit)

    assert refused.value.hint == hint


def test_no_spelling_stands_for_two_fields() -> None:
    words = [word.replace("_", "") for spellings in KNOWN_SPELLINGS.values() for word in spellings]

    assert sorted(words) == sorted(set(words))
    assert set(KNOWN_SPELLINGS) == set(SENT_FIELDS) - {"details"}


def test_a_word_that_may_mean_anything_is_nobodys_column() -> None:
    assert guess_columns(["id", "name", "type", "text", "extra", "duration"], {}) == {}
