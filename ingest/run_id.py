"""What may name a run: it stands in addresses, file names and command lines."""

import re

from ingest.errors import InvalidRunId

LENGTH_LIMIT = 200
_FORBIDDEN = re.compile(r"[\x00-\x1f\x7f/\\\ud800-\udfff]")


def check_run_id(run_id: str) -> str | None:
    """What is wrong with a run id, None when nothing is."""
    if not run_id:
        return "a run id is not empty"
    if len(run_id) > LENGTH_LIMIT:
        return f"a run id has at most {LENGTH_LIMIT} characters, this one has {len(run_id)}"
    if run_id in (".", ".."):
        return "a run id is not a dot or two"
    found = _FORBIDDEN.search(run_id)
    return f"a run id has no {_shown(found.group())}: use - or : instead" if found else None


def require_run_id(run_id: str) -> str:
    """The run id itself. Raises InvalidRunId."""
    fault = check_run_id(run_id)
    if fault:
        raise InvalidRunId(fault, field="run_id")
    return run_id


def _shown(character: str) -> str:
    if character > "\x7f":
        return "half of a surrogate pair"
    return {"/": "slash", "\\": "backslash"}.get(character, "control character")
