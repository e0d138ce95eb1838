"""Whole inquiries over TCP while files are imported into the same ledger, for ``ledger_bench``.

Plan: a switch of its own data folder, its journal synced before every answer, is asked at a
fixed rate by the emulator's load; in turns with an import of a nation at work and without.
Limits: switch, load and import share the machine's cores; the import gives way as
``atm-switch ledger import`` does.
"""

import json
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from statistics import median
from typing import Any

import click

from tests.doubles.served import Served, make_folder, run, serve

PER_SECOND, SECONDS, ROUNDS = 50, 6, 5

Importing = Callable[[Path], AbstractContextManager[None]]
"""Imports into the ledger of a data folder for the length of a block."""


def inquiries_beside(root: Path, url: str, importing: Importing) -> dict[str, Any]:
    """Ask in turns without and with an import; p99 of either in microseconds, and the ratio."""
    folder = _folder(root, url)
    calm, busy = [], []
    with serve(folder) as served:
        _p99(served, folder)  # warms up
        for _ in range(ROUNDS):  # in turns, for both to meet the same noise
            calm.append(_p99(served, folder))
            with importing(folder):
                busy.append(_p99(served, folder))
    return {
        "calm_p99_us": median(calm),
        "busy_p99_us": median(busy),
        "times_slower": median(busy) / median(calm),
    }


def _folder(root: Path, url: str) -> Path:
    """Make a data folder whose sample members are in its file, or at ``url``."""
    folder = make_folder(root, "--pin", "acquirer")
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
