"""A real switch to do harm to: its folder, its process, and what the system says of it.

The process may be run under another program (``strace``, ``faketime``) and with an
environment of its own (a preloaded library).  Its log goes to a file beside the folder.
"""

import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.doubles.served import make_folder

SECONDS_MAX = 30.0
"""How long a start or a stop may take before the plant says that it hangs."""
REPOSITORY = Path(__file__).parents[2]
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

    def kill(self) -> None:
        """SIGKILL, as a crash or the kernel does it."""
        assert self.process is not None
        os.kill(self.pid, signal.SIGKILL)
        self._gone()

    def stop(self) -> float:
        """SIGTERM; return how many seconds it took to be gone.  Raises ``Hangs``."""
        assert self.process is not None
        began = time.monotonic()
        os.kill(self.pid, signal.SIGTERM)
        self._gone()
        return time.monotonic() - began

    def send(self, number: signal.Signals) -> None:
        """Send any signal."""
        os.kill(self.pid, number)

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
    def resident_kib(self) -> int:
        """Its memory, KiB."""
        return int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * PAGE_KIB

    @property
    def descriptors(self) -> int:
        """How many files and sockets it has open."""
        return len(os.listdir(f"/proc/{self.pid}/fd"))  # noqa: PTH208 - counted, not looked at

    def descriptors_left(self, before: int, seconds: float = 5.0) -> int:
        """Return how many more there are than ``before`` when closing has had its time."""
        deadline = time.monotonic() + seconds
        while self.descriptors > before and time.monotonic() < deadline:
            time.sleep(0.05)
        return max(0, self.descriptors - before)

    def logged(self, words: str) -> int:
        """Count the lines of the log with these words."""
        with self.log.open() as lines:
            return sum(words in line for line in lines)

    @property
    def mistakes(self) -> int:
        """Count what went wrong inside and was not meant to."""
        return self.logged('"event": "mistake"') + self.logged("Traceback")


def set_up(root: Path, *options: str, settings: str = "", **how: object) -> Plant:
    """Make a folder with the sample members; ``settings`` is TOML that is put behind its own."""
    folder = make_folder(root, *options)
    with (folder / "switch.toml").open("a") as file:
        file.write(f"\n{settings}\n")
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
