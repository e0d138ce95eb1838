"""An import at one of its phases for as long as wanted: what ``ledger_bench`` asks beside.

Plan: a process of its own reads the files again and again into a staging begun anew, or, the
staging complete, checks and books them again and again, each time undone before the commit.
It says on its output when it comes to which phase; whoever started it learns how much of the
time was spent in each, and a time that was spent otherwise is no figure.
Limits: the commit itself, and what follows it on the disk, is not met.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path

import click

from atm_switch.adapters.process_hygiene import give_way
from atm_switch.domain.errors import Refused
from atm_switch.ledger.csv_import import ImportOptions, import_files
from atm_switch.ledger.csv_import_lock import import_lock
from atm_switch.ledger.csv_meter import Progress
from atm_switch.ledger.csv_passes import Phase
from atm_switch.ledger.csv_staging import Staging
from atm_switch.ledger.csv_summary import ImportedFile
from atm_switch.ledger.opening import LedgerPlace, open_store
from atm_switch.ledger.store import Store
from atm_switch.security.vault import Vault
from tests.figures.ledger_lookups import same_every_time

SHARE_MIN = 0.75
"""How much of a round must have met its phase; the rest is between two goes at small files."""
SECONDS_TO_END = 600
"""A statement whose client is gone goes on in PostgreSQL to its end."""
_BETWEEN = "between"


class Beside(Enum):
    """Which part of an import goes on; the value names its phases."""

    READING = (Phase.READING.value,)
    BOOKING = (Phase.CHECKING.value, Phase.BOOKING.value)


@dataclass
class Met:
    """Which share of a block was spent in which phase, known when the block is over."""

    shares: dict[str, float] = field(default_factory=dict)

    def require(self, wanted: Beside) -> None:
        """Raise where it was spent otherwise."""
        share = sum(self.shares.get(phase, 0.0) for phase in wanted.value)
        if share < SHARE_MIN:
            raise click.ClickException(
                f"the import was {' and '.join(wanted.value)} for {share:.0%} of a round only:"
                " its files are too small (--members)"
            )


@contextmanager
def importing(place: LedgerPlace, folder: Path, wanted: Beside) -> Iterator[Met]:
    """Import a nation at one of its phases for the length of a block, and undo it.

    At the end nobody imports any more, and what was undone is gone: an import that is not
    undone leaves no dead rows, which the next round would have to wade through.
    """
    words = [str(place.path), str(folder), wanted.name]
    program = [sys.executable, "-m", "tests.figures.ledger_importing", *words]
    environment, met = {**os.environ, "ATM_BENCH_URL": place.url}, Met()
    with subprocess.Popen(program, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        try:
            line = ""
            while line.partition(" ")[0] not in wanted.value:
                line = process.stdout.readline()
                if not line:
                    raise click.ClickException("the import ended before it came to its phase")
            began = time.monotonic()
            yield met
            ended, is_over = time.monotonic(), process.poll() is not None
        finally:
            process.terminate()
        lines = [line, *process.stdout]
    _wait_for_its_end(place)
    if is_over:
        raise click.ClickException("the import was over before the round was")
    met.shares.update(_shares(lines, began, ended))
    met.require(wanted)


def _shares(lines: Sequence[str], began: float, ended: float) -> dict[str, float]:
    """Return the share each phase has of the time, of lines that say when one began."""
    told = [(phase, float(at)) for phase, at in (line.split() for line in lines)]
    ends = [at for _, at in told[1:]] + [ended]
    shares: dict[str, float] = {}
    for (phase, at), end in zip(told, ends, strict=True):
        spent = max(min(end, ended) - max(at, began), 0.0)
        shares[phase] = shares.get(phase, 0.0) + spent / (ended - began)
    return shares


def _wait_for_its_end(place: LedgerPlace) -> None:
    deadline = time.monotonic() + SECONDS_TO_END
    with closing(open_store(place.url, place.path)) as store:
        while True:
            try:
                with import_lock(store):
                    _swept(store)
                    return
            except Refused:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)


def _swept(store: Store) -> None:
    """Have PostgreSQL forget what was undone, and write what is written some day anyway."""
    if store.is_postgres:
        for table in ("participants", "postings", "year_totals"):
            store.change(f"VACUUM {table}")
        store.change("CHECKPOINT")


class _EnoughError(Exception):
    """The phase that is wanted is over."""


def _go(wanted: Beside, tell: Callable[[str], None]) -> ImportOptions:
    """Return options by which an import keeps to a phase, and says which it is in."""
    told = ""

    def progress(now: Progress) -> None:
        nonlocal told
        if wanted is Beside.READING and now.phase is not Phase.READING:
            raise _EnoughError
        is_passed = now.phase is Phase.READING and now.rows == now.resumed
        if now.phase.value != told and not is_passed:
            told = now.phase.value
            tell(told)

    def undo(_files: Sequence[ImportedFile]) -> None:
        raise _EnoughError

    return ImportOptions(progress=progress, witness=undo)


def main(path: Path, folder: Path, wanted: Beside) -> None:
    """Import the files of ``folder`` until ended."""
    give_way()  # as the command does

    def tell(phase: str) -> None:
        sys.stdout.write(f"{phase} {time.monotonic()}\n")
        sys.stdout.flush()

    vault, url = Vault.fresh(same_every_time()), os.environ.get("ATM_BENCH_URL", "")
    files = [folder / "participants.csv", folder / "postings.csv"]
    with closing(open_store(url, path)) as store:
        while True:
            if wanted is Beside.READING:
                Staging(store, "begun anew").drop()
            with suppress(_EnoughError):
                import_files(store, files, vault, datetime.now(UTC), _go(wanted, tell))
            tell(_BETWEEN)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), Beside[sys.argv[3]])
