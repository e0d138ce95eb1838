"""A crowd of quiet peers beside a plant, in a process of its own."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.chaos.plant import REPOSITORY


@dataclass
class Crowd:
    """What is said to them and what they say."""

    process: "subprocess.Popen[str]"

    def left(self, *, again: bool = False) -> tuple[int, int]:
        """Return how many are there and how many were closed; ``again`` connects those anew."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write("again\n" if again else "count\n")
        self.process.stdin.flush()
        there, dropped = self.process.stdout.readline().split()
        return int(there), int(dropped)


@contextmanager
def crowd(port: int, count: int, *options: str) -> Iterator[Crowd]:
    """Have so many connected for a block; they are ready when it begins."""
    command = [sys.executable, "-m", "tests.chaos.quiet_peers", str(port), str(count), *options]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=REPOSITORY,
        process_group=0,
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        try:
            line = process.stdout.readline()
            assert line == "ready\n", f"the crowd is not there: {line!r}"
            yield Crowd(process)
        finally:
            process.stdin.close()
            process.wait(90)
