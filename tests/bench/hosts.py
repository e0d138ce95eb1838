"""The processes a figure runs against: the switch, the switch unjournaled, the usual host."""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

SECONDS = 60
OURS, FORGETFUL, USUAL = "atm_switch", "tests.bench.unjournaled", "tests.bench.usual_host"


@dataclass(frozen=True, slots=True)
class Host:
    """A host that listens."""

    port: int
    process: int


@contextmanager
def running(
    module: str,
    *arguments: str | Path,
    log: Path,
    tree: Path | None = None,
    variables: Mapping[str, str] | None = None,
) -> Iterator[Host]:
    """Run a host for a block, from ``tree`` if given; its log goes to a file.

    It must say where it listens.
    """
    program = [sys.executable, "-m", module, *map(str, arguments)]
    with log.open("w") as said:
        process = subprocess.Popen(
            program, stdout=subprocess.PIPE, stderr=said, text=True, cwd=tree, env=variables
        )
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        if not line.startswith("listening on "):
            raise ChildProcessError(f"{module} does not listen: {log.read_text()[-500:]}")
        yield Host(int(line.rpartition(":")[2]), process.pid)
    finally:
        process.terminate()
        process.wait(SECONDS)
        process.stdout.close()
