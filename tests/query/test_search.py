"""A search finds what a look at every action finds, whatever token indexes there are."""

import re
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import reduce
from itertools import count, groupby
from operator import add

import pyarrow.parquet as pq
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ingest.action import Operation, Status
from ingest.errors import BatchDamaged, InvalidInput
from ingest.schema import ACTION_SCHEMA
from ingest.token_index import index_tokens
from query.actions import ActionFilter, find_actions
from query.search import MOST_BEGUN, Search, record_history, search_actions, stream_search

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
UUID = "0e37df36-f698-11e6-8dd4-cb9ced3df976"
PLACE = {name: place for place, name in enumerate(ACTION_SCHEMA.names)}
TEXT_FIELDS = ("message", "code", "source_name", "target_name")
ID_FIELDS = ("source_id", "target_id")

pieces = st.sampled_from(
    ["Payroll", "payroll", "PAY", "roll", "Äpfel", "äpfel", "İ", "K", "ΣΑΣ", "日本", "e\u0301", "x_1", "4711", "403"]
)
separators = st.sampled_from(["", " ", " ", "-", "/", ".", "\n", "(", '"', "\\", "%"])
uuids = st.sampled_from([UUID, UUID.upper(), UUID[:8], UUID[9:13]])
texts = st.lists(pieces | separators | uuids, min_size=1, max_size=5).map("".join)
actions = st.fixed_dictionaries(
    {"happened_at": st.integers(0, 5).map(lambda minute: f"2026-11-22T12:0{minute}:00Z")},
    optional={name: texts for name in (*TEXT_FIELDS, *ID_FIELDS)} | {"source_type": st.sampled_from(["ci", "app"])},
)
batches = st.lists(st.lists(actions, min_size=1, max_size=8), min_size=1, max_size=3)
searched = st.lists(texts.map(str.strip).filter(bool), min_size=1, max_size=2).map(tuple)


def index(world, batch_id):
    lake = world.recorder.lake
    lake.put_token_index(batch_id, lambda sink: index_tokens(lake.path_of("actions", batch_id), sink))


def merge(world, *, block_rows=2):
    """Make one indexed batch of all there are, with small row groups, and let the index of the lake know."""
    lake = world.recorder.lake
    ids = sorted(lake.list_ids("actions"))
    tables = [lake.read("actions", batch_id) for batch_id in ids]
    merged_id = ids[-1][:-12] + "f" * 12
    footers = [lake.read_footer("actions", batch_id).footer for batch_id in ids]
    footer = replace(
        footers[0],
        batch_id=merged_id,
        rows=sum(each.rows for each in footers),
        first_us=min(each.first_us for each in footers),
        last_us=max(each.last_us for each in footers),
        runs=tuple(reduce(add, of_run) for of_run in runs_of(footers)),
        replaces=tuple(ids),
    )

    def write(sink):
        with pq.ParquetWriter(sink, ACTION_SCHEMA, compression="zstd", store_schema=False) as writer:
            for table in tables:
                writer.write_table(table, row_group_size=block_rows)
            writer.add_key_value_metadata(footer.as_metadata())
        return footer

    lake.put("actions", merged_id, write)
    index(world, merged_id)
    world.recorder.reindex()
    return merged_id


def runs_of(footers):
    """The summaries of each run, together."""
    runs = sorted((run for footer in footers for run in footer.runs), key=lambda run: run.run_id)
    return [list(of_run) for _, of_run in groupby(runs, key=lambda run: run.run_id)]


def of_run(world, run_id):
    return find_actions(world.view, ActionFilter(), run_id=run_id, sort="-happened_at", limit=1000).items


def all_pages(world, search, size):
    found, cursor = [], None
    while True:
        page = search_actions(world.view, search, limit=size, cursor=cursor)
        assert len(page.items) <= size
        found += page.items
        cursor = page.next_cursor
        if cursor is None:
            return found


def messages(found):
    return [action.message for action in found]


def in_lower_case(text):
    """Character by character, as the lake's tools do it."""
    return "".join("i" if character == "İ" else character.lower() for character in text)


def fold(text):
    uuid = "-".join(f"([0-9a-f]{{{length}}})" for length in (8, 4, 4, 4, 12))
    return re.sub(uuid, r"\1_\2_\3_\4_\5", in_lower_case(text))


def has_term(action, term):
    """The meaning of a term, spelled out."""
    wanted = fold(term)
    before, after = (r"(?<!\w)" if wanted[:1].isalnum() else ""), (r"(?!\w)" if wanted[-1:].isalnum() else "")
    inside = [getattr(action, name) or "" for name in TEXT_FIELDS]
    ids = [getattr(action, name) for name in ID_FIELDS if getattr(action, name) is not None]
    inside += [text for text in ids if " " in text]
    return any(re.search(before + re.escape(wanted) + after, fold(text)) for text in inside) or any(
        in_lower_case(text) == in_lower_case(term) for text in ids
    )


def test_terms_find_what_a_look_at_every_action_finds(world):
    run_ids = (f"run {number}" for number in count())

    @settings(max_examples=100, deadline=None)
    @given(lines=batches, terms=searched, size=st.integers(1, 5))
    @example(lines=[[{"message": f"a {UUID} b"}, {"source_id": UUID}]], terms=(UUID[:8],), size=1)
    @example(lines=[[{"message": f"a {UUID} b"}, {"source_id": UUID}]], terms=(UUID.upper(),), size=1)
    @example(lines=[[{"message": "K"}, {"code": "k"}], [{"source_id": "İ"}]], terms=("k",), size=1)
    @example(lines=[[{"source_id": "a b-c"}, {"source_id": "b-c"}, {"source_id": "c"}]], terms=("c",), size=1)
    def check(lines, terms, size):
        search = Search(terms=terms, run_id=next(run_ids))
        receipts = [world.record(*({"run_id": search.run_id, **line} for line in batch)) for batch in lines]
        expected = [action for action in of_run(world, search.run_id) if all(has_term(action, term) for term in terms)]

        scanned = all_pages(world, search, size)
        for receipt in receipts[::2]:
            index(world, receipt.batch_id)
        partly_looked_up = all_pages(world, search, size)
        for receipt in receipts[1::2]:
            index(world, receipt.batch_id)
        looked_up = all_pages(world, search, size)

        assert scanned == partly_looked_up == looked_up == expected

    check()


def test_a_part_of_a_text_is_found_where_a_look_at_every_action_finds_it(world):
    run_ids = (f"run {number}" for number in count())

    @settings(max_examples=40, deadline=None)
    @given(lines=batches, part=texts, size=st.integers(1, 5))
    @example(lines=[[{"message": "OK"}, {"code": "ok"}, {"message": "O\u212a"}]], part="k", size=1)
    @example(lines=[[{"message": "HİT"}, {"code": "hit"}, {"source_id": "hi"}]], part="hit", size=1)
    @example(lines=[[{"message": "ab"}, {"message": "c"}, {"code": "Äb"}, {"target_id": "äB c"}]], part="äb", size=1)
    @example(lines=[[{"message": "one"}, {"message": "two"}]], part="et", size=1)
    def check(lines, part, size):
        run_id = next(run_ids)
        receipts = [world.record(*({"run_id": run_id, **line} for line in batch)) for batch in lines]
        everything = of_run(world, run_id)
        parts = [action for action in everything if has_part(action, part)]
        matches = [action for action in everything if any(re.search(re.escape(part), text) for text in said(action))]

        def check_both():
            assert all_pages(world, Search(substring=part, run_id=run_id), size) == parts
            assert all_pages(world, Search(regex=re.escape(part), run_id=run_id), size) == matches

        check_both()
        for receipt in receipts:
            index(world, receipt.batch_id)
        warm_up(world, *(receipt.batch_id for receipt in receipts[::2]))
        check_both()

    check()


def said(action):
    texts = [getattr(action, name) for name in (*TEXT_FIELDS, *ID_FIELDS)]
    return [text for text in texts if text is not None]


def has_part(action, part):
    return any(in_lower_case(part) in in_lower_case(text) for text in said(action))


def warm_up(world, *batch_ids):
    world.view.batches.warm_up(batch_ids, threading.Event())


def test_a_record_is_found_by_its_exact_id(world):
    run_ids = (f"run {number}" for number in count())

    @settings(max_examples=50, deadline=None)
    @given(lines=batches, record_id=texts, record_type=st.sampled_from([None, "ci"]))
    def check(lines, record_id, record_type):
        search = Search(record_id=record_id, record_type=record_type, run_id=next(run_ids))
        lines = [*lines, [{"source_id": record_id, "source_type": "ci"}, {"target_id": record_id.swapcase()}]]
        receipts = [world.record(*({"run_id": search.run_id, **line} for line in batch)) for batch in lines]
        expected = [
            action
            for action in of_run(world, search.run_id)
            if (action.source_id == record_id and record_type in (None, action.source_type))
            or (action.target_id == record_id and record_type in (None, action.target_type))
        ]

        scanned = all_pages(world, search, 3)
        for receipt in receipts:
            index(world, receipt.batch_id)

        assert scanned == all_pages(world, search, 3) == expected

    check()


def test_the_history_of_a_record_goes_across_runs(lake):
    lake.record({"run_id": "third", "target_id": "INC-4711", "target_type": "ci", "message": "linked"})

    assert messages(record_history(lake.view, None, "INC-4711").items) == ["Payroll written", "linked"]
    assert messages(record_history(lake.view, "ci", "INC-4711").items) == ["linked"]


@pytest.fixture
def lake(world):
    """Three batches of two runs."""
    world.record(
        {"message": "Payroll written", "source_id": "INC-4711", "happened_at": "2026-11-22T12:00:00Z"},
        {"message": "Record locked", "status": "ERROR", "code": "E-403", "happened_at": "2026-11-22T12:01:00Z"},
    )
    world.record(
        {"run_id": "other", "integration": "signavio", "operation": "CREATE", "message": "payroll is 100% new"}
    )
    world.record({"message": "PAYROLL locked", "target_name": "Löhne", "happened_at": "2026-11-22T12:02:00Z"})
    return world


@pytest.mark.parametrize(
    ("search", "found"),
    [
        (Search(terms=("payroll",)), ["PAYROLL locked", "Payroll written", "payroll is 100% new"]),
        (Search(terms=("locked", "payroll")), ["PAYROLL locked"]),
        (Search(terms=("payroll locked",)), ["PAYROLL locked"]),
        (Search(terms=("locked payroll",)), []),
        (Search(terms=("pay",)), []),
        (Search(terms=("löhne",)), ["PAYROLL locked"]),
        (Search(terms=("inc-4711",)), ["Payroll written"]),
        (Search(terms=("4711",)), []),
        (Search(terms=("e-403",)), ["Record locked"]),
        (Search(terms=("403",)), ["Record locked"]),
        (Search(terms=("100%",)), ["payroll is 100% new"]),
        (Search(terms=("%",)), ["payroll is 100% new"]),
        (Search(substring="AY"), ["PAYROLL locked", "Payroll written", "payroll is 100% new"]),
        (Search(substring="0% n"), ["payroll is 100% new"]),
        (Search(substring="nc-47"), ["Payroll written"]),
        (Search(regex="^P.*n$"), ["Payroll written"]),
        (Search(regex="(?i)^payroll (written|is)"), ["Payroll written", "payroll is 100% new"]),
        (Search(record_id="INC-4711"), ["Payroll written"]),
        (Search(record_id="inc-4711"), []),
        (Search(record_id="INC-4711", terms=("locked",)), []),
        (Search(terms=("payroll",), run_id="other"), ["payroll is 100% new"]),
        (Search(terms=("payroll",), integration="servicenow"), ["PAYROLL locked", "Payroll written"]),
        (Search(statuses=(Status.ERROR, Status.WARNING)), ["Record locked"]),
        (Search(substring="o", operations=(Operation.CREATE,)), ["payroll is 100% new"]),
        (Search(terms=("payroll",), statuses=(Status.ERROR,)), []),
        (Search(since=NOON + timedelta(minutes=1)), ["PAYROLL locked", "Record locked"]),
        (Search(since=NOON, until=NOON + timedelta(minutes=1)), ["Payroll written"]),
        (Search(problem_id="none"), []),
        (Search(), ["PAYROLL locked", "Record locked", "Payroll written", "payroll is 100% new"]),
    ],
)
def test_what_is_found(lake, search, found):
    assert messages(search_actions(lake.view, search).items) == found
    merge(lake)
    assert messages(search_actions(lake.view, search).items) == found
    assert messages([action for some in stream_search(lake.view, search) for action in some]) == found


def test_a_found_action_is_whole(lake):
    merge(lake)

    found = search_actions(lake.view, Search(terms=("inc-4711",))).items

    assert found == [action for action in of_run(lake, "nightly") if action.source_id == "INC-4711"]


def damage(world, batch_id, *, block, column):
    """Its values."""
    chunk = pq.read_metadata(world.recorder.lake.path_of("actions", batch_id)).row_group(block).column(PLACE[column])
    overwrite(world, batch_id, chunk.dictionary_page_offset, 16)


def damage_rows(world, batch_id, *, block, column):
    """Which row has which of the values."""
    chunk = pq.read_metadata(world.recorder.lake.path_of("actions", batch_id)).row_group(block).column(PLACE[column])
    overwrite(world, batch_id, chunk.dictionary_page_offset + chunk.total_compressed_size - 8, 8)


def overwrite(world, batch_id, start, size):
    path = world.recorder.lake.path_of("actions", batch_id)
    whole = bytearray(path.read_bytes())
    whole[start : start + size] = b"\xff" * size
    path.chmod(0o644)
    path.write_bytes(whole)


def test_only_blocks_that_may_have_a_word_are_read(world):
    """The row group without the word is damaged, and nobody notices."""
    world.record({"message": "common"}, {"message": "common rare"})
    damage(world, merge(world, block_rows=1), block=0, column="message")

    assert messages(search_actions(world.view, Search(terms=("rare",))).items) == ["common rare"]
    with pytest.raises(BatchDamaged):
        search_actions(world.view, Search(terms=("common",)))


def test_of_a_block_that_does_not_have_a_part_of_a_text_no_row_is_read(world):
    """Which row has which message cannot be read, and nobody notices."""
    world.record({"message": "common"}, {"message": "common rare"})
    damage_rows(world, merge(world, block_rows=1), block=0, column="message")

    assert messages(search_actions(world.view, Search(substring="rar")).items) == ["common rare"]
    with pytest.raises(BatchDamaged):
        search_actions(world.view, Search(substring="ommo"))


def test_a_block_whose_values_are_damaged_is_not_passed_over(world):
    world.record({"message": "common"}, {"message": "common rare"})
    damage(world, merge(world, block_rows=1), block=0, column="message")

    with pytest.raises(BatchDamaged):
        search_actions(world.view, Search(substring="rar"))


def test_what_is_kept_is_not_read_again_to_find_a_part_of_a_text(world):
    world.record({"message": "common"}, {"message": "common rare"})
    batch_id = merge(world)
    warm_up(world, batch_id)
    world.recorder.lake.path_of("actions", batch_id).unlink()

    assert messages(search_actions(world.view, Search(substring="rar")).items) == ["common rare"]


def test_what_was_looked_through_is_not_kept(world):
    world.record({"message": "common"}, {"message": "common rare"})
    batch = world.view.batches.open(merge(world))

    search_actions(world.view, Search(substring="rar"))

    assert not world.view.batches.block(batch, 0, is_named=True).is_kept(["message"])


@pytest.mark.parametrize("damage", [b"", b"ARROW1", b"nothing of the kind" * 100])
def test_a_damaged_index_means_a_scan(lake, damage):
    batch_id = merge(lake)
    lake.recorder.lake.token_index_path(batch_id).write_bytes(damage)

    found = search_actions(lake.view, Search(terms=("locked",))).items

    assert messages(found) == ["PAYROLL locked", "Record locked"]


def test_the_index_of_another_batch_means_a_scan(lake):
    merged_id = merge(lake)
    other = lake.record({"message": "something else"})
    files = lake.recorder.lake
    files.put_token_index(merged_id, lambda sink: index_tokens(files.path_of("actions", other.batch_id), sink))

    assert len(search_actions(lake.view, Search(terms=("payroll",))).items) == 3


def test_an_index_that_comes_later_is_used(lake):
    batch_id = merge(lake)
    path = lake.recorder.lake.token_index_path(batch_id)
    path.unlink()
    search_actions(lake.view, Search(terms=("locked",)))
    index(lake, batch_id)

    assert lake.view.batches.open(batch_id).tokens() is not None


def test_a_page_opens_no_batch_that_is_much_too_old(world):
    """A few are looked at side by side, before it is known that the first of them has enough."""
    old = world.record({"message": "old", "happened_at": "2026-11-21T12:00:00Z"})
    for _ in range(MOST_BEGUN):
        world.record({"message": "less old", "happened_at": "2026-11-21T18:00:00Z"})
    world.record({"message": "new"}, {"message": "newer", "happened_at": "2026-11-22T12:00:00Z"})
    world.recorder.lake.path_of("actions", old.batch_id).unlink()

    assert messages(search_actions(world.view, Search(), limit=1).items) == ["newer"]


def test_a_bad_expression_is_refused(world):
    with pytest.raises(InvalidInput, match="regular expression"):
        search_actions(world.view, Search(regex="a("))
    with pytest.raises(InvalidInput, match="regular expression"):
        stream_search(world.view, Search(regex="(?=a)"))


def test_a_foreign_cursor_is_refused(world):
    with pytest.raises(InvalidInput, match="cursor"):
        search_actions(world.view, Search(), cursor="xyz")
