"""Tamper with an audit ten thousand times, and see whether each time is found.

    python -m tests.figures.audit_tampering --tampers 10000 [--seed S]

Plan: one book of a few hundred records, written as the switch writes it; each tamper on a
fresh copy in memory, the kinds in turn, the place by chance drawn from seed and number,
so that a miss is found again by the same command.  The untouched book is verified too,
since a check that cries always finds everything.
Limits: the intruder has the file and not the keys; an older genuine copy is found by a
head noted before, as ``audit verify --expect`` does.
"""

import random
import sys
import time
from contextlib import closing
from dataclasses import dataclass

import click

from atm_switch.adapters.audit_verify import NotedHead, verify_audit
from tests.doubles.audit_bench import Book, book_of
from tests.doubles.audit_intruder import Intruder
from tests.doubles.audit_tampers import NEEDS_NOTED_HEAD, TAMPERS, tampered
from tests.doubles.journal_bench import fresh_vault
from tests.figures.banner import print_banner

RECORDS = 300
RATE_RECORDS = 100_000


@dataclass(slots=True)
class Tally:
    """What came of one kind of tamper."""

    tried: int = 0
    found: int = 0

    def add(self, *, is_found: bool) -> None:
        """Count one more."""
        self.tried += 1
        self.found += is_found


def is_found(book: Book, kind: str, seed: str) -> bool:
    """Do one tamper and verify what came of it."""
    noted = NotedHead.of(book.head) if kind in NEEDS_NOTED_HEAD else None
    with closing(tampered(book, kind, random.Random(seed))) as connection:  # noqa: S311 - no keys
        return not verify_audit(connection, book.vault, noted).is_sound


def is_sound(book: Book) -> bool:
    """Verify an untampered copy, its guards taken down and put back, with its head noted."""
    with closing(book.copy()) as connection:
        with Intruder(connection, random.Random(), book).unguarded():  # noqa: S311 - no keys
            pass
        return verify_audit(connection, book.vault, NotedHead.of(book.head)).is_sound


def tamper(book: Book, tampers: int, seed: str) -> dict[str, Tally]:
    """Do so many tampers, the kinds in turn."""
    tallies = {kind: Tally() for kind in TAMPERS}
    kinds = tuple(TAMPERS)
    for number in range(tampers):
        kind = kinds[number % len(kinds)]
        tallies[kind].add(is_found=is_found(book, kind, f"{seed}/{number}"))
    return tallies


def verify_rate(records: int) -> float:
    """Return how many rows a second are verified, the best of three."""
    book = book_of(records, fresh_vault(), batch=1_000)
    best = 0.0
    for _ in range(3):
        began = time.perf_counter()
        found = verify_audit(book.connection, book.vault)
        best = max(best, found.rows / (time.perf_counter() - began))
    book.connection.close()
    return best


@click.command()
@click.option("--tampers", type=click.IntRange(min=1), default=10_000, show_default=True)
@click.option("--seed", default="1", show_default=True, help="Any text.")
@click.option("--records", type=click.IntRange(min=20), default=RECORDS, show_default=True)
def main(tampers: int, seed: str, records: int) -> None:
    """Tamper, verify, count; exit with 1 on any miss or false alarm."""
    print_banner("tampered audits, found by audit verify")
    click.echo(f"seed     {seed}, {records} records")
    book = book_of(records, fresh_vault())
    began, is_right = time.perf_counter(), is_sound(book)
    tallies = tamper(book, tampers, seed)
    seconds = time.perf_counter() - began
    click.echo(f"\n{'tamper':34}{'tried':>8}{'found':>8}")
    for kind, tally in tallies.items():
        click.echo(f"{kind:34}{tally.tried:>8}{tally.found:>8}")
    tried, found = (
        sum(getattr(one, name) for one in tallies.values()) for name in ("tried", "found")
    )
    click.echo(f"{'all':34}{tried:>8}{found:>8}")
    click.echo(f"the untouched book is {'sound' if is_right else 'accused wrongly'}")
    click.echo(f"{tried - found} missed, {seconds:.0f} s")
    click.echo(f"verify walks {verify_rate(RATE_RECORDS):,.0f} rows/s ({RATE_RECORDS:,} rows)")
    sys.exit(0 if tried == found and is_right else 1)


if __name__ == "__main__":
    main()
