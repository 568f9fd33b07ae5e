"""The process that makes a process for each query of a user: it has all of Python and DuckDB loaded, and forks.

To start such a process anew takes longer than most queries; a fork takes a few milliseconds and shares the memory. This
process runs nothing of a user and has no thread but its own, so that what it forks is whole. ``sandbox_process`` holds
the other end of its socket; when that closes, it ends.
"""

import gc
import os
import signal
import socket
import struct
import sys
import traceback
from collections.abc import Sequence
from typing import NoReturn

import duckdb

from query.sandbox_child import answer, prepare

FRAME = struct.Struct("=cq")
FORK, WAIT, FORGET = b"f", b"w", b"o"
NUMBER = struct.Struct("=q")
PIPES = 3
GONE = -(2**62)
"""Instead of an exit code: there is no such process."""


def main() -> None:
    """Serve the socket that is standard input: fork, say how one ended, forget one."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # an interrupt at a terminal is meant for the process that asked
    connection = prepare()
    gc.disable()  # a fork is over before there is anything to collect, and looking would copy what is shared
    gc.freeze()
    forgotten: set[int] = set()
    with socket.socket(fileno=sys.stdin.fileno()) as door:
        while True:
            frame, pipes, *_ = socket.recv_fds(door, FRAME.size, PIPES)
            if len(frame) < FRAME.size:
                return  # the other end is gone
            what, number = FRAME.unpack(frame)
            if what == FORK:
                door.sendall(NUMBER.pack(_fork(door, pipes, connection)))
            elif what == WAIT:
                door.sendall(NUMBER.pack(_exit_code_of(number)))
            else:
                forgotten.add(number)
            forgotten = {each for each in forgotten if not _is_over(each)}


def _fork(door: socket.socket, pipes: Sequence[int], connection: duckdb.DuckDBPyConnection) -> int:
    """The process id of one that answers what comes through these pipes."""
    child = os.fork()
    if not child:
        _be_child(door, pipes, connection)
    for pipe in pipes:
        os.close(pipe)
    return child


def _be_child(door: socket.socket, pipes: Sequence[int], connection: duckdb.DuckDBPyConnection) -> NoReturn:
    try:
        door.detach()  # standard input was this socket; now it is a pipe
        for number, pipe in enumerate(pipes):
            os.dup2(pipe, number)
            os.close(pipe)
        answer(connection)
    except BaseException:  # whatever happens: this process must not go on as its parent
        traceback.print_exc()
        os._exit(1)
    os._exit(0)  # DuckDB may still be at work on rows nobody waits for


def _exit_code_of(child: int) -> int:
    try:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    except ChildProcessError:
        return GONE


def _is_over(child: int) -> bool:
    try:
        return os.waitpid(child, os.WNOHANG)[0] == child
    except ChildProcessError:
        return True
