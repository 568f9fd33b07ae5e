"""Facets count what was found, and say of how much of it."""

from query.search import Search, search_actions
from query.search_facets import search_with_facets
from tests.query.test_search import merge


def values(found):
    return {facet.name: [(value.value, value.count) for value in facet.values] for facet in found.facets}


def test_few_hits_are_all_counted(world):
    world.record(
        {"message": "written", "source_type": "ci", "target_type": "app", "configuration": "prod"},
        {"message": "written", "source_type": "ci", "target_type": "ci", "status": "INFO"},
    )
    world.record({"message": "No permission for 4711", "status": "ERROR", "integration": "signavio"})

    found = search_with_facets(world.view, Search())

    [problem] = [action.problem_id for action in found.page.items if action.status == "ERROR"]
    [other] = [action.problem_id for action in found.page.items if action.status == "INFO"]
    assert (found.counted, found.is_all) == (3, True)
    assert found.page == search_actions(world.view, Search())
    assert values(found) == {
        "status": [("ERROR", 1), ("INFO", 1), ("OK", 1)],
        "operation": [("UPDATE", 3)],
        "integration": [("servicenow", 2), ("signavio", 1)],
        "configuration": [("prod", 1)],
        "type": [("ci", 2), ("app", 1)],
        "problem": sorted([(problem, 1), (other, 1)]),
    }
    [labels] = [{value.value: value.label for value in f.values} for f in found.facets if f.name == "problem"]
    assert labels[problem] != problem
    assert "permission" in labels[problem]


def test_of_many_hits_the_latest_are_counted_with_none_left_out_between(world):
    for day in range(1, 6):
        world.record(*[{"happened_at": f"2026-11-0{day}T12:00:00Z", "code": str(day)}] * 10)
    merge(world, block_rows=10)

    found = search_with_facets(world.view, Search(), limit=15)

    assert (found.counted, found.is_all) == (20, False)
    assert [action.code for action in found.page.items] == ["5"] * 10 + ["4"] * 5


def test_further_values_of_a_field_are_counted(world):
    world.record(*({"configuration": f"c{number:02}"} for number in range(12)))

    [facet] = [f for f in search_with_facets(world.view, Search()).facets if f.name == "configuration"]

    assert [value.value for value in facet.values] == [f"c{number:02}" for number in range(8)]
    assert facet.others == 4
