"""The pages: one module per subject, each a blueprint that is given the workspace.

overview.py      every integration and what needs attention, also as CSV and JSON
runs.py          Synchronisation Logging, the list of runs, also as CSV and JSON
run_list.py, run_timeline.py and run_rows.py fill it
run.py           Logging Details of one run; run_summary.py and action_table.py fill its two halves
compare.py       two runs side by side; comparison.py and run_choice.py fill it
action.py        one action, as a page and inside the page of its run
search.py        actions of any run by what they say; search_results.py fills the page, search_files.py writes the same
                 as data
record.py        everything that happened to one record; record_page.py fills it
sql.py           SQL over everything; sql_form.py reads its form, sql_page.py and sql_result.py say what it shows
saved_queries.py SQL kept under a name
problems.py      problems across runs, also as CSV and JSON, and one of them; problem_list.py and
                 problem_details.py fill them
rejects.py       refused lines: reject_list.py lists them, reject_mending.py is how they are mended
health.py        whether all is well, damaged files and what to do about them
cells.py         what stands in cells hundreds of times a page
arguments.py     what addresses say, parsed; every page's filters live in its address
addresses.py     addresses that differ from the present one in some arguments
fragments.py     whether htmx asks for a part of a page
"""

from flask import Flask

from web.pages.action import action_pages
from web.pages.compare import compare_pages
from web.pages.health import health_pages
from web.pages.overview import overview_pages
from web.pages.problems import problems_pages
from web.pages.record import record_pages
from web.pages.rejects import rejects_pages
from web.pages.run import run_pages
from web.pages.runs import runs_pages
from web.pages.saved_queries import saved_query_pages
from web.pages.search import search_pages
from web.pages.sql import sql_pages
from web.workspace import Workspace


def register_pages(app: Flask, workspace: Workspace) -> None:
    for pages in (
        overview_pages,
        runs_pages,
        run_pages,
        action_pages,
        compare_pages,
        search_pages,
        record_pages,
        problems_pages,
        rejects_pages,
        sql_pages,
        saved_query_pages,
        health_pages,
    ):
        app.register_blueprint(pages(workspace))
