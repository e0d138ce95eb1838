"""G6: the sync of a row returns before its answer leaves, seen by the kernel's own eyes.

    python -m tests.chaos.synced_first [--long] [--seed S]

Plan: the switch runs under ``strace``, which shows every write of the journal's log, every
sync and every send over TCP, with what they carry, also where the journal is written by a
process of its own.  Requests have RRNs that stand out; many are
under way at once, so that commits hold several.  An answer with an RRN may be sent only
when a sync has returned that began after the RRN was written to the log.  The banks have the PINs
looked at, so that a request has one row, and no RRN is in the log before its answer's is.
Then the same with two workers: both must answer, and only the process that writes for them sync.
Limit: that the disk keeps what it says it has synced is the disk's.
"""

import asyncio
import os
import re
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread

from atm_switch.wire.message import IsoMessage
from tests.chaos.honest import Honest, Script
from tests.chaos.plant import Plant, running, set_up
from tests.chaos.proof import Found, Goal, Trial, prove, skipped
from tests.doubles.processes import Victim
from tests.doubles.workers import wait_for

REPLIES_SHORT, REPLIES_LONG = 400, 10_000
WORKERS, OF_WORKERS_SHORT, OF_WORKERS_LONG = 2, 204, 5_004
"""And how many replies there are of both."""
LINKS, DEPTH = 3, 4
RRN = re.compile(r"R[0-9]{11}")
CALL = re.compile(r"^(?P<pid>[0-9]+) +(?P<rest>.*)$")
WHOLE = re.compile(r"^(?P<name>[a-z0-9]+)\((?P<arguments>.*)\) += (?P<result>-?[0-9]+)", re.DOTALL)
SENDS = {"write", "writev", "sendto", "sendmsg"}
LOG = "journal.db-wal>"


@dataclass
class Watch:
    """What the trace has shown so far."""

    written: set[str] = field(default_factory=set)
    """In the log, not known to be on disk."""
    syncing: dict[str, set[str]] = field(default_factory=dict)
    """Were in the log when the sync that runs now began, by the thread that syncs."""
    synced: set[str] = field(default_factory=set)
    answered: set[str] = field(default_factory=set)
    early: list[str] = field(default_factory=list)
    """Answers that left before their row was on disk."""
    syncs: int = 0
    answers_of: Counter[str] = field(default_factory=Counter)
    """By the thread that sent them."""
    syncs_of: Counter[str] = field(default_factory=Counter)
    """Those with rows of answers, by the thread that synced."""

    def begins(self, thread: str, name: str, arguments: str) -> None:
        """A call is made."""
        if name == "pwrite64" and LOG in arguments:
            self.written.update(RRN.findall(arguments))
        elif name in {"fdatasync", "fsync"} and LOG in arguments:
            self.syncing[thread] = set(self.written)
        elif name in SENDS and "<TCP" in arguments:
            for rrn in set(RRN.findall(arguments)):
                self.answered.add(rrn)
                self.answers_of[thread] += 1
                if rrn not in self.synced:
                    self.early.append(rrn)

    def returns(self, thread: str, name: str, result: int) -> None:
        """A call has come back."""
        if name in {"fdatasync", "fsync"} and result == 0:
            self.syncs += 1
            rows = self.syncing.pop(thread, set())
            self.syncs_of[thread] += bool(rows)
            self.synced |= rows
            self.written -= rows


def follow(lines: Iterable[str], watch: Watch) -> None:
    """Read a trace; calls that another thread interrupts come in two lines."""
    open_calls: dict[str, str] = {}
    for line in lines:
        found = CALL.match(line)
        if found is None:
            continue
        pid, rest = found["pid"], found["rest"]
        if rest.endswith(("<unfinished ...>\n", "<unfinished ...>")):
            name, _, arguments = rest.partition("(")
            watch.begins(pid, name, arguments)
            open_calls[pid] = name
        elif rest.startswith("<... "):
            result = rest.rpartition(" = ")[2].split(" ")[0]
            watch.returns(pid, open_calls.pop(pid, ""), int(result) if result.isdigit() else -1)
        elif whole := WHOLE.match(rest):
            watch.begins(pid, whole["name"], whole["arguments"])
            watch.returns(pid, whole["name"], int(whole["result"]))


def read(pipe: Path) -> Iterator[str]:
    """Read the trace as it is written."""
    with pipe.open(errors="replace") as lines:
        yield from lines


async def load(script: Script, port: int, replies: int) -> int:
    """Ask so many, several at once on several links; return how many were approved."""
    links = [await Honest.open(script, port) for _ in range(LINKS)]
    approved = 0

    async def worker(link: Honest) -> None:
        nonlocal approved
        for _ in range(replies // (LINKS * DEPTH)):
            plain = script.inquiry()
            message = IsoMessage("0200", {**plain.elements, 37: f"R{plain[37][1:]}"})
            told = await link.ask(message)
            approved += told.code == "00"

    await asyncio.gather(*(worker(link) for link in links for _ in range(DEPTH)))
    return approved


def of_processes(plant: Plant, counts: Counter[str]) -> Counter[str]:
    """Add up by the name of the process what is counted by its threads."""
    named: Counter[str] = Counter()
    for name, pid in plant.processes.items():
        threads = {task.name for task in Path(f"/proc/{pid}/task").iterdir()}
        named[name] += sum(counts[thread] for thread in threads)
    return +named


def traced(root: Path, workers: int, replies: int) -> tuple[bool, str, list[str]]:
    """Trace a load and look at the order; of several workers also at who did what."""
    pipe = root / "trace"
    os.mkfifo(pipe)
    watch = Watch()
    reader = Thread(target=lambda: follow(read(pipe), watch))
    reader.start()
    calls = "trace=pwrite64,fdatasync,fsync,write,writev,sendto,sendmsg"
    strace = ("strace", "-f", "-yy", "-s", "20000", "-e", calls, "-o", str(pipe))
    plant = set_up(root, "--pin", "acquirer", workers=workers, is_patient=True)
    plant.before = strace
    script = Script(plant.folder)
    with running(plant):
        approved = asyncio.run(load(script, plant.port, replies))
        wait_for(lambda: len(watch.answered) >= approved)
        answers, syncs = (of_processes(plant, one) for one in (watch.answers_of, watch.syncs_of))
        plant.stop()
    reader.join()
    got = (
        f"{len(watch.answered):,} answers ({approved:,} approved) behind {watch.syncs:,} syncs: "
        f"{len(watch.early)} left before their row was on disk"
    )
    is_held = not watch.early and len(watch.answered) == approved >= replies * 9 // 10
    if workers > 1:
        got = f"with {workers} workers {got}; answers {dict(answers)}, syncs of rows {dict(syncs)}"
        are_all = answers.total() == watch.answers_of.total()
        is_held &= are_all and len(answers) == workers and syncs.keys() == {Victim.WRITER.value}
    return is_held, got, watch.early[:5]


def measure(trial: Trial) -> Found:
    """Trace a switch of one worker, then of two."""
    if shutil.which("strace") is None:
        return skipped("strace is not installed (apt-get install strace)")
    parts = []
    for workers, short, long in (
        (1, REPLIES_SHORT, REPLIES_LONG),
        (WORKERS, OF_WORKERS_SHORT, OF_WORKERS_LONG),
    ):
        root = trial.root / str(workers)
        root.mkdir()
        parts.append(traced(root, workers, trial.size(short, long)))
    said = "; ".join(said for _, said, _ in parts)
    notes = tuple(rrn for *_, early in parts for rrn in early)
    return Found(said, is_held=all(held for held, *_ in parts), notes=notes)


GOAL = Goal("G6", "sync before every answer", "0 answers before their sync (long: 10,000)", measure)

if __name__ == "__main__":
    prove(GOAL)
