"""What the index knows of the lake: all of it, however a batch came there and whoever else writes meanwhile.

A batch may be in the lake that the index was never told of: whoever sealed it was killed before, or is alive and about
to tell it, or to take the batch back because the index is busy. Nobody was told that such a batch is safe.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial

from ingest.batch import received_us_of
from ingest.damage import Damage
from ingest.index import Addition, Index, Look
from ingest.lake import Lake
from ingest.lake_contents import LakeContents, Progress

YOUNG_US = 30_000_000
"""Who has sealed a batch waits some seconds to tell the index of it; after so long it has done so or given up."""


class _TakenBack(Exception):
    """Whoever sealed batches deleted them, because the index was busy with being told of them by somebody else."""

    def __init__(self, batch_ids: set[str], *, are_known: bool) -> None:
        super().__init__()
        self.batch_ids = batch_ids
        self.are_known = are_known


class Awareness:
    """Tells the index of batches in the lake."""

    def __init__(self, lake: Lake, index: Index, *, now_us: Callable[[], int]) -> None:
        self._lake = lake
        self._index = index
        self._now_us = now_us

    def catch_up(self, progress: Progress) -> int:
        """Index the batches in the lake that it does not know, and return how many: footers are read, not actions."""
        added = 0
        while True:
            known = self._index.list_known()
            found = self._contents().read(known, progress)
            names = known | {each.batch_id for each in found}
            strange = [each for each in found if known and not names.issuperset(_replaced_by(each))]
            try:
                added += self._add([each for each in found if each not in strange])
                # Whose rows these have was forgotten: only all footers together tell what counts.
                return self.reindex(progress) if strange else added
            except _TakenBack as taken:
                if taken.are_known:
                    return self.reindex(progress)
            with suppress(_TakenBack):  # those that are not
                added += self._add([each for each in found if each not in strange and not self._is_young(each)])

    def reindex(self, progress: Progress) -> int:
        """Derive the index anew from the lake; returns how many batches it now knows, but for damaged ones.

        Pages show the old index until the new one is complete, and nothing that is recorded meanwhile is left out.
        Raises IndexDamaged.
        """
        self._index.require_whole()
        known: set[str] | None = None
        while True:
            try:
                count = self._telling(partial(self._rebuild, known, progress))
                # What was left out, because it might be taken back, is there by now or gone.
                return count if known is None else count + self.catch_up(progress)
            except _TakenBack as taken:
                known = self._index.list_known() - taken.batch_ids

    def _rebuild(self, known: set[str] | None, progress: Progress, look: Look) -> int:
        """``known`` are the batches that may be young; None is any."""
        contents = self._contents()
        found = contents.read(set(), progress)

        def read() -> list[Addition | Damage]:
            again = contents.read_again(found)
            return [each for each in again if known is None or each.batch_id in known or not self._is_young(each)]

        return self._index.rebuild(read, look)

    def _telling(self, tell: Callable[[Look], int]) -> int:
        """Raises _TakenBack when a batch the index is told of is gone, before its transaction has ended or just as."""
        told: list[Addition] = []

        def look(live: Sequence[Addition]) -> None:
            told[:] = live
            if gone := self._gone_among(live):
                raise _TakenBack(gone, are_known=False)

        count = tell(look)
        # One that was replaced just now is gone too, but not live any more.
        if gone := set(self._index.find_live(sorted(self._gone_among(told)))):
            raise _TakenBack(gone, are_known=True)
        return count

    def _gone_among(self, live: Sequence[Addition]) -> set[str]:
        paths = {each.batch_id: self._lake.path_of(each.batch.footer.kind, each.batch_id) for each in live}
        return {batch_id for batch_id, path in paths.items() if not path.exists()}

    def _is_young(self, found: Addition | Damage) -> bool:
        """Whether the one who sealed it may still wait to tell the index, or be about to take it back."""
        return received_us_of(found.batch_id) > self._now_us() - YOUNG_US

    def _add(self, found: Sequence[Addition | Damage]) -> int:
        if not found:
            return 0
        added = self._telling(lambda look: self._index.add(found, look))
        self._set_overtaken_aside(found)
        return added

    def _set_overtaken_aside(self, found: Sequence[Addition | Damage]) -> None:
        """Batches the index will not know: what they hold was recorded again."""
        known = self._index.list_known()
        for footer in (each.batch.footer for each in found if each.batch is not None):
            if footer.batch_id not in known:
                with suppress(FileNotFoundError):  # its writer was alive, and has taken it back just now
                    self._lake.set_aside(self._lake.path_of(footer.kind, footer.batch_id))

    def _contents(self) -> LakeContents:
        return LakeContents(lake=self._lake, index=self._index, now_us=self._now_us())


def _replaced_by(found: Addition | Damage) -> Sequence[str]:
    return () if found.batch is None else found.batch.footer.replaces
