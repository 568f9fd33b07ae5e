"""How message masks group the trouble in real logs, beside Drain3 where that is installed.

    python -m bench.templates [FOLDER]

Each folder in FOLDER is one set of logs; without it, the sets that come with the tests. Printed are the groups, and
every pair that only one of the two puts together: to be judged by hand.
"""

import importlib
import importlib.util
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from bench.messages import messages_of
from ingest.problem import TEMPLATE_LIMIT, template_of

OWN = Path("tests/data")
SIMILARITY = 0.4
"""Drain3's own default."""

Groups = Mapping[object, Sequence[str]]


def grouped_by_masks(messages: Iterable[str]) -> Groups:
    groups: dict[object, list[str]] = defaultdict(list)
    for message in messages:
        groups[template_of(message)].append(message)
    return groups


def grouped_by_drain(messages: Iterable[str], similarity: float = SIMILARITY) -> Groups:
    """As Drain3 groups them with its defaults and no masks."""
    config = importlib.import_module("drain3.template_miner_config").TemplateMinerConfig()
    config.drain_sim_th = similarity
    miner = importlib.import_module("drain3.template_miner").TemplateMiner(config=config)
    ids = [(miner.add_log_message(message.replace("\n", " "))["cluster_id"], message) for message in messages]
    groups: dict[object, list[str]] = defaultdict(list)
    for cluster, message in ids:
        groups[cluster].append(message)
    return groups


def put_together_only_by(one: Groups, other: Groups) -> list[tuple[str, str]]:
    """Two messages of each group of ``one`` that the other keeps apart."""
    place = {message: key for key, messages in other.items() for message in messages}
    pairs = []
    for messages in one.values():
        apart = [message for message in messages if place[message] != place[messages[0]]]
        if apart:
            pairs.append((messages[0], apart[0]))
    return pairs


def main(folder: Path) -> None:
    has_drain = importlib.util.find_spec("drain3") is not None
    for place in sorted(path for path in folder.iterdir() if path.is_dir()):
        messages = list(dict.fromkeys(message[:TEMPLATE_LIMIT] for message in messages_of(place)))
        masks = grouped_by_masks(messages)
        print(f"{place.name}: {len(messages)} messages, {len(masks)} groups by masks", end="")
        if not has_drain:
            print()
            continue
        drain = grouped_by_drain(messages)
        print(f", {len(drain)} by Drain3")
        for name, pairs in (
            ("Drain3", put_together_only_by(drain, masks)),
            ("masks", put_together_only_by(masks, drain)),
        ):
            for pair in pairs:
                print(f"  only {name}: " + " | ".join(message[:100].replace("\n", "⏎") for message in pair))


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else OWN)
