"""A server in a thread, and data folders copied instead of recorded anew."""

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from werkzeug.serving import make_server

from web.app import create_app
from web.settings import Settings
from web.workspace import Workspace, open_workspace


@contextmanager
def open_copy(data: Path, to: Path) -> Iterator[Workspace]:
    """A copy of a data folder that nobody has open."""
    shutil.copytree(data, to)
    with open_workspace(Settings(data=to)) as workspace:
        yield workspace


@contextmanager
def serving(workspace: Workspace) -> Iterator[str]:
    """The address of a server over the workspace, until the block ends."""
    server = make_server("127.0.0.1", 0, create_app(workspace), threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
