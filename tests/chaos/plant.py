"""A real switch to do harm to: its folder, its processes, and what the system says of them.

It may be run under another program (``strace``, ``faketime``) and with an environment of its
own (a preloaded library).  Its log goes to a file beside the folder.
Where there is more than one core it is two processes: one answers, and one writes its journal.
What is counted is of both; a kill says which of them it is meant for.
"""

import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import dropwhile, islice
from pathlib import Path
from typing import TypeVar

from atm_switch.server.admin_socket import FILE_NAME, ask_switch
from tests.doubles.processes import Victim, family, processes_of, send
from tests.doubles.served import make_folder
from tests.doubles.workers import with_workers

SECONDS_MAX = 90.0
"""How long a start or a stop may take before the plant says that it hangs."""
Found = TypeVar("Found")
REPOSITORY = Path(__file__).parents[2]
MISTAKES = ('"event": "mistake"', "Traceback")
LINES_SHOWN = 30
PAGE_KIB = resource.getpagesize() // 1024


class Hangs(Exception):
    """What should have come did not."""


@dataclass
class Plant:
    """One data folder and the switch that serves it at the moment."""

    folder: Path
    before: Sequence[str] = ()
    """The program it is run under, with its arguments."""
    environment: Mapping[str, str] = field(default_factory=dict)
    files_max: int | None = None
    """Descriptors it may have; ``None``: as many as this process may."""
    process: "subprocess.Popen[str] | None" = None
    port: int = 0
    began: float = 0.0
    """When it was started last, on the monotonic clock."""

    @property
    def log(self) -> Path:
        """Where its log goes."""
        return self.folder.parent / "switch.log"

    @property
    def pid(self) -> int:
        """The process that serves, also under another program."""
        assert self.process is not None
        if not self.before:
            return self.process.pid
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return int(children.read_text().split()[0])

    def start(self) -> None:
        """Start it and wait until it listens.  Raises ``Hangs``."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith("ATM_")}
        self.began = time.monotonic()
        with self.log.open("a") as stderr:
            self.process = subprocess.Popen(
                [*self.before, sys.executable, "-m", "atm_switch", "serve", str(self.folder)],
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
                env={**kept, "NO_COLOR": "1", **self.environment},
                cwd=REPOSITORY,
                process_group=0,  # Ctrl-C is for whoever does the harm
                preexec_fn=self._bound if self.files_max else None,  # noqa: PLW1509 - no threads yet
            )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line.startswith("listening on "):
            raise Hangs(f"the switch did not start: {self.log.read_text()[-2000:]}")
        self.port = int(line.rpartition(":")[2])

    def _bound(self) -> None:
        limit = self.files_max or 0
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))

    def kill(self, victim: Victim = Victim.ANSWERING) -> None:
        """SIGKILL, as a crash or the kernel does it; beside any but the first it goes on."""
        assert self.process is not None
        self.send(signal.SIGKILL, victim)
        if victim in {Victim.ANSWERING, Victim.BOTH}:
            self._gone()

    def stop(self) -> float:
        """SIGTERM; return how many seconds it took to be gone.  Raises ``Hangs``."""
        return self._stopped([self.pid])

    def stop_all(self) -> float:
        """SIGTERM to all processes at once, as systemd may; all else is as with ``stop``."""
        return self._stopped(family(self.pid))

    def _stopped(self, processes: Sequence[int]) -> float:
        began = time.monotonic()
        for pid in processes:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
        self._gone()
        return time.monotonic() - began

    def send(self, number: signal.Signals, victim: Victim = Victim.ANSWERING) -> None:
        """Send any signal to one of its processes or both; one that is gone is passed over."""
        send(self.pid, number, victim)

    @property
    def is_running(self) -> bool:
        """Whether it has not ended by itself."""
        return self.process is not None and self.process.poll() is None

    def _gone(self) -> None:
        assert self.process is not None
        try:
            self.process.wait(SECONDS_MAX)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise Hangs("the switch does not end") from None
        if self.process.stdout is not None:
            self.process.stdout.close()

    @property
    def processes(self) -> dict[str, int]:
        """Its processes by name (``processes_of``)."""
        return processes_of(self.pid)

    @property
    def memory_kib(self) -> dict[str, tuple[int, int]]:
        """What each has in memory by name, KiB: all of it, and what others may share."""
        return self._of_each(_memory_kib)

    @property
    def resident_kib(self) -> int:
        """The memory of all of them, KiB; the libraries that they share count once."""
        found = self.memory_kib.values()
        alone = sum(resident - shared for resident, shared in found)
        return alone + max((shared for _, shared in found), default=0)

    @property
    def own_kib(self) -> dict[str, int]:
        """The memory that each has made for itself by name, KiB: no page of a file.

        Those, libraries above all, the kernel may drop and read again as it likes.
        """
        return self._of_each(_own_kib)

    @property
    def pss_kib(self) -> dict[str, int]:
        """What each takes by name, KiB, as the kernel has it: a page that others map, in part.

        Nothing where only root may know.
        """
        with suppress(PermissionError):
            return self._of_each(_pss_kib)
        return {}

    @property
    def descriptors_of_each(self) -> dict[str, int]:
        """How many files and sockets each has open, by name."""
        return self._of_each(lambda pid: len(os.listdir(f"/proc/{pid}/fd")))  # noqa: PTH208 - counted, not looked at

    @property
    def descriptors(self) -> int:
        """How many all of them have open."""
        return sum(self.descriptors_of_each.values())

    def _of_each(self, of: Callable[[int], Found]) -> dict[str, Found]:
        found = {}
        for name, pid in self.processes.items():
            with suppress(FileNotFoundError, ProcessLookupError):
                found[name] = of(pid)
        return found

    def descriptors_left(self, before: int, seconds: float = 9.0) -> int:
        """Return how many more there are than ``before`` when closing has had its time."""
        deadline = time.monotonic() + seconds
        while self.descriptors > before and time.monotonic() < deadline:
            time.sleep(0.05)
        return max(0, self.descriptors - before)

    @property
    def tasks(self) -> int:
        """How many tasks its event loop has, or those of all workers, as it tells."""
        return int(ask_switch(self.folder / FILE_NAME, "status", SECONDS_MAX)["tasks"])

    def tasks_left(self, before: int, seconds: float = 9.0) -> int:
        """Return how many more there are than ``before`` when ending has had its time."""
        deadline = time.monotonic() + seconds
        while (now := self.tasks) > before and time.monotonic() < deadline:
            time.sleep(0.05)
        return max(0, now - before)

    def logged(self, words: str) -> int:
        """Count the lines of the log with these words."""
        with self.log.open() as lines:
            return sum(words in line for line in lines)

    def first_mistake(self) -> list[str]:
        """Return the lines of its log around the first thing that was not meant to go wrong."""
        with self.log.open() as lines:
            from_there = dropwhile(lambda line: not any(map(line.__contains__, MISTAKES)), lines)
            return [line.rstrip() for line in islice(from_there, LINES_SHOWN)]

    @property
    def mistakes(self) -> int:
        """Count what went wrong inside and was not meant to."""
        return sum(map(self.logged, MISTAKES))


def _memory_kib(pid: int) -> tuple[int, int]:
    _, resident, shared, *_ = Path(f"/proc/{pid}/statm").read_text().split()
    return int(resident) * PAGE_KIB, int(shared) * PAGE_KIB


def _own_kib(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith(("RssAnon:", "RssShmem:")))


def _pss_kib(pid: int) -> int:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))


def set_up(
    root: Path, *options: str, settings: str = "", workers: int = 1, is_patient: bool = False,
    **how: object,
) -> Plant:  # fmt: skip
    """Make a folder with the sample members; ``settings`` is TOML that is put behind its own.

    Patient is each goal that is not judged by time, but where a ledger that is slow or away is
    looked at.
    """
    folder = make_folder(root, *options, is_patient=is_patient)
    with (folder / "switch.toml").open("a") as file:
        file.write(f"\n{settings}\n")
    if workers > 1:
        with_workers(folder, workers)
    return Plant(folder, **how)  # type: ignore[arg-type]


@contextmanager
def running(plant: Plant) -> Iterator[Plant]:
    """Run it for a block; one that was killed meanwhile may stay so."""
    plant.start()
    try:
        yield plant
    finally:
        if plant.is_running:
            plant.kill()
        elif plant.process and plant.process.stdout:
            plant.process.stdout.close()  # it ended by itself


def allow_many_files() -> int:
    """Let this process and those it starts have as many descriptors as may be; return how many."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard
