"""Which batches count when several hold the same rows.

A merged batch takes the place of those it names. Two name the same one when a process lost the lead while it merged:
then not all of both can count. Nothing may be lost, and nothing counted twice: so those are looked for that together
hold every row once, the ones begun last first. Only where there are none, because files that were replaced are gone
already, rows are there twice rather than not at all.
"""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence, Set

from ingest.footer import BatchFooter

logger = logging.getLogger(__name__)

MOST_TRIES = 5_000


def find_replacers(
    footers: Sequence[BatchFooter], elsewhere: Mapping[str, str], live_among: Callable[[Sequence[str]], Iterable[str]]
) -> dict[str, str]:
    """The batches that do not count because their rows are in others, each with one of these.

    ``elsewhere`` has those that were replaced before, and by which; ``live_among`` gives those that count before any
    of ``footers`` does.
    """
    by: dict[str, str] = {name: elsewhere[name] for footer in footers if (name := footer.batch_id) in elsewhere}
    disputed = False
    for footer in footers:
        for old in footer.replaces:
            disputed |= old in elsewhere or by.get(old, footer.batch_id) != footer.batch_id
            by[old] = footer.batch_id
    if not disputed:
        ours = {footer.batch_id for footer in footers}
        return {name: other for name, other in by.items() if name in ours}
    names = sorted({name for footer in footers for name in (footer.batch_id, *footer.replaces)})
    return _Succession(footers, elsewhere, set(live_among(names))).replacers()


def all_replaced_by(batch_id: str, merges: Mapping[str, BatchFooter]) -> list[str]:
    """The batches that a merge names, and those that the merges among them name."""
    olds = dict.fromkeys(merges[batch_id].replaces)
    for old in merges[batch_id].replaces:
        if old in merges:
            olds |= dict.fromkeys(all_replaced_by(old, merges))
    return list(olds)


class _Succession:
    """One look at batches of which some are replaced by several."""

    def __init__(self, footers: Sequence[BatchFooter], elsewhere: Mapping[str, str], live: Set[str]) -> None:
        self._footers = {footer.batch_id: footer for footer in footers}
        self._elsewhere = elsewhere
        self._covers: dict[str, frozenset[str]] = {}
        self._tries = 0
        for name in sorted(self._footers):
            self._cover_of(name)
        plain = {name for name, footer in self._footers.items() if not footer.replaces}
        self._alone = (plain | live) - elsewhere.keys()

    def replacers(self) -> dict[str, str]:
        merged = sorted((name for name, footer in self._footers.items() if footer.replaces), reverse=True)
        wanted = self._all_of(self._footers)
        wanted -= self._elsewhere.keys() | self._all_of(self._elsewhere)
        chosen: set[str] = set()
        usable = [name for name in merged if name not in self._elsewhere]
        for group in _groups(usable, self._covers):
            atoms = self._all_of(group) & wanted
            self._tries = 0
            found = self._once(atoms, group)
            chosen |= self._at_least_once(atoms, group) if found is None else found
        held = dict(self._elsewhere) | {old: name for name in sorted(chosen) for old in self._covers.get(name, (name,))}
        return {
            name: next(held[old] for old in (name, *sorted(self._covers[name])) if held.get(old, name) != name)
            for name in self._footers
            if name not in chosen and any(held.get(old, name) != name for old in (name, *self._covers[name]))
        }

    def _cover_of(self, name: str) -> frozenset[str]:
        """The batches whose rows one holds, as far down as they are known: of one that is not merged, itself."""
        if name not in self._covers:
            footer = self._footers.get(name)
            if footer is None or not footer.replaces:
                self._covers[name] = frozenset((name,))
            else:
                self._covers[name] = frozenset[str]().union(*map(self._cover_of, footer.replaces))
        return self._covers[name]

    def _all_of(self, names: Iterable[str]) -> frozenset[str]:
        """What these hold together."""
        return frozenset[str]().union(*(self._covers.get(name, (name,)) for name in names))

    def _once(self, wanted: frozenset[str], merged: Sequence[str]) -> set[str] | None:
        """Batches that hold all that is wanted once; None where there are none, or none are found in good time."""
        self._tries += 1
        if self._tries > MOST_TRIES:
            return None
        merged = [name for name in merged if self._covers[name] <= wanted]
        others = wanted - self._all_of(merged)
        if not others <= self._alone:
            return None
        chosen = set(others)
        for group in _groups(merged, self._covers):
            atoms = self._all_of(group)
            found = next(
                (
                    {name, *rest}
                    for place, name in enumerate(group)
                    if (rest := self._once(atoms - self._covers[name], group[place + 1 :])) is not None
                ),
                set(atoms) if atoms <= self._alone else None,
            )
            if found is None:
                return None
            chosen |= found
        return chosen

    def _at_least_once(self, wanted: frozenset[str], merged: Sequence[str]) -> set[str]:
        """Batches that hold all that is wanted, some of it several times."""
        chosen = [*merged, *sorted(wanted & self._alone)]
        for name in sorted(chosen, key=lambda each: (len(self._covers.get(each, (each,))), each)):
            others = self._all_of(each for each in chosen if each != name)
            if self._all_of([name]) & wanted <= others:
                chosen.remove(name)
        logger.error("rows are in several batches and cannot be told apart", extra={"batches": sorted(chosen)})
        return set(chosen)


def _groups(merged: Iterable[str], covers: Mapping[str, frozenset[str]]) -> list[list[str]]:
    """Those together that share rows, the ones begun last first."""
    leader: dict[str, str] = {}

    def find(name: str) -> str:
        while leader.setdefault(name, name) != name:
            leader[name] = name = leader[leader[name]]
        return name

    names = sorted(merged, reverse=True)
    for name in names:
        for atom in covers[name]:
            leader[find(atom)] = find(name)
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(find(name), []).append(name)
    return list(groups.values())
