"""The choice of two runs to compare: any two, or one beside a run that is known already."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from query.compare import find_last_ok
from query.lake_view import LakeView
from query.runs import Run, RunFilter, find_neighbours, find_runs, get_run, list_facets
from web.api.query_parameters import limit_of, text_of
from web.pages.addresses import Arguments, address, said


@dataclass(frozen=True, slots=True, kw_only=True)
class RunChoice:
    """Runs to choose from; with one that is known, those of its integration and configuration."""

    known: Run | None
    previous: str | None
    last_ok: str | None
    runs: Sequence[Run]
    integrations: Sequence[str]
    integration: str | None
    arguments: Arguments
    next_cursor: str | None
    now: datetime

    @property
    def next_address(self) -> str | None:
        return address("/compare", self.arguments, {"cursor": self.next_cursor}) if self.next_cursor else None

    @property
    def first_address(self) -> str | None:
        return address("/compare", said(self.arguments, without=["cursor"])) if "cursor" in self.arguments else None

    @property
    def previous_address(self) -> str | None:
        return self._beside_known(self.previous)

    @property
    def last_ok_address(self) -> str | None:
        return self._beside_known(self.last_ok) if self.last_ok != self.previous else None

    def address_beside(self, run: Run) -> str:
        """This run and the known one, the earlier first."""
        assert self.known is not None
        first, second = sorted((run, self.known), key=lambda each: (each.begun_at, each.run_id))
        return address("/compare", Arguments(), {"a": first.run_id, "b": second.run_id})

    def _beside_known(self, run_id: str | None) -> str | None:
        if run_id is None or self.known is None:
            return None
        return address("/compare", Arguments(), {"a": run_id, "b": self.known.run_id})


def build_run_choice(view: LakeView, arguments: Arguments, *, now: datetime) -> RunChoice:
    """The runs to choose from. Raises RunNotFound for a known run that is not."""
    run_id = text_of("a") or text_of("b")
    known = get_run(view, run_id) if run_id else None
    wanted = RunFilter(integration=text_of("integration"))
    if known is not None:
        wanted = RunFilter(integration=known.integration, configuration=known.configuration)
    found = find_runs(view, wanted, limit=limit_of(), cursor=arguments.get("cursor"))
    return RunChoice(
        known=known,
        previous=find_neighbours(view, known).previous if known else None,
        last_ok=find_last_ok(view, known) if known else None,
        runs=[run for run in found.items if known is None or run.run_id != known.run_id],
        integrations=() if known else list_facets(view).integrations,
        integration=text_of("integration"),
        arguments=arguments,
        next_cursor=found.next_cursor,
        now=now,
    )
