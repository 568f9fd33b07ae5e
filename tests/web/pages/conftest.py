"""Pages to read, over one cast for all tests, and pages to write through, over a data folder of the test's own."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.web.pages.cast import record_cast
from web.app import create_app
from web.settings import Settings
from web.workspace import Workspace, open_workspace


@pytest.fixture(scope="session")
def cast(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """The cast: only to be read."""
    data = tmp_path_factory.mktemp("cast")
    record_cast(data)
    with open_workspace(Settings(data=data)) as workspace:
        yield workspace


@pytest.fixture(scope="session")
def app(cast: Workspace) -> Flask:
    return create_app(cast)


@pytest.fixture
def pages(app: Flask) -> FlaskClient:
    """Pages over the cast: only to be read."""
    return app.test_client()


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    """The test's own data folder, empty at first."""
    with open_workspace(Settings(data=tmp_path / "data")) as workspace:
        yield workspace


@pytest.fixture
def own_pages(workspace: Workspace) -> FlaskClient:
    return create_app(workspace).test_client()
