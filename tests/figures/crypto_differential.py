"""Our payment cryptography against psec, random case by random case.

    python -m tests.figures.crypto_differential --cases 100000 [--seed S]

Plan: each algorithm's cases are cut into portions; a portion's chance comes from the
seed, the algorithm and the portion's number, so a mismatch is found again by the same
command.  Warnings are errors, but around psec's own calls.
Limits: agreement shows that two programs read the standards alike, no more; the published
vectors of the tests are the other half.
"""

import random
import sys
import time
import warnings
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context

import click

from tests.figures.banner import print_banner
from tests.figures.crypto_cases import CASES

PORTION = 2_000


@dataclass(frozen=True, slots=True)
class Portion:
    """So many cases of one algorithm, and where their chance comes from."""

    name: str
    seed: str
    number: int
    cases: int


@dataclass(slots=True)
class Tally:
    """What came of an algorithm's cases; ``seconds`` are of CPUs added up."""

    cases: int = 0
    mismatches: int = 0
    seconds: float = 0.0

    def add(self, other: "Tally") -> None:
        """Take a portion's counts in."""
        self.cases += other.cases
        self.mismatches += other.mismatches
        self.seconds += other.seconds


def portions(cases: int, seed: str) -> list[Portion]:
    """Cut ``cases`` of every algorithm, the slow ones first so that no core waits."""
    starts = range(0, cases, PORTION)
    return [
        Portion(name, seed, number, min(PORTION, cases - start))
        for name in reversed(CASES)
        for number, start in enumerate(starts)
    ]


def run_portion(portion: Portion) -> Tally:
    """Run a portion; a case that raises is a mismatch, and what it says is not kept."""
    chance = random.Random(f"{portion.seed}/{portion.name}/{portion.number}")  # noqa: S311 - cases, not keys
    case, began, mismatches = CASES[portion.name], time.perf_counter(), 0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(portion.cases):
            try:
                mismatches += not case(chance)
            except Exception:  # noqa: BLE001 - its text may hold digits; the seed finds it again
                mismatches += 1
    return Tally(portion.cases, mismatches, time.perf_counter() - began)


def run(work: Iterable[Portion], processes: int) -> Iterator[tuple[str, Tally]]:
    """Run portions, in this process if ``processes`` is 0, and yield as they end."""
    if not processes:
        yield from ((portion.name, run_portion(portion)) for portion in work)
        return
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        waiting = {pool.submit(run_portion, portion): portion.name for portion in work}
        for future in as_completed(waiting):
            yield waiting[future], future.result()


def differential(cases: int, seed: str, processes: int = 0) -> dict[str, Tally]:
    """Run ``cases`` of every algorithm and return the tallies; progress goes to stderr."""
    tallies = {name: Tally() for name in CASES}
    work = portions(cases, seed)
    for done, (name, tally) in enumerate(run(work, processes), 1):
        tallies[name].add(tally)
        if sys.stderr.isatty() or done in {1, len(work)} or not done % 50:
            click.echo(f"\rportion {done} of {len(work)}", err=True, nl=not sys.stderr.isatty())
    return tallies


@click.command()
@click.option("--cases", type=click.IntRange(min=1), default=100_000, show_default=True)
@click.option("--seed", default="1", show_default=True, help="Any text.")
@click.option("--processes", type=click.IntRange(min=0), default=2, show_default=True)
def main(cases: int, seed: str, processes: int) -> None:
    """Compare every algorithm with psec; exit with 1 on any mismatch."""
    print_banner("payment cryptography, ours against psec")
    click.echo(f"seed     {seed}")
    began = time.perf_counter()
    tallies = differential(cases, seed, processes)
    click.echo(f"\n{'algorithm':26}{'cases':>10}{'mismatches':>12}{'CPU s':>9}")
    for name, tally in tallies.items():
        click.echo(f"{name:26}{tally.cases:>10}{tally.mismatches:>12}{tally.seconds:>9.1f}")
    mismatches = sum(tally.mismatches for tally in tallies.values())
    click.echo(f"{mismatches} mismatches, {time.perf_counter() - began:.0f} s")
    sys.exit(1 if mismatches else 0)


if __name__ == "__main__":
    main()
