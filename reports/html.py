"""The report of a run as one HTML page that needs nothing beside it: style sheets inside, no scripts, no links out."""

import base64
import hashlib
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from reports.charts import operation_bar, proportion_bar, stacked_bars
from reports.problem_wording import PROBLEM_FILTERS
from reports.run_report import RunReport
from reports.wording import FILTERS

TEMPLATES = Path(__file__).parent / "templates"


def render_run_report_html(report: RunReport) -> str:
    """The whole page as text."""
    template = _environment().get_template("run_report.html")
    chart = stacked_bars(report.timeline, width=680, height=190)
    return template.render(report=report, run=report.run, now=report.reported_at, chart=chart, styles=_styles())


def report_security_policy() -> str:
    """The Content-Security-Policy to serve the page with: its own style sheet and nothing else."""
    digest = base64.b64encode(hashlib.sha256(_styles().encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


@cache
def drawing_styles() -> str:
    """The colours of drawings, apart because in print each drawing has to carry them itself."""
    return (TEMPLATES / "drawings.css").read_text(encoding="utf-8")


@cache
def _styles() -> Markup:
    return Markup((TEMPLATES / "print.css").read_text(encoding="utf-8") + drawing_styles())


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update({**FILTERS, **PROBLEM_FILTERS})
    environment.filters.update(operation_bar=operation_bar, proportion_bar=proportion_bar)
    return environment
