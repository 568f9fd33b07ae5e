"""Refused lines, newest first, however many batches they lie in."""

import io

from query.rejects import RejectFilter, find_rejects, list_reject_groups, list_rejects


def refuse(world, lines, *, source="http", code=b"hm"):
    body = b'{"run_id":"r1","status":"%s","message":"m"}\n' % code
    world.recorder.record(io.BytesIO(body * lines), "ndjson", source=source)


def test_pages_go_on_through_batches_that_the_first_look_left_out(world):
    for number in range(5):
        refuse(world, 900, source=f"file {number}")

    cursor, found = None, []
    while True:
        page = find_rejects(world.view, RejectFilter(), limit=1000, cursor=cursor)
        found += page.items
        cursor = page.next_cursor
        if cursor is None:
            break

    places = [(listed.reject.source, listed.reject.line) for listed in found]
    assert places == [(f"file {number}", line) for number in range(4, -1, -1) for line in range(900, 0, -1)]
    assert [listed.reject for listed in list_rejects(world.view, RejectFilter(), limit=4500)] == [
        listed.reject for listed in found
    ]


def test_what_is_rare_is_found_in_the_oldest_batch(world):
    refuse(world, 1, source="rare")
    for _ in range(3):
        refuse(world, 1500)

    found = find_rejects(world.view, RejectFilter(source="rare"), limit=1)

    assert [listed.reject.source for listed in found.items] == ["rare"]
    assert found.next_cursor is None


def test_groups_count_what_is_alike(world):
    refuse(world, 3)
    refuse(world, 2, code=b"kaputt")
    world.recorder.record(io.BytesIO(b"no json\n"), "ndjson", source="file")

    found = list_reject_groups(world.view, RejectFilter())

    assert found.is_all
    assert [(group.source, group.code, group.field, group.count, group.runs) for group in found.groups] == [
        ("file", "malformed-line", None, 1, 0),
        ("http", "unknown-status", "status", 5, 1),
    ]
    assert found.groups[1].message.startswith("'kaputt' is none of")


def test_a_lake_without_rejects_has_none(world):
    assert find_rejects(world.view, RejectFilter()).items == []
    assert list_reject_groups(world.view, RejectFilter()).groups == ()
