"""How long a start takes to bring a large journal of an older release up to date.

    python -m tests.figures.journal_migrating --rows 1000000 [--place DIR]

Plan: a journal of the schema before the newest, written by the product's own batches: inquiries
with a PIN, a row A and a row B each, of 2,000 terminals and 100,000 cards, each answer as long as
a real one is sealed; then ``atm-switch serve`` on it, in a process of its own, which says itself
how long it was at it.
Limits: the file was just written, so what the machine's memory holds of it is read from there;
it is as a journal that was never purged.
"""

import json
import os
import sqlite3
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import click

from atm_switch.adapters.journal_batch import Ink, write_batch
from atm_switch.adapters.journal_chain import AuditChain, JournalChain
from atm_switch.adapters.journal_heads import settle_heads
from atm_switch.adapters.schema import migrate, migrations_of
from atm_switch.folder import open_folder
from atm_switch.security.vault import Vault
from atm_switch.switch.ports import Commit, JournalEntry, Reserve
from tests.doubles.journal_bench import NOON, card_of, ending_of, entry_of
from tests.doubles.served import make_folder, serve
from tests.figures.banner import print_banner

BEFORE: Final = migrations_of("journal")[:-1]
BATCH: Final = 256
TERMINALS: Final = 2_000
CARDS: Final = 100_000
A_SECOND: Final = 50
PAYLOAD_BYTES: Final = 1_441
"""What is sealed to the 1,469 bytes of a sample member's answer; drawn, so that nothing folds."""
MIB: Final = 1 << 20


def entry(number: int) -> JournalEntry:
    """Return the request of an inquiry: so many a second, of terminals and cards in turn."""
    at = NOON + timedelta(seconds=number // A_SECOND)
    stan = f"{number % 1_000_000:06d}"
    key = entry_of(number).key._replace(
        terminal=f"ATM{number % TERMINALS:05d}",
        stamp=f"{at:%m%d%H%M%S}",
        stan=stan,
        rrn=f"{at:%y%j%H}"[1:] + stan,
    )
    return replace(entry_of(number, card_of(number % CARDS), at), key=key)


def ends(entries: Sequence[JournalEntry], reserved: Sequence[Any]) -> Iterator[Commit]:
    """Yield how each request ends that has its PIN try reserved."""
    for one, held in zip(entries, reserved, strict=True):
        yield Commit(one, ending_of(os.urandom(PAYLOAD_BYTES), resets_tries=True), held.sequence)


def write_journal(path: Path, vault: Vault, rows: int) -> None:
    """Write a journal of the schema before the newest; say on stderr how far it is."""
    now = NOON

    def clock() -> datetime:
        return now

    chains = JournalChain(vault), AuditChain(vault)
    ink = Ink(vault, *chains, clock, os.urandom)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = OFF")
        migrate(connection, BEFORE, path.name)
        settle_heads(connection, *chains)
        began, shown = time.monotonic(), 0
        for first in range(0, rows // 2, BATCH):
            entries = [entry(at) for at in range(first, min(first + BATCH, rows // 2))]
            now = entries[-1].received_at
            reserved = write_batch(connection, ink, [Reserve(one, 3) for one in entries])
            write_batch(connection, ink, list(ends(entries, reserved)))
            if (done := 2 * (first + len(entries))) - shown >= rows // 10:
                shown, seconds = done, time.monotonic() - began
                click.echo(f"{done:,} of {rows:,} rows written, {seconds:.0f} s", err=True)
        # As a switch leaves it that has run.
        connection.execute("UPDATE journal_settled SET seq = ?", (rows // 2 * 2,))
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def started(folder: Path) -> tuple[float, float, float]:
    """Start a switch and end it; return how long the files took it, and until it listened.

    And the CPU time of all of it, in seconds each.
    """
    began, before = time.monotonic(), os.times()
    click.echo("starting a switch ...", err=True)
    with serve(folder) as served:
        listens = time.monotonic() - began
        lines = [json.loads(one) for one in served.log.read_text().splitlines()]
    (done,) = [one for one in lines if one["event"] == "brought up to date"]
    after = os.times()
    cpu = after.children_user + after.children_system
    return float(done["seconds"]), listens, cpu - before.children_user - before.children_system


def measured(place: Path, rows: int) -> None:
    """Write, start, and print the figures."""
    folder = make_folder(place)
    journal = folder / "journal.db"
    for file in place.glob("bank/journal.db*"):
        file.unlink()
    write_journal(journal, open_folder(folder).vault(), rows)
    before = journal.stat().st_size
    seconds, listens, cpu = started(folder)
    (newest, _), (last, _) = migrations_of("journal")[-1], BEFORE[-1]
    click.echo(f"rows     {rows // 2 * 2:,}, {before / rows:,.0f} bytes each")
    click.echo(f"file     {before / MIB:,.0f} MiB, then {journal.stat().st_size / MIB:,.0f} MiB")
    click.echo(f"schema   {last} to {newest} in {seconds:.1f} s, {rows / seconds:,.0f} rows/s")
    click.echo(f"start    {listens:.1f} s until it listens, {cpu:.1f} s of CPU with its end")


@click.command()
@click.option("--rows", type=click.IntRange(min=20), default=1_000_000, show_default=True)
@click.option(
    "--place",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="Where the folder is made, and removed again; the system's for such things.",
)
def main(rows: int, place: Path | None) -> None:
    """Write a journal of so many rows and have a start bring it up to date."""
    print_banner("a start that brings a journal of the schema before up to date")
    click.echo(f"sqlite   {sqlite3.sqlite_version}")
    with tempfile.TemporaryDirectory(dir=place, prefix="migrating-") as made:
        measured(Path(made), rows)


if __name__ == "__main__":
    main()
