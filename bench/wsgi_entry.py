"""synclog's WSGI application for a server other than its own; the data folder comes from BENCH_DATA."""

import os
from pathlib import Path

from web.app import create_app
from web.settings import Settings
from web.workspace import open_workspace

application = create_app(open_workspace(Settings(data=Path(os.environ["BENCH_DATA"]))))
