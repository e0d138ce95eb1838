"""The load of the bench, in a process of its own: one JSON line says what came of it.

    python -m tests.bench.generator WISHES     WISHES: the fields of ``Wishes`` as JSON

Plan: a closed loop (so many in flight) or an open one (a fixed rate).  Every answer is matched
to its request.  Without MACs requests and answers are those of ``lean_load``: all answers of the
warm-up are decoded whole, then one in ``lean_line.WHOLE_EVERY``, and how many were is told.  With
a MAC key the load is the emulator's: every answer is decoded whole, its MAC checked.
What it costs itself is counted apart, so that the server's share can be told.
"""

import asyncio
import gc
import json
import os
import random
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from atm_switch.profile.load import load_profile
from atm_switch.server.event_loop import new_loop
from terminal_emulator.address import Address
from terminal_emulator.kit import BARE_KIT, read_kit
from terminal_emulator.load.callers import Card, callers_of, read_cards
from terminal_emulator.load.precise import precise_loop
from terminal_emulator.load.run import Load, Target
from terminal_emulator.load.schedule import constant
from terminal_emulator.load.tally import Tally, percentile
from tests.bench.hosts import Host
from tests.bench.lean_load import LeanLoad

CORES: Final = len(os.sched_getaffinity(0))
"""Those that host and load share."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """One run of load."""

    port: int
    cards: str
    """A file, ``PAN PIN`` or as cards.csv has it."""
    seconds: float
    kit: str = ""
    links: int = 4
    terminals: int = 16
    """At least as many as there are links."""
    in_flight: int = 64
    """Of all links together."""
    rate: float = 0.0
    """Requests a second; 0 is the closed loop."""
    core: int | None = None
    warm_up: float = 0.5


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run brought.  Times in milliseconds, CPU in microseconds an answer."""

    answered: int
    per_second: float
    p50: float
    p99: float
    cpu_us: float
    server_cpu_us: float
    codes: dict[str, int]
    faults: dict[str, int]
    whole: int
    """Answers that were decoded whole."""

    @property
    def is_clean(self) -> bool:
        """Whether every request was approved."""
        return not self.faults and set(self.codes) == {"00"}

    @property
    def per_second_of_a_core(self) -> float:
        """Answers a second for each core that the load did not take: it is counted apart."""
        return self.per_second / (CORES - self.per_second * self.cpu_us / 1e6)

    @property
    def load(self) -> str:
        """What the load cost, and how much of what came it decoded whole."""
        return f"load {self.cpu_us:.0f} us, {self.whole:,} of {self.answered:,} decoded whole"


def run(wishes: Wishes, host: Host) -> Outcome:
    """Load ``host`` from a process of its own, and count the CPU of both, its children's too."""
    asked = json.dumps({**asdict(wishes), "port": host.port})
    program = [sys.executable, "-m", "tests.bench.generator", asked]
    with subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdout.readline()  # it is warm
        before = cpu_seconds_of_all(host.process)
        process.stdin.close()
        told = json.loads(process.stdout.readline())
        spent = cpu_seconds_of_all(host.process) - before
    if process.returncode:
        raise ChildProcessError(f"the load ended with {process.returncode}")
    return Outcome(**told, server_cpu_us=spent / max(told["answered"], 1) * 1e6)


def cpu_seconds(process: int) -> float:
    """Return the CPU seconds a process has taken, user and system."""
    fields = Path(f"/proc/{process}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def cpu_seconds_of_all(process: int) -> float:
    """Return the CPU seconds of a process and of its children, which all go on."""
    children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return sum(cpu_seconds(one) for one in (process, *map(int, children)))


def _cards(wishes: Wishes) -> list[Card]:
    return read_cards(Path(wishes.cards).read_text(encoding="ascii"))


async def _load(wishes: Wishes) -> dict[str, Any]:
    load = _made(wishes)
    await load.open()
    gc.freeze()  # ten thousand lines: a collection here would be taken for a slow answer
    gc.disable()
    if isinstance(load, LeanLoad):
        load.decode_all(whole=True)
    await _one(load, wishes, wishes.warm_up)
    if isinstance(load, LeanLoad):
        load.decode_all(whole=False)
    sys.stdout.write("warm\n")
    sys.stdout.flush()
    sys.stdin.read()
    before = time.process_time()
    tally = await _one(load, wishes, wishes.seconds)
    spent = time.process_time() - before
    whole = load.whole if isinstance(load, LeanLoad) else tally.answered
    await load.close()
    ordered = tally.ordered()
    return {
        "answered": tally.answered,
        "per_second": tally.answered / max(tally.last_answered, 1e-9),
        "p50": percentile(ordered, 50) * 1000,
        "p99": percentile(ordered, 99) * 1000,
        "cpu_us": spent / max(tally.answered, 1) * 1e6,
        "codes": dict(tally.codes),
        "faults": dict(tally.faults),
        "whole": whole,
    }


def _made(wishes: Wishes) -> Load:
    """Make the load: lean, unless there are MACs to make and to check."""
    profile = load_profile("bpjstk-jht-v1")
    kit = read_kit(Path(wishes.kit)) if wishes.kit else BARE_KIT
    callers = callers_of(
        [kit], _cards(wishes), max(wishes.links, wishes.terminals), profile, datetime.now(UTC)
    )
    target = Target(address=Address("127.0.0.1", wishes.port), profile=profile, seconds=10.0)
    chance = random.Random(os.getpid())  # noqa: S311 - STANs, not keys
    kind = Load if kit.keys().mac else LeanLoad
    return kind(target, callers, wishes.links, chance)


async def _one(load: Load, wishes: Wishes, seconds: float) -> Tally:
    if wishes.rate:
        return await load.open_loop(constant(wishes.rate, seconds))
    return await load.closed_loop(wishes.in_flight, seconds)


if __name__ == "__main__":
    asked = Wishes(**json.loads(sys.argv[1]))
    if asked.core is not None:
        os.sched_setaffinity(0, {asked.core})
    # Timers of the fast loop count milliseconds, and only the open loop has times to keep.
    with asyncio.Runner(loop_factory=precise_loop if asked.rate else new_loop) as runner:
        sys.stdout.write(json.dumps(runner.run(_load(asked))) + "\n")
