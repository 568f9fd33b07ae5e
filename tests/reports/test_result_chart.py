import re
from datetime import date
from xml.etree import ElementTree

import pyarrow as pa
import pytest

from query.ready_questions import ChartChoice
from reports.result_chart import draw_plot
from reports.result_plot import ChartKind, columns_to_draw, complete_choice, plot_of

DAYS = pa.table(
    {
        "integration": ["a", "b", "a"],
        "day": [date(2026, 11, 2), date(2026, 11, 1), date(2026, 11, 1)],
        "errors": [3, 1, None],
        "share": [0.5, 0.25, float("nan")],
    }
)


def plot(table, **choice):
    return plot_of(table, complete_choice(ChartChoice(**choice), table))


def test_columns_are_offered_for_what_they_can_be():
    offered = columns_to_draw(DAYS)

    assert offered.amounts == ("errors", "share")
    assert offered.places == ("integration", "day", "errors", "share")


@pytest.mark.parametrize(
    ("choice", "completed"),
    [
        (ChartChoice(kind="bars"), ChartChoice(kind="bars", amount="errors", over="day")),
        (
            ChartChoice(kind="stacked bars"),
            ChartChoice(kind="stacked bars", amount="errors", over="day", by="integration"),
        ),
        (
            ChartChoice(kind="line", amount="share", over="integration", by="nothing such"),
            ChartChoice(kind="line", amount="share", over="integration"),
        ),
    ],
)
def test_columns_nobody_chose_are_guessed_from_their_types(choice, completed):
    assert complete_choice(choice, DAYS) == completed


def test_without_a_number_there_is_nothing_to_draw():
    assert complete_choice(ChartChoice(kind="bars"), pa.table({"a": ["x"]})) is None
    assert plot(pa.table({"a": pa.array([], pa.int64())}), kind="bars") is None


def test_amounts_are_added_up_by_place_and_series_and_times_are_in_order():
    found = plot(DAYS, kind="stacked bars")

    assert found.places == [date(2026, 11, 1), date(2026, 11, 2)]
    assert found.series == {"a": [0, 3], "b": [1, 0]}
    assert (found.highest, found.lowest) == (3, 0)


def test_statuses_come_worst_first_in_their_own_colours():
    table = pa.table({"day": [1, 1, 1], "status": ["OK", "ERROR", "WARNING"], "n": [9, 1, 2]})

    drawn = draw_plot(plot(table, kind="stacked bars", amount="n", over="day", by="status"))

    assert re.findall(r'rect class="([\w-]+)"[^>]*data-amount', drawn) == [
        "status-error",
        "status-warning",
        "status-ok",
    ]


def test_more_series_than_colours_become_others():
    table = pa.table({"word": [f"w{number}" for number in range(20)], "n": list(range(1, 21)), "at": ["x"] * 20})

    found = plot(table, kind="stacked bars", amount="n", over="at", by="word")

    assert list(found.series) == ["w19", "w18", "w17", "w16", "w15", "w14", "w13", "others"]
    assert sum(values[0] for values in found.series.values()) == sum(range(1, 21))


def test_places_that_do_not_fit_are_said():
    found = plot(pa.table({"at": list(range(1000)), "n": [1] * 1000}), kind="bars", amount="n", over="at")

    assert (len(found.places), found.places[-1], found.left_out) == (400, 999, 600)


@pytest.mark.parametrize("kind", list(ChartKind))
@pytest.mark.parametrize(
    "values", [[1], [0, 0], [-3, 5], [0.001, 0.002], [10**18, 1], [-1, -2], [5] * 400], ids=lambda each: str(each)[:20]
)
def test_any_amounts_become_a_drawing_inside_its_frame(kind, values):
    table = pa.table({"at": [f"<place {number}>" for number in range(len(values))], "n": pa.array(values)})

    drawn = ElementTree.fromstring(str(draw_plot(plot(table, kind=kind, amount="n", over="at"), width=340, height=220)))

    heights = [
        (float(shape.get("y")), float(shape.get("y")) + float(shape.get("height")))
        for shape in drawn.iter("{http://www.w3.org/2000/svg}rect")
    ]
    assert all(-0.5 <= top <= bottom <= 220.5 for top, bottom in heights)
    assert "style=" not in ElementTree.tostring(drawn, encoding="unicode")
