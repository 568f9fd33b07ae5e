"""What can be taken away of a run: the report, and its actions as a file of any size."""

from datetime import UTC, datetime
from urllib.parse import quote

from flask import Response

from query.actions import stream_actions
from query.runs import get_run
from reports.html import render_run_report_html, report_security_policy
from reports.pdf import render_run_report_pdf
from reports.run_report import RunReport, build_run_report
from reports.tables import TableFormat, write_actions
from web.api.actions import FILTERS, read_action_filter
from web.api.routes import Answer, Route, workspace

HTML = "text/html; charset=utf-8"
PDF = "application/pdf"


def _build(run_id: str) -> RunReport:
    now = datetime.now(UTC)
    return build_run_report(workspace().view, run_id, now=now, known=workspace().known(now))


def get_report_pdf(run_id: str) -> Response:
    report = _build(run_id)
    return _download(Response(render_run_report_pdf(report), content_type=PDF), run_id, "pdf", opens=True)


def get_report_html(run_id: str) -> Response:
    report = _build(run_id)
    return _download(Response(render_run_report_html(report), content_type=HTML), run_id, "html", opens=True)


def get_actions_csv(run_id: str) -> Response:
    return _stream(run_id, TableFormat.CSV)


def get_actions_ndjson(run_id: str) -> Response:
    return _stream(run_id, TableFormat.NDJSON)


def get_actions_parquet(run_id: str) -> Response:
    return _stream(run_id, TableFormat.PARQUET)


def _stream(run_id: str, table_format: TableFormat) -> Response:
    view = workspace().view
    get_run(view, run_id)
    reader = stream_actions(view, run_id, read_action_filter())
    response = Response(write_actions(reader, table_format), content_type=table_format.media_type)
    return _download(response, run_id, table_format.value)


def _download(response: Response, run_id: str, extension: str, *, opens: bool = False) -> Response:
    """The file name says which run it is; a report opens in the browser, data is saved."""
    manner = "inline" if opens else "attachment"
    name = quote(f"{run_id}.{extension}", safe="")
    response.headers["Content-Disposition"] = f"{manner}; filename*=UTF-8''{name}"
    if extension == "html":
        # The report is one file with its own style sheet inside; it runs no script.
        response.headers["Content-Security-Policy"] = report_security_policy()
    return response


def _data_route(table_format: TableFormat) -> Route:
    views = {
        TableFormat.CSV: get_actions_csv,
        TableFormat.NDJSON: get_actions_ndjson,
        TableFormat.PARQUET: get_actions_parquet,
    }
    media = table_format.media_type.partition(";")[0]
    return Route(
        method="GET",
        path=f"/runs/{{run_id}}/actions.{table_format}",
        view=views[table_format],
        summary=f"All actions of a run as {table_format.upper()}",
        parameters=FILTERS,
        answers=(Answer(status=200, meaning="streamed, any size", media=(media,)),),
        errors=(404,),
    )


ROUTES = (
    Route(
        method="GET",
        path="/runs/{run_id}/report.pdf",
        view=get_report_pdf,
        summary="The troubleshooting report of a run as PDF",
        answers=(Answer(status=200, meaning="the report", media=(PDF,)),),
        errors=(404,),
    ),
    Route(
        method="GET",
        path="/runs/{run_id}/report.html",
        view=get_report_html,
        summary="The troubleshooting report of a run as one HTML file",
        answers=(Answer(status=200, meaning="the report", media=("text/html",)),),
        errors=(404,),
    ),
    *(_data_route(table_format) for table_format in TableFormat),
)
