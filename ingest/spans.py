"""Spans of time of equal, round length, begun at multiples of it since 1970 UTC. All in microseconds."""

import math

_ROUND_US: tuple[int, ...] = tuple(
    [step * 10**power for power in range(6) for step in (1, 2, 5)]
    + [second * 1_000_000 for second in (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800)]
    + [hour * 3_600_000_000 for hour in (1, 2, 3, 6, 12, 24, 48, 168)]
)


def round_length(first_us: int, last_us: int, spans: int) -> int:
    """The shortest round length of which so many spans reach from first to last."""
    length: int = next((each for each in _ROUND_US if _reach(each, first_us, last_us, spans)), _ROUND_US[-1])
    while not _reach(length, first_us, last_us, spans) and length <= last_us - first_us:
        length *= 2
    return length


def common_length(length: int) -> int:
    """The greatest length of which this round one and every longer one are multiples: at least half of it."""
    return math.gcd(length, *(longer for longer in _ROUND_US if longer > length))


def _reach(length: int, first_us: int, last_us: int, spans: int) -> bool:
    return last_us // length - first_us // length < spans
