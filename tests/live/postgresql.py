"""A PostgreSQL server of our own in a folder, reached by a socket in that folder.

It refuses to run as root: then it runs as the user that Debian's package makes for it.
"""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

PROGRAMS = Path("/usr/lib/postgresql")
USER = "postgres"


@contextmanager
def serving_postgresql() -> Iterator[str]:
    """The SQLAlchemy address of an empty database."""
    programs = max(PROGRAMS.glob("*/bin"), key=lambda folder: int(folder.parent.name))
    user = USER if os.geteuid() == 0 else None
    # Not in pytest's own folders, which only their owner may enter; and a socket's path is short.
    with TemporaryDirectory(prefix="synclog-postgresql-") as name:
        folder = Path(name)
        if user:
            shutil.chown(folder, user)
        made = [programs / "initdb", "-D", folder / "cluster", "-U", USER, "--auth=trust", "-E", "UTF8", "--no-sync"]
        subprocess.run(made, user=user, check=True, stdout=subprocess.DEVNULL, cwd=folder)
        settings = ("-c", "listen_addresses=", "-c", "fsync=off")
        with (folder / "log").open("wb") as log:
            command = [programs / "postgres", "-D", folder / "cluster", "-k", folder, *settings]
            server = subprocess.Popen(command, user=user, stdout=log, stderr=log, cwd=folder)
        try:
            ready = [programs / "pg_isready", "-q", "-h", folder]
            while subprocess.run(ready, check=False).returncode:
                assert server.poll() is None, (folder / "log").read_text()
            yield f"postgresql+psycopg://{USER}@/postgres?host={folder}"
        finally:
            server.send_signal(signal.SIGINT)  # its fast shutdown
            server.wait(timeout=60)
