"""What somebody types is read as they mean it, spelled so that it reads the same, and found."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ingest.errors import InvalidInput
from query.search import search_actions
from query.search_conditions import Wanted
from query.search_fields import FIELDS, TIMES, search_for
from query.search_grammar import Clause, narrowed, read_clauses, spell_clauses
from tests.query.test_search import merge, messages

NOW = datetime(2026, 11, 22, 13, tzinfo=UTC)

texts = st.text(max_size=12).map(str.strip) | st.sampled_from(['"', "-", "a,b", "*", "a*", "status:x", "--", "5'11\""])
values = st.builds(Wanted, text=texts, is_begun=st.booleans()).filter(lambda value: value.text or value.is_begun)
of_fields = st.builds(
    Clause,
    name=st.from_regex("[a-z_]{2,8}", fullmatch=True),
    values=st.lists(values, min_size=1, max_size=3).map(tuple),
    is_negated=st.booleans(),
)
of_text = st.builds(Clause, values=values.map(lambda value: (value,)), is_negated=st.booleans())


@given(st.lists(of_fields | of_text, max_size=5).map(tuple))
@example((Clause(name="path", values=(Wanted(text="\\temp"),)),))
@example((Clause(name="path", values=(Wanted(text="//a"), Wanted(text="b"))),))
def test_clauses_are_spelled_as_a_text_that_reads_as_them(clauses):
    assert read_clauses(spell_clauses(clauses)) == clauses


@given(st.text(max_size=40))
@example('a:"b')
@example("a:,")
@example('- -"" -')
def test_any_text_reads_as_something_and_spelling_it_changes_nothing(text):
    clauses = read_clauses(text)

    assert read_clauses(spell_clauses(clauses)) == clauses


def word(text, **said):
    return Clause(values=(Wanted(text=text),), **said)


@pytest.mark.parametrize(
    ("text", "clauses"),
    [
        ("no permission", (word("no"), word("permission"))),
        ('"no permission" -retry', (word("no permission"), word("retry", is_negated=True))),
        ('-"not closed', (word("not closed", is_negated=True),)),
        ('"say ""no"""', (word('say "no"'),)),
        ("status:error,warning", (Clause(name="status", values=(Wanted(text="error"), Wanted(text="warning"))),)),
        ('Name:"a, b",c', (Clause(name="name", values=(Wanted(text="a, b"), Wanted(text="c"))),)),
        ("-code:4*", (Clause(name="code", values=(Wanted(text="4", is_begun=True),), is_negated=True),)),
        ("10:15:00 C:\\temp https://a.b", (word("10:15:00"), word("C:\\temp"), word("https://a.b"))),
        ("Error: a - b", (word("Error:"), word("a"), word("-"), word("b"))),
        ("INC-4711 5'11\"", (word("INC-4711"), word("5'11\""))),
        ('a "" "  "', (word("a"),)),
    ],
)
def test_what_is_typed_is_read(text, clauses):
    assert read_clauses(text) == clauses


def test_a_link_narrows_what_was_typed_to_one_value():
    clauses = read_clauses('status:error,warning -status:ok "no permission"')

    assert narrowed(clauses, "status", "ERROR") == '-status:ok "no permission" status:ERROR'
    assert narrowed(clauses, "configuration", "a b") == (
        'status:error,warning -status:ok "no permission" configuration:"a b"'
    )


@pytest.fixture
def lake(world):
    world.record(
        {
            "message": "Payroll written",
            "source_type": "cmdb_ci",
            "source_id": "INC-4711",
            "source_name": "Payroll System",
            "happened_at": "2026-11-22T12:00:00Z",
        },
        {
            "message": "Permission denied, retry later",
            "status": "ERROR",
            "code": "E-403",
            "happened_at": "2026-11-22T12:01:00Z",
        },
    )
    world.record(
        {
            "run_id": "other",
            "integration": "Signavio",
            "configuration": "prod",
            "trigger": "FULL_SYNC_JOB",
            "operation": "CREATE",
            "status": "WARNING",
            "message": "permission to write is new",
            "target_type": "leanix.Application",
            "target_id": "a/1",
            "target_name": "Payroll",
        }
    )
    return world


WRITTEN, DENIED, NEW = "Payroll written", "Permission denied, retry later", "permission to write is new"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("permission", [DENIED, NEW]),
        ("permission -retry", [NEW]),
        ('-"permission denied" -payroll', []),
        ("perm*", [DENIED, NEW]),
        ("-perm*", [WRITTEN]),
        ('"permission den"*', [DENIED]),
        ("ermission*", []),
        ("status:error", [DENIED]),
        ("status:err,warn", [DENIED, NEW]),
        ("status:error status:warning", [DENIED, NEW]),
        ("-status:error,warning", [WRITTEN]),
        ("operation:CREATE", [NEW]),
        ("action:update -status:ok", [DENIED]),
        ("integration:signavio", [NEW]),
        ("-integration:SIGNAVIO", [DENIED, WRITTEN]),
        ("integration:sig*", [NEW]),
        ("integration:unknown", []),
        ("integration:servicenow,signavio", [DENIED, WRITTEN, NEW]),
        ("configuration:PROD", [NEW]),
        ("-configuration:prod", [DENIED, WRITTEN]),
        ("configuration:*", [NEW]),
        ("-configuration:*", [DENIED, WRITTEN]),
        ("trigger:full_sync*", [NEW]),
        ("run:other", [NEW]),
        ("run:OTHER", []),
        ("run:oth*", [NEW]),
        ("-run:other", [DENIED, WRITTEN]),
        ("code:e-403", [DENIED]),
        ("code:403", []),
        ("name:payroll", [WRITTEN, NEW]),
        ("name:payroll -name:system", [NEW]),
        ('name:"payroll sys"*', [WRITTEN]),
        ("record:inc-4711", [WRITTEN]),
        ("record:payroll", [NEW]),
        ('record:"payroll system"', [WRITTEN]),
        ("record:cmdb_ci/inc-4711", [WRITTEN]),
        ("record:cmdb_ci/INC*", [WRITTEN]),
        ("record:other/inc-4711", []),
        ("record:leanix.application/a/1", [NEW]),
        ("record:a/1", [NEW]),
        ("-record:a/1", [DENIED, WRITTEN]),
        ("type:cmdb_ci,LEANIX.application", [WRITTEN, NEW]),
        ("type:leanix.*", [NEW]),
        ('message:"permission to write"', [NEW]),
        ("message:payroll", [WRITTEN]),
        ("-message:payroll -message:new", [DENIED]),
        ("problem:*", [DENIED, NEW]),
        ("-problem:*", [WRITTEN]),
        ("since:2026-11-22T12:01", [DENIED]),
        ("since:1h until:2026-11-22T12:01:00Z", [WRITTEN]),
        ("since:2026-11-23", []),
        ("*", [DENIED, WRITTEN, NEW]),
    ],
)
def test_what_is_found(lake, text, found):
    search = search_for(text, now=NOW)

    assert messages(search_actions(lake.view, search).items) == found
    merge(lake, block_rows=1)
    assert messages(search_actions(lake.view, search).items) == found


def test_a_problem_is_found_by_its_id(lake):
    [denied] = search_actions(lake.view, search_for("denied", now=NOW)).items

    search = search_for(f"problem:{denied.problem_id.upper()}", now=NOW)

    assert messages(search_actions(lake.view, search).items) == [DENIED]


@pytest.mark.parametrize(
    ("text", "said", "hint"),
    [
        ("payroll stauts:error", "at character 9, 'stauts:error': stauts is no field", "status?"),
        ("urn:isbn", "at character 1, 'urn:isbn': urn is no field", 'as text: "urn:isbn"'),
        ("-foo:a", "at character 1, '-foo:a': foo is no field", "fields are status"),
        ("status:bad", "'bad' is none of OK, INFO, WARNING, ERROR", ""),
        ("a operation:x", "at character 3, 'operation:x': 'x' is none of CREATE", ""),
        ("status:", "status: says no value", "right after the colon"),
        ("since:soon", "'soon' is not an RFC 3339 time", "24h"),
        ("since:2026-13-01", "'2026-13-01' is not an RFC 3339 time", "24h"),
        ("-since:1h", "since has one time and no minus", "since:2026-11-01"),
        ("until:1h,2h", "until has one time and no minus", "until:2026-11-01"),
    ],
)
def test_what_makes_no_sense_is_named_with_its_place(text, said, hint):
    with pytest.raises(InvalidInput) as raised:
        search_for(text, now=NOW)

    assert said in raised.value.message
    assert hint in (raised.value.hint or "")
    assert raised.value.field == "q"


@pytest.mark.parametrize("text", [*(field.example for field in FIELDS), *(example for _, _, example in TIMES)])
def test_every_example_makes_sense(text):
    assert search_for(text, now=NOW) != search_for("", now=NOW)


def test_the_latest_of_several_beginnings_counts():
    search = search_for("since:2h since:1h until:10m until:30m", now=NOW)

    assert (search.since, search.until) == (NOW - timedelta(hours=1), NOW - timedelta(minutes=30))
