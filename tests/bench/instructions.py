"""Instructions of a round trip, counted by callgrind: the same number in whatever noise.

Plan: one process runs each trip so many times inside a function of the interpreter that
callgrind switches its count on and off at, and writes a file after each.  The last files are
those of the trips, in their order.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from tests.bench.codec_trips import COUNTED

_INSIDE = "PyRun_StringFlags"
SECONDS_MAX = 900


class Program(NamedTuple):
    """A module that runs each trip it is given so many times."""

    module: str
    calls: int


CODEC = Program("tests.bench.codec_trips", COUNTED)


def missing_for_counting() -> str:
    """Say what is missing here for counting; empty where nothing is."""
    return "" if shutil.which("valgrind") else "valgrind is not installed"


def instructions_of(
    names: Sequence[str], tree: Path, folder: Path, *, is_pure: bool, program: Program = CODEC
) -> dict[str, float]:
    """Count the instructions of one round trip of each of ``names`` of ``program``, from ``tree``.

    ``folder`` is an empty one for the counts.  Raises ``RuntimeError`` where nothing was counted.
    """
    command = [
        "valgrind", "--tool=callgrind", "--collect-atstart=no", f"--toggle-collect={_INSIDE}",
        f"--dump-after={_INSIDE}", f"--callgrind-out-file={folder / 'counted'}",
        sys.executable, "-m", program.module, *names,
    ]  # fmt: skip
    done = subprocess.run(
        command,
        cwd=tree,
        env=environment(tree, is_pure=is_pure) | {"PYTHONHASHSEED": "0"},
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS_MAX,
    )
    files = sorted(folder.glob("counted.*"), key=lambda file: int(file.suffix[1:]))
    totals = [_total(file) for file in files[-len(names) :]]
    if done.returncode or len(totals) < len(names):
        raise RuntimeError(f"callgrind counted nothing: {done.stderr[-500:]}")
    return {name: total / program.calls for name, total in zip(names, totals, strict=True)}


def environment(tree: Path, *, is_pure: bool) -> dict[str, str]:
    """Return the environment of a process that runs from ``tree``, compiled or not."""
    return {
        **os.environ,
        "PYTHONPATH": str(tree),
        "ATM_SWITCH_PURE": "1" if is_pure else "0",
    }


def _total(file: Path) -> int:
    found = re.search(r"^totals: ([0-9]+)$", file.read_text(), re.MULTILINE)
    return int(found[1]) if found else 0
