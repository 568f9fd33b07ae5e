"""The report of a run on A4. WeasyPrint is imported on first use: loading it takes half a second."""

import re
from typing import NoReturn

from reports.html import drawing_styles, render_run_report_html
from reports.run_report import RunReport


def render_run_report_pdf(report: RunReport) -> bytes:
    """The report as a tagged PDF with outline, title and language."""
    from weasyprint import HTML

    page = _carry_colours(render_run_report_html(report))
    document = HTML(string=page, url_fetcher=_refuse)
    pdf: bytes = document.write_pdf(pdf_tags=True)
    return pdf


def _carry_colours(page: str) -> str:
    """Give every drawing its own style sheet: WeasyPrint does not let that of the page reach into SVG."""
    styles = f"<style>{drawing_styles()}</style>"
    return re.sub(r"<svg\b[^>]*>", lambda opening: opening[0] + styles, page)


def _refuse(url: str) -> NoReturn:
    raise ValueError(f"a report reads nothing from outside, not {url}")
