"""Whole inquiries over TCP while files are imported into the same ledger, for ``ledger_bench``.

Plan: a switch of its own data folder, its journal synced before every answer, is asked at a
fixed rate by the emulator's load; in turns alone, beside an import that reads its files, and
beside one that checks and books them.  The p99 of a round is its fifteenth worst.
Limits: switch, load and import share the machine's cores; the import gives way as
``atm-switch ledger import`` does.
"""

import json
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from statistics import fmean, median
from typing import Any

import click

from tests.doubles.served import Served, make_folder, run, serve
from tests.figures.ledger_importing import Beside, Met

PER_SECOND, SECONDS, ROUNDS = 100, 15, 7

Importing = Callable[[Path, Beside], AbstractContextManager[Met]]
"""Imports into the ledger of a data folder for the length of a block."""


def inquiries_beside(root: Path, url: str, importing: Importing) -> dict[str, Any]:
    """Ask in turns alone and beside each part of an import.

    Returns the median p99 of the rounds in microseconds, by what it was beside; how often it is
    that of the rounds alone; and which share of the time was which phase.
    """
    folder = _folder(root, url)
    calm: list[float] = []
    busy: dict[Beside, list[float]] = {wanted: [] for wanted in Beside}
    shares: dict[str, list[float]] = {}
    with serve(folder) as served:
        _p99(served, folder)  # warms up
        for _ in range(ROUNDS):  # in turns, for all to meet the same noise
            calm.append(_p99(served, folder))
            for wanted, taken in busy.items():
                with importing(folder, wanted) as met:
                    taken.append(_p99(served, folder))
                for phase in wanted.value:
                    shares.setdefault(phase, []).append(met.shares.get(phase, 0.0))
    return {
        "calm_p99_us": median(calm),
        **{f"{name(wanted)}_p99_us": median(taken) for wanted, taken in busy.items()},
        **{f"times_slower_{name(wanted)}": median(busy[wanted]) / median(calm) for wanted in busy},
        "met": {phase: round(fmean(each), 2) for phase, each in shares.items()},
    }


def name(wanted: Beside) -> str:
    """Name a part of an import among the figures."""
    return wanted.name.lower()


def _folder(root: Path, url: str) -> Path:
    """Make a data folder whose sample members are in its file, or at ``url``."""
    folder = make_folder(root, "--pin", "acquirer", is_patient=False)
    if url:
        settings = folder / "switch.toml"
        settings.write_text(settings.read_text() + f'\n[ledger]\nurl = "{url}"\n')
        sample = folder / "sample"
        _done("ledger", "import", folder, sample / "participants.csv", sample / "postings.csv")
        _done("cards", "link", folder, sample / "cards.csv")
    return folder


def _done(*words: str | Path) -> None:
    done = run(*words)
    if done.returncode:
        raise click.ClickException(done.stderr)


def _p99(served: Served, folder: Path) -> float:
    words = [
        *("load", "--connect", served.address, "--kit", str(folder / "terminal-kit.json")),
        *("--rate", str(PER_SECOND), "--for", f"{SECONDS}s", "--terminals", "8", "--json"),
    ]
    done = subprocess.run(
        [sys.executable, "-m", "terminal_emulator", *words],
        capture_output=True,
        text=True,
        check=True,
        timeout=10 * SECONDS + 60,
    )
    told = json.loads(done.stdout)
    if told["codes"] != {"00": told["due"]}:
        raise click.ClickException(f"not every inquiry was approved: {told['codes']}")
    return 1000 * float(told["milliseconds"]["p99"])
