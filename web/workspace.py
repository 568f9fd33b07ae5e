"""What a process works with: settings, recorder, view, watch, rules, what people keep. Built once, then passed on."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Self

from ingest.control import Control
from ingest.problem_notes import list_problem_notes
from ingest.recorder import Recorder
from query.causes import Causes, load_causes
from query.lake_view import LakeView
from query.problem_list import Known
from query.watch import Watch
from web.settings import MIB, Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """One data folder, open for writing and reading."""

    settings: Settings
    recorder: Recorder
    view: LakeView
    control: Control
    watch: Watch
    causes: Causes

    def known(self, now: datetime) -> Known:
        """What is known of problems beside the lake."""
        return Known(causes=self.causes, notes=list_problem_notes(self.control), now=now)

    def close(self) -> None:
        self.view.close()
        self.recorder.close()
        self.control.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_workspace(settings: Settings) -> Workspace:
    """The data folder of these settings, made when it is not there yet."""
    causes = load_causes(Path(settings.causes).expanduser() if settings.causes else None)
    recorder = Recorder.open(settings.data, index_url=settings.index_url)
    control = Control(settings.control_url or f"sqlite:///{settings.data / 'control.sqlite'}")
    view = LakeView(recorder.lake, recorder.index, kept_bytes=settings.search_memory_mb * MIB)
    return Workspace(settings=settings, recorder=recorder, view=view, control=control, watch=Watch(view), causes=causes)
