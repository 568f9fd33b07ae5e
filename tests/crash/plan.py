"""Which process dies when: at every named point, and at moments that chance picks."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from ingest.fault_points import FaultPoint

LONGEST_LIFE = 0.5  # seconds from the opening of the gate to a random kill of a server
LONGEST_MERGE = 0.15  # seconds from the first merge of a maintenance to a random kill of it
PIECES = 60  # about as many writes a file has

PUT_POINTS = (
    FaultPoint.PUT_BEGUN,
    FaultPoint.HALF_WRITTEN,
    FaultPoint.WRITTEN,
    FaultPoint.SYNCED,
    FaultPoint.RENAMED,
)


class Victim(StrEnum):
    SERVER = "server"
    COMPACTION = "compaction"
    RETENTION = "retention"


ANY_MOMENT = "any moment"
ANY_MOMENT_DISK_FULL = "any moment, disk full"
MOMENTS = (ANY_MOMENT, ANY_MOMENT_DISK_FULL)

MAINTENANCE = (Victim.COMPACTION, Victim.RETENTION)
POINTS = {
    Victim.SERVER: (*PUT_POINTS, FaultPoint.SEALED, FaultPoint.INDEXED),
    Victim.COMPACTION: (
        FaultPoint.MERGE_CHOSEN,
        *PUT_POINTS,
        FaultPoint.MERGE_SEALED,
        FaultPoint.MERGE_SWAPPED,
        FaultPoint.MERGE_HALF_DELETED,
    ),
    Victim.RETENTION: (
        FaultPoint.MERGE_CHOSEN,
        *PUT_POINTS,
        FaultPoint.RETENTION_REWRITTEN,
        FaultPoint.RETENTION_SWAPPED,
        FaultPoint.MERGE_HALF_DELETED,
    ),
}
MOST_TIMES = {Victim.SERVER: 30, Victim.COMPACTION: 3, Victim.RETENTION: 2}
"""A point is reached this often at most before it kills: maintenance does few merges."""

SHARE_BESIDE = 0.2  # of the lives, those with a maintenance beside it that nobody kills
SHARE_TWINS = 0.2
SHARE_FORGETFUL = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Kill:
    """Who is killed and when: at a point reached for the nth time, or without one at a moment chance has picked."""

    victim: Victim
    point: FaultPoint | None = None
    nth: int = 1
    seconds: float = 0.0
    is_disk_full: bool = False

    @property
    def place(self) -> str:
        """Where on its way the victim is, as far as the plan says."""
        return self.point or (ANY_MOMENT_DISK_FULL if self.is_disk_full else ANY_MOMENT)

    def __str__(self) -> str:
        return f"{self.victim} {f'{self.point} #{self.nth}' if self.point else f'after {self.seconds:.3f} s'}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """What happens from one start of a server to its death.

    ``maintenance`` is killed under load before; ``beside`` comes to its end while the server is killed. In a life of
    ``twins`` a second server works on the folder: senders go to the one and the other, with what was cut off as well.
    ``forgets_index``: the index is deleted before the start.
    """

    server: Kill
    maintenance: Kill | None = None
    beside: Victim | None = None
    twins: bool = False
    forgets_index: bool = False

    @property
    def kills(self) -> int:
        return 1 + (self.maintenance is not None)

    def __str__(self) -> str:
        words = [str(self.maintenance or ""), str(self.server), f"{self.beside} beside" if self.beside else ""]
        words += ["twins" * self.twins, "index forgotten" * self.forgets_index]
        return ", ".join(word for word in words if word)


def short(chance: random.Random, *, at_random: int) -> list[Life]:
    """Every point of a server and every step of maintenance once, and some moments."""
    deaths = [_at_point(chance, point, Victim.SERVER) for point in POINTS[Victim.SERVER]]
    deaths += [_at_any_moment(chance, Victim.SERVER) for _ in range(at_random)]
    merges = [_at_point(chance, point, Victim.COMPACTION) for point in POINTS[Victim.COMPACTION]]
    merges += [
        Kill(victim=Victim.RETENTION, point=point)
        for point in POINTS[Victim.RETENTION]
        if point not in POINTS[Victim.COMPACTION]
    ]
    chance.shuffle(deaths)
    return [
        Life(server=death, maintenance=merge, twins=death.point is FaultPoint.SEALED)
        for death, merge in zip(deaths, merges, strict=True)
    ]


def long(chance: random.Random) -> Iterator[Life]:
    """One life after the other, without end: each point as often as every other of its victim, and as any moment.

    The index is not deleted where only it can tell which of two requests was acknowledged: after twins.
    """
    deaths = _in_turn(chance, [Victim.SERVER])
    merges = _in_turn(chance, MAINTENANCE)
    had_twins = False
    while True:
        is_beside = chance.random() < SHARE_BESIDE
        life = Life(
            server=next(deaths),
            maintenance=None if is_beside else next(merges),
            beside=chance.choice(MAINTENANCE) if is_beside else None,
            twins=chance.random() < SHARE_TWINS,
            forgets_index=chance.random() < SHARE_FORGETFUL and not had_twins,
        )
        had_twins = life.twins
        yield life


def full_disk(chance: random.Random, lives: int) -> list[Life]:
    """Servers that die while their disk is full, each at some moment of its own."""
    deaths = (_at_any_moment(chance, Victim.SERVER) for _ in range(lives))
    return [Life(server=replace(death, is_disk_full=True)) for death in deaths]


def _in_turn(chance: random.Random, victims: Sequence[Victim]) -> Iterator[Kill]:
    """Every point in an order of chance, then again in another; every other kill at any moment."""
    while True:
        points = [(victim, point) for victim in victims for point in POINTS[victim]]
        chance.shuffle(points)
        for victim, point in points:
            yield _at_point(chance, point, victim)
            yield _at_any_moment(chance, victim)


def _at_any_moment(chance: random.Random, victim: Victim) -> Kill:
    longest = LONGEST_LIFE if victim is Victim.SERVER else LONGEST_MERGE
    return Kill(victim=victim, seconds=chance.uniform(0, longest))


def _at_point(chance: random.Random, point: FaultPoint, victim: Victim) -> Kill:
    """At one of the first times the point is reached."""
    most = MOST_TIMES[victim] * (PIECES if point is FaultPoint.HALF_WRITTEN else 1)
    return Kill(victim=victim, point=point, nth=chance.randint(1, most))


def some_of(lives: Iterator[Life], kills: int) -> list[Life]:
    """The next lives that have so many kills, or one more."""
    some: list[Life] = []
    while sum(life.kills for life in some) < kills:
        some.append(next(lives))
    return some
