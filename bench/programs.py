"""Programs that are measured against and may not be installed here."""

import shutil
from pathlib import Path


def find_postgresql() -> Path | None:
    """The folder of initdb and postgres; Debian keeps them out of the search path."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    in_path = shutil.which("initdb")
    newest = found[-1] if found else Path(in_path).resolve() if in_path else None
    return newest.parent if newest else None
