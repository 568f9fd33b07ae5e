"""The short form of the laboratory: every point once, some random kills. The long one is ``make crash``."""

import random
from pathlib import Path

import pytest

from tests.crash import plan
from tests.crash.laboratory import Laboratory

SEED = 20_260_601


@pytest.mark.timeout(300)
def test_nothing_acknowledged_is_lost_or_doubled_by_a_kill(tmp_path: Path) -> None:
    """What is asked of processes is the same every time; what else they do at that moment is not."""
    print(f"seed {SEED}")
    lives = plan.short(random.Random(SEED), at_random=4)

    findings = Laboratory(data=tmp_path / "lab" / "data").run(lives)

    assert (findings.faults, findings.missed) == ([], [])
    assert {kill.point for kill, _ in findings.kills} >= {point for points in plan.POINTS.values() for point in points}
