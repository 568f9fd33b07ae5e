"""What the operating system is asked to refuse this process, before it runs SQL of a user.

DuckDB's own settings already keep it to the batches it was given; these walls stand behind them, and hold against
writing to those, which DuckDB's settings would permit. Linux has Landlock (kernel 5.13 and later); elsewhere only the
limits apply.
"""

import ctypes
import os
import resource
import struct
import sys
from collections.abc import Iterable

_LANDLOCK_CREATE_RULESET, _LANDLOCK_ADD_RULE, _LANDLOCK_RESTRICT_SELF = 444, 445, 446  # the same on every processor
_ASK_VERSION = 1
_RULE_PATH_BENEATH = 1
_READ_FILE = 1 << 2
_PR_SET_NO_NEW_PRIVS = 38

_FILE_RIGHTS = ((1, 13), (2, 14), (3, 15), (5, 16))
"""(version of Landlock, how many rights to files it knows). All of them are taken away."""


def limit_resources(*, memory_bytes: int, cpu_seconds: int) -> None:
    """No core files, no files at all, and an end even when nobody is left to kill this process."""
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_FSIZE, 0)
    _limit(resource.RLIMIT_CPU, cpu_seconds)
    if sys.platform == "linux":  # other systems count address space in ways no limit fits
        _limit(resource.RLIMIT_AS, memory_bytes)


def read_only_these(paths: Iterable[str]) -> bool:
    """From now on this thread and those it starts can read these files and open no other, nor any connection.

    False where the kernel cannot do that.
    """
    if sys.platform != "linux":
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    version = libc.syscall(_LANDLOCK_CREATE_RULESET, None, ctypes.c_size_t(0), _ASK_VERSION)
    if version < 1:
        return False
    ruleset = _make_ruleset(libc, version)
    for path in paths:
        _allow_reading(libc, ruleset, path)
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or libc.syscall(_LANDLOCK_RESTRICT_SELF, ruleset, 0):
        raise OSError(ctypes.get_errno(), "this process could not be confined")
    os.close(ruleset)
    return True


def _make_ruleset(libc: ctypes.CDLL, version: int) -> int:
    file_rights = (1 << max(count for known, count in _FILE_RIGHTS if known <= version)) - 1
    rights = struct.pack("=Q", file_rights)
    if version >= 4:
        rights += struct.pack("=Q", 0b11)  # TCP: bind, connect
    ruleset: int = libc.syscall(_LANDLOCK_CREATE_RULESET, rights, ctypes.c_size_t(len(rights)), 0)
    if ruleset < 0:
        raise OSError(ctypes.get_errno(), "no Landlock rules could be made")
    return ruleset


def _allow_reading(libc: ctypes.CDLL, ruleset: int, path: str) -> None:
    opened = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        rule = struct.pack("=Qi", _READ_FILE, opened)
        if libc.syscall(_LANDLOCK_ADD_RULE, ruleset, _RULE_PATH_BENEATH, rule, 0):
            raise OSError(ctypes.get_errno(), "no Landlock rule could be made", path)
    finally:
        os.close(opened)


def _limit(kind: int, most: int) -> None:
    _, ceiling = resource.getrlimit(kind)
    most = most if ceiling == resource.RLIM_INFINITY else min(most, ceiling)
    resource.setrlimit(kind, (most, most))
