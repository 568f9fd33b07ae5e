"""Named places on the way to disk at which the crash laboratory (``tests/crash``) kills the process.

Without a hook ``reach`` returns at once. The one global of the house: a hook passed down to every file written would
put the laboratory into each signature.
"""

from collections.abc import Callable
from enum import StrEnum


class FaultPoint(StrEnum):
    """Each is reached just after what its name says is done, and before the next step."""

    PUT_BEGUN = "put-begun"  # the file exists under its temporary name, empty
    HALF_WRITTEN = "half-written"  # some piece of it, perhaps still in memory
    WRITTEN = "written"  # all of it, not synced
    SYNCED = "synced"  # the file, still under its temporary name
    RENAMED = "renamed"  # its folder not synced
    SEALED = "sealed"  # all batches of a commit; the index knows none of them
    INDEXED = "indexed"  # and nobody has been answered
    MERGE_CHOSEN = "merge-chosen"  # the merged file is then written as any other, through the points above
    MERGE_SEALED = "merge-sealed"  # the index still has those it replaces
    MERGE_SWAPPED = "merge-swapped"  # replaced files are still there
    MERGE_HALF_DELETED = "merge-half-deleted"  # some of them
    RETENTION_REWRITTEN = "retention-rewritten"
    RETENTION_SWAPPED = "retention-swapped"
    BACKUP_HALF_COPIED = "backup-half-copied"  # one more file
    BACKUP_COPIED = "backup-copied"  # all of them; the manifest is that of the backup before
    BACKUP_NAMED = "backup-named"  # files nobody needs any more are still there


Hook = Callable[[str], None]

_hook: Hook | None = None


def reach(name: str) -> None:
    """Say that the calling thread is at a point."""
    if _hook is not None:
        _hook(name)


def install(hook: Hook | None) -> None:
    """Call ``hook`` with the name of every point that is reached from now on; None calls nobody."""
    global _hook
    _hook = hook
