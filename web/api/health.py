"""Is it alive, can it take data, how much does it hold: for supervisors and Prometheus, at the root.

And, under /api/v1, whether all is well with the lake: that is for people and what alerts them, for neither a damaged
file nor a nearly full disk gets better by starting the server again.
"""

import json
import os
from datetime import UTC, datetime

from flask import Blueprint, Response
from sqlalchemy import func, select

from ingest.errors import LakeUnavailable
from ingest.index_tables import batches, runs
from web.api.routes import JSON, Answer, Route, workspace
from web.api.schemas import health_as_json
from web.error_pages import RETRY_AFTER_SECONDS
from web.health import build_health

PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"


def get_healthz() -> Response:
    """The process answers."""
    return Response('{"status": "alive"}', content_type=JSON)


def get_readyz() -> Response:
    """The lake can be written and the index asked; otherwise 503, as an ingest request would get."""
    recorder = workspace().recorder
    if not os.access(recorder.lake.root, os.W_OK):
        raise LakeUnavailable(f"{recorder.lake.root} may not be written", hint="check the folder's owner and mount")
    with recorder.index.reading() as connection:
        connection.execute(select(batches.c.batch_id).limit(1))
    return Response('{"status": "ready"}', content_type=JSON)


def get_health() -> Response:
    """Always 200: who asks wants to know what is wrong, and gets to know it."""
    health = build_health(workspace(), now=datetime.now(UTC))
    return Response(json.dumps(health_as_json(health)), content_type=JSON)


def get_metrics() -> Response:
    """What the lake holds, as Prometheus text; 503 and the reason as a comment while the index cannot be asked."""
    try:
        with workspace().recorder.index.reading() as connection:
            held = connection.execute(
                select(
                    batches.c.kind, func.count(), func.coalesce(func.sum(batches.c.rows), 0), func.sum(batches.c.bytes)
                ).group_by(batches.c.kind)
            ).all()
            seen = connection.execute(select(runs.c.progress, func.count()).group_by(runs.c.progress)).all()
    except LakeUnavailable as error:
        reason = " ".join(error.message.split())
        later = {"Retry-After": str(RETRY_AFTER_SECONDS)}
        return Response(f"# {reason}\n", 503, headers=later, content_type=PROMETHEUS)
    lines = [
        *_metric("synclog_batches", "sealed batches", [(f'kind="{kind}"', count) for kind, count, _, _ in held]),
        *_metric("synclog_rows", "rows in sealed batches", [(f'kind="{kind}"', rows) for kind, _, rows, _ in held]),
        *_metric("synclog_bytes", "size of sealed batches", [(f'kind="{kind}"', size) for kind, _, _, size in held]),
        *_metric("synclog_runs", "runs by progress", [(f'progress="{word}"', count) for word, count in seen]),
    ]
    return Response("\n".join(lines) + "\n", content_type=PROMETHEUS)


def _metric(name: str, meaning: str, values: list[tuple[str, int]]) -> list[str]:
    return [f"# HELP {name} {meaning}", f"# TYPE {name} gauge", *(f"{name}{{{label}}} {n}" for label, n in values)]


ROUTES = (
    Route(
        method="GET",
        path="/health",
        view=get_health,
        summary="Whether all is well with disk, index and files",
        detail="Names the damaged files and how many actions of which runs are in them.",
        answers=(Answer(status=200, meaning="what was looked at, and how it is", schema="Health"),),
    ),
)

blueprint = Blueprint("health", __name__)
blueprint.add_url_rule("/healthz", view_func=get_healthz)
blueprint.add_url_rule("/readyz", view_func=get_readyz)
blueprint.add_url_rule("/metrics", view_func=get_metrics)
