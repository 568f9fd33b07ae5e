"""A search that is cut off by its time goes on where it stopped, and finds everything once."""

from query.search import Search, looked_back_to, search_actions
from tests.query.test_search import merge, messages


def test_a_search_whose_time_is_over_goes_on_where_it_stopped(world):
    for minute in range(6):
        times = [f"2026-11-22T10:{minute:02}:{second:02}Z" for second in (0, 30)]
        world.record(*({"message": f"{minute} {time}", "happened_at": time} for time in times))
        if minute == 2:
            merge(world)
    expected = messages(search_actions(world.view, Search(substring="2026")).items)
    found, cursor, back_to = [], None, []
    while True:
        page = search_actions(world.view, Search(substring="2026"), limit=5, cursor=cursor, seconds=0)
        found += messages(page.items)
        back_to.append(looked_back_to(page, 5))
        cursor = page.next_cursor
        if cursor is None:
            break

    assert found == expected
    assert len(expected) == 12
    latest = [moment for moment in back_to if moment is not None]
    assert latest == sorted(set(latest), reverse=True)
    assert len(latest) > 2


def test_hits_of_batches_that_reach_into_each_other_are_each_found_once_however_short_the_time(world):
    for batch in range(4):
        seconds = range(batch, 40, 3)
        world.record(*({"message": f"hit {s}", "happened_at": f"2026-11-22T10:00:{s:02}Z"} for s in seconds))
    expected = messages(search_actions(world.view, Search(terms=("hit",)), limit=500).items)
    found, cursor = [], None
    while (page := search_actions(world.view, Search(terms=("hit",)), limit=7, cursor=cursor, seconds=0)).next_cursor:
        found += messages(page.items)
        cursor = page.next_cursor

    assert sorted(found + messages(page.items)) == sorted(expected)
