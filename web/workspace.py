"""What a process works with: settings, recorder, view, watch, rules, what people keep. Built once, then passed on."""

import logging
import os
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Self

from ingest.control import Control
from ingest.database import DatabaseDamaged, copy_sqlite
from ingest.errors import LakeUnavailable
from ingest.index_file import WHAT_IS_LOST, with_index_anew
from ingest.problem_notes import list_problem_notes
from ingest.recorder import Recorder
from query.causes import Causes, load_causes
from query.lake_view import LakeView
from query.problem_list import Known
from query.scratch import close_scratch, open_scratch
from query.watch import Watch
from web.settings import MIB, Settings

logger = logging.getLogger(__name__)

INDEX = "index.sqlite"
CONTROL = "control.sqlite"


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """One data folder, open for writing and reading."""

    settings: Settings
    recorder: Recorder
    view: LakeView
    control: Control
    watch: Watch
    causes: Causes
    discard: Callable[[], None]
    """Called at the end, when all else is closed."""

    def known(self, now: datetime) -> Known:
        """What is known of problems beside the lake."""
        return Known(causes=self.causes, notes=list_problem_notes(self.control), now=now)

    def close(self) -> None:
        self.view.close()
        self.recorder.close()
        self.control.close()
        self.discard()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_workspace(settings: Settings, *, renew_index: bool = False) -> Workspace:
    """The data folder of these settings, made when it is not there yet. Raises LakeError.

    ``renew_index``: a damaged index is made anew, instead of an error that says how to do so.
    """
    if not _may_be_written(settings.data):
        raise LakeUnavailable(
            f"the data folder {settings.data} may not be written",
            hint="check its owner and mount; commands that only read, such as synclog runs, work all the same",
        )
    causes = _causes(settings)
    recorder = _open_recorder(settings, renew_index)
    try:
        control = Control(settings.control_url or _sqlite(settings.data / CONTROL))
    except BaseException:
        recorder.close()
        raise
    return _workspace(settings, recorder, control, causes)


def _open_recorder(settings: Settings, renew_index: bool) -> Recorder:
    opening = partial(Recorder.open, settings.data, index_url=settings.index_url)
    if not renew_index:
        return opening()
    recorder, moved = with_index_anew(opening)
    if moved:
        logger.error("index was damaged, it was made anew", extra={"aside": str(moved[0]), "lost": WHAT_IS_LOST})
    return recorder


def open_to_look(settings: Settings) -> Workspace:
    """The same for questions alone. Of a folder that may not be written it works on a copy of the databases.

    The copy of the index is brought up to the lake, and made of it where there is none, in a scratch folder that goes
    with the workspace. So it makes no difference what state the files of SQLite were left in.
    """
    if _may_be_written(settings.data):
        return open_workspace(settings)
    if not os.access(settings.data, os.R_OK | os.X_OK):
        raise LakeUnavailable(f"the data folder {settings.data} may not be read", hint="check its owner and mount")
    causes = _causes(settings)
    folder, lock = open_scratch()
    with ExitStack() as undo:
        undo.callback(close_scratch, folder, lock)
        with suppress(DatabaseDamaged):
            copy_sqlite(settings.data / INDEX, folder / INDEX)
        copy_sqlite(settings.data / CONTROL, folder / CONTROL)
        index_url = settings.index_url or _sqlite(folder / INDEX)
        opening = partial(Recorder.open_to_look, settings.data, index_url=index_url, is_shared=bool(settings.index_url))
        recorder = opening() if settings.index_url else with_index_anew(opening)[0]
        try:
            control = Control(settings.control_url or _sqlite(folder / CONTROL))
        except BaseException:
            recorder.close()
            raise
        return _workspace(settings, recorder, control, causes, discard=undo.pop_all().close)


def _workspace(
    settings: Settings,
    recorder: Recorder,
    control: Control,
    causes: Causes,
    *,
    discard: Callable[[], None] = lambda: None,
) -> Workspace:
    view = LakeView(recorder.lake, recorder.index, kept_bytes=settings.search_memory_mb * MIB)
    return Workspace(
        settings=settings,
        recorder=recorder,
        view=view,
        control=control,
        watch=Watch(view),
        causes=causes,
        discard=discard,
    )


def _causes(settings: Settings) -> Causes:
    return load_causes(Path(settings.causes).expanduser() if settings.causes else None)


def _may_be_written(data: Path) -> bool:
    """As far as can be told without writing; what is not there yet is made later, or fails then."""
    places = (data, data / "lake", data / INDEX, data / CONTROL)
    return all(os.access(place, os.W_OK) for place in places if place.exists())


def _sqlite(path: Path) -> str:
    return f"sqlite:///{path}"
