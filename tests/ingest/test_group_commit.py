import threading
from collections.abc import Sequence

import pytest

from ingest.group_commit import GroupCommit


def test_a_lone_sender_is_committed_alone() -> None:
    committed: list[list[str]] = []
    group = GroupCommit[str](lambda items: committed.append(list(items)))

    group.submit("a")
    group.submit("b")

    assert committed == [["a"], ["b"]]


def test_what_waits_is_committed_before_it_closes() -> None:
    committed: list[str] = []
    group = GroupCommit[str](committed.extend)
    senders = [threading.Thread(target=group.submit, args=(name,)) for name in "abc"]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join(10)

    group.close()

    assert sorted(committed) == ["a", "b", "c"]


def test_senders_that_wait_together_share_a_commit() -> None:
    groups: list[list[int]] = []
    begun, may_end = threading.Event(), threading.Event()

    def commit(items: Sequence[int]) -> None:
        groups.append(list(items))
        begun.set()
        may_end.wait(10)

    group = GroupCommit[int](commit)
    first = threading.Thread(target=group.submit, args=(0,))
    first.start()
    begun.wait(10)
    others = [threading.Thread(target=group.submit, args=(number,)) for number in range(1, 9)]
    for other in others:
        other.start()
    while group._waiting.qsize() < 8:
        threading.Event().wait(0.001)
    may_end.set()
    for thread in (first, *others):
        thread.join(10)

    assert groups[0] == [0]
    assert [sorted(items) for items in groups[1:]] == [list(range(1, 9))]


def test_everyone_in_a_failed_group_is_told_and_the_next_one_goes_on() -> None:
    failures = iter([OSError("disk"), None])

    def commit(_: Sequence[str]) -> None:
        failure = next(failures)
        if failure:
            raise failure

    group = GroupCommit[str](commit)
    with pytest.raises(OSError, match="disk"):
        group.submit("a")

    group.submit("b")


def test_many_senders_lose_and_double_nothing() -> None:
    committed: list[int] = []
    group = GroupCommit[int](committed.extend)

    def send(start: int) -> None:
        for number in range(start, start + 50):
            group.submit(number)

    senders = [threading.Thread(target=send, args=(start * 50,)) for start in range(16)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join(30)

    assert sorted(committed) == list(range(800))
