"""The experiment: processes killed at chosen points and at random moments, and a judgement after every kill.

Between the death of a server and the next start nothing touches the data folder, unless the plan has the index
deleted. Senders wait at a gate while a judgement is made, so that what they were told and what is there can be compared
exactly. What a maintenance that was killed leaves in the index is its lease, for a minute; so much time is said to have
passed before the next.
"""

import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from ingest.fault_points import FaultPoint
from tests.crash.answers import LONGEST_WAIT, list_runs, wrong_ends, wrong_removals, wrong_rows, wrong_totals
from tests.crash.archive import RULES, Archive
from tests.crash.evidence import LakeReader, Verdict, judge
from tests.crash.plan import Kill, Life, Victim
from tests.crash.senders import Gate, Sender, crowd
from tests.crash.small_disk import fill
from tests.live.conftest import COMMAND, environment

ENTRY = (sys.executable, str(Path(__file__).with_name("entry.py")))
KILLED = -signal.SIGKILL
SERVE = ("serve", "--port", "0")
COMMANDS = {Victim.COMPACTION: ("compact", "--grace", "0"), Victim.RETENTION: ("retain", "--grace", "0")}
# Who maintains the lake, and when, the plan decides.
SETTINGS = {"SYNCLOG_MAINTAIN_SECONDS": "0", "SYNCLOG_RETENTION": RULES}
OVERLAP = 0.2  # seconds a twin goes on alone
PUT_OFF_BEFORE_DEATH = 20  # requests refused for want of room

Process = subprocess.Popen[str]


@dataclass(slots=True, kw_only=True)
class Findings:
    """What came of an experiment: each kill with its verdict, and in words whatever was not as it should be."""

    kills: list[tuple[Kill, Verdict]] = field(default_factory=list)
    missed: list[Kill] = field(default_factory=list)  # the victim came to its end without reaching the point
    starts: list[float] = field(default_factory=list)
    full_starts: list[bool] = field(default_factory=list)  # whether it started while the disk was full
    faults: list[str] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Laboratory:
    """One data folder, its servers and its senders. Whatever else they leave is in the folder around it."""

    data: Path
    gate: Gate = field(default_factory=Gate)
    findings: Findings = field(default_factory=Findings)
    senders: list[Sender] = field(init=False)
    archive: Archive = field(init=False)
    reader: LakeReader = field(init=False)

    def __post_init__(self) -> None:
        self.senders = crowd(self.gate)
        self.archive = Archive(number=len(self.senders) + 1)
        self.reader = LakeReader(self.data / "lake")
        self.temporary.mkdir(parents=True)

    @property
    def log(self) -> Path:
        return self.data.with_name("server.log")

    @property
    def temporary(self) -> Path:
        return self.data.with_name("tmp")

    @property
    def ballast(self) -> Path:
        return self.data.with_name("ballast")

    @property
    def environment(self) -> dict[str, str]:
        return environment() | SETTINGS | {"TMPDIR": str(self.temporary)}

    def run(self, lives: Sequence[Life], progress: Callable[[Life], None] = lambda life: None) -> Findings:
        """Everything in the plan, and the end: all requests are brought home, and all is compared once more."""
        threads = [threading.Thread(target=sender.send_until_stopped, daemon=True) for sender in self.senders]
        for thread in threads:
            thread.start()
        try:
            for life in lives:
                self._live(life)
                progress(life)
        finally:
            self.gate.stopping.set()
        with self.server() as (_, port):
            self.gate.open(port)  # what was cut off last comes home
            for thread in threads:
                thread.join()
        self.findings.faults += [failure for sender in self.senders for failure in sender.failures]
        self._judge_at_the_end()
        return self.findings

    @contextmanager
    def server(self, *entry: str) -> Iterator[tuple[Process, int]]:
        """A server, through the entry when that is armed, and its port. It is stopped if it has not been killed."""
        begun = time.monotonic()
        with self.log.open("a") as log, self._start(log, *entry) as process:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            assert url, f"the server did not start: {self.log.read_text()[-2000:]}"
            self.findings.starts.append(time.monotonic() - begun)
            try:
                yield process, int(url.rpartition(":")[2])
            finally:
                if process.poll() is None:
                    process.terminate()
                code = process.wait(LONGEST_WAIT)
        if code not in (0, KILLED):
            self.findings.faults.append(f"the server ended with {code}")

    def _start(self, log: object, *entry: str) -> Process:
        command = [*(entry or COMMAND), "--data", str(self.data), *SERVE]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, env=self.environment)  # type: ignore[call-overload, no-any-return]

    def _live(self, life: Life) -> None:
        if life.forgets_index:
            self._forget_index()
        with ExitStack() as stack:
            armed = entry_of(life.server) if life.server.point else ()
            servers = [stack.enter_context(self.server(*armed))]
            self._compare_totals(servers[0][1])
            if life.twins:
                servers.append(stack.enter_context(self.server()))
            ports = [port for _, port in servers]
            self.gate.open(*ports)
            if life.maintenance is not None:
                self._kill_maintenance(life, life.maintenance, *servers[0])
                self.gate.open(*ports)
            with self._maintaining(life.beside):
                self._kill_server(life, servers[0][0])
            if life.twins:
                self.gate.stopping.wait(OVERLAP)
            for process, _ in servers:
                process.kill()  # with whatever is under way
            self.gate.close()
        self._judge(life.server, is_settled=not life.twins)
        if life.server.is_disk_full:
            self._start_on_full_disk()

    def _kill_server(self, life: Life, process: Process) -> None:
        if life.server.is_disk_full:
            self._fill_disk()
        if life.server.point:
            process.wait(LONGEST_WAIT)
        else:
            self.gate.stopping.wait(life.server.seconds)
            process.kill()

    def _kill_maintenance(self, life: Life, kill: Kill, process: Process, port: int) -> None:
        """Under load. Then what the files say is judged, and what a server says that works on."""
        is_killed = self._maintain(kill.victim, entry_of(kill)) == KILLED
        self.gate.close()
        if is_killed:
            self._judge(kill, is_settled=not life.twins)
        else:
            self.findings.missed.append(kill)
        if process.poll() is None and not life.twins:
            self.findings.faults += wrong_totals(list_runs(port), self.reader.read(), self.archive)

    @contextmanager
    def _maintaining(self, beside: Victim | None) -> Iterator[None]:
        """A maintenance that comes to its end whatever happens to servers."""
        if beside is None:
            yield
            return
        with ThreadPoolExecutor(1) as thread:
            code = thread.submit(self._maintain, beside, COMMAND)
            yield
        if code.result():
            self.findings.faults.append(f"{beside} beside a server ended with {code.result()}")

    def _maintain(self, victim: Victim, command: Sequence[str]) -> int:
        """Its exit code."""
        self._let_lease_end()
        self.archive.grow(self.data)
        arguments = [*command, "--data", str(self.data), *COMMANDS[victim]]
        done = subprocess.run(arguments, capture_output=True, text=True, env=self.environment, timeout=LONGEST_WAIT)
        if done.returncode not in (0, KILLED):
            self.findings.faults.append(f"{victim} ended with {done.returncode}: {done.stderr[-1000:]}")
        return done.returncode

    def _let_lease_end(self) -> None:
        with closing(sqlite3.connect(self.data / "index.sqlite", timeout=LONGEST_WAIT)) as index, index:
            index.execute("update leases set until_us = 0")

    def _forget_index(self) -> None:
        for derived in self.data.glob("index.sqlite*"):
            derived.unlink()

    def _fill_disk(self) -> None:
        """Return once requests are refused for want of room."""
        refused = sum(sender.put_off for sender in self.senders)
        deadline = time.monotonic() + LONGEST_WAIT
        while sum(sender.put_off for sender in self.senders) < refused + PUT_OFF_BEFORE_DEATH:
            fill(self.ballast)
            self.gate.stopping.wait(0.01)
            assert time.monotonic() < deadline, "the disk is full, and nobody was refused"

    def _start_on_full_disk(self) -> None:
        """It answers, or it says why not and ends; then there is room again."""
        with self.log.open("a") as log, self._start(log) as process:
            assert process.stdout is not None
            has_started = bool(process.stdout.readline())
            if has_started:
                process.kill()
            code = process.wait(LONGEST_WAIT)
        self.findings.full_starts.append(has_started)
        said = self.log.read_text()[-1000:]
        if not has_started and (code != 1 or "\nError: " not in said or "Traceback" in said):
            self.findings.faults.append(f"the start on a full disk ended with {code}: {said}")
        self.ballast.unlink()

    def _judge(self, kill: Kill, *, is_settled: bool) -> None:
        """What the files alone say, before anybody has opened them again.

        What one server had sealed when it died, and another was sent again, is told apart at the next start.
        """
        verdict = judge(self.reader.read(), self.senders, self.archive)
        if not is_settled:
            verdict.doubled = 0
        self.findings.kills.append((kill, verdict))
        if not verdict.is_clean:
            self.findings.faults.append(f"{kill}: {verdict}")

    def _compare_totals(self, port: int) -> list[dict[str, object]]:
        """Held to what it says as soon as it has started, before anything else is sent."""
        evidence, runs = self.reader.read(), list_runs(port)
        verdict = judge(evidence, self.senders, self.archive)
        if not verdict.is_clean:
            self.findings.faults.append(f"after a start: {verdict}")
        self.findings.faults += wrong_totals(runs, evidence, self.archive)
        self.findings.faults += wrong_removals(runs, evidence)
        self.findings.faults += [f"left over: {name}" for name in self.reader.unfinished()]
        return runs

    def _judge_at_the_end(self) -> None:
        self._let_lease_end()
        if self.archive.bodies:
            self._maintain(Victim.RETENTION, COMMAND)
        with self.server() as (_, port):
            before = self._compare_totals(port)
            evidence = self.reader.read()
            if self.archive.bodies and evidence.rows[self.archive.run_id] != len(self.archive.ids_with("ERROR")):
                self.findings.faults.append("retention left something that was due")
            self.findings.faults += wrong_ends(before, self.senders)
            numbers = {sender.name: sender.number for sender in self.senders if not sender.tells_runs}
            numbers |= {self.archive.run_id: self.archive.number}
            self.findings.faults += wrong_rows(port, evidence, numbers)
        self._verify("at the end")
        self._forget_index()
        with self.server() as (_, port):
            if list_runs(port) != before:
                self.findings.faults.append("the index built anew says otherwise")
        self._verify("after the index was built anew")
        self.findings.faults += [f"left over: {path}" for path in self.temporary.iterdir()]

    def _verify(self, when: str) -> None:
        command = [*COMMAND, "--data", str(self.data), "verify"]
        done = subprocess.run(command, capture_output=True, text=True, env=self.environment, timeout=LONGEST_WAIT)
        if done.returncode or done.stdout:
            self.findings.faults.append(f"verify {when}: {done.stdout}{done.stderr}")


def entry_of(kill: Kill) -> tuple[str, ...]:
    """The command that dies so. At any moment of a maintenance is so long after its first merge has begun."""
    return (*ENTRY, str(kill.point or FaultPoint.MERGE_CHOSEN), str(kill.nth), str(kill.seconds))
