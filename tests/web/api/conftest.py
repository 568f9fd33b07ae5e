from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from web.app import create_app
from web.settings import Settings
from web.workspace import Workspace, open_workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with open_workspace(Settings(data=tmp_path / "data", max_body_bytes=100_000)) as opened:
        yield opened


@pytest.fixture
def api(workspace: Workspace) -> FlaskClient:
    return create_app(workspace).test_client()
