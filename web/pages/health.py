"""Health: whether all is well, which files are damaged, what is missing because of them, and what to do."""

from datetime import UTC, datetime
from functools import partial

from flask import Blueprint, render_template

from web.health import build_health
from web.workspace import Workspace


def health_pages(workspace: Workspace) -> Blueprint:
    pages = Blueprint("health_page", __name__)
    pages.add_url_rule("/health", "health", partial(show_health, workspace))
    return pages


def show_health(workspace: Workspace) -> str:
    return render_template("health.html", health=build_health(workspace, now=datetime.now(UTC)))
