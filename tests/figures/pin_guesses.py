"""Parallel PIN guesses at a real switch that is killed and started again in between.

    python -m tests.figures.pin_guesses --guesses 1000 --links 50 --kills 20 [--seed S]

Plan: all guesses at one card first, the kills spread over them and the first of them
within the first tries; then a fresh card for every kill, so that each falls among tries.
What answers, what writes the journal, and both are killed in turn, in an order that is drawn.
At last the clock is moved ten years either way.  Of each card the journal on disk must
show exactly three PINs looked at, and the right PIN must find the card shut.
"""

import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click

from tests.doubles.processes import BESIDE_ONE, Victim
from tests.doubles.siege import (
    CUT_OFF,
    NOT_WRITTEN,
    RIGHT_PIN,
    Kill,
    Siege,
    Target,
    besieged,
    faketime,
)
from tests.figures.banner import print_banner

TRIES_MAX = 3
TEN_YEARS = 3_652
AMONG_TRIES_SECONDS = 0.08
"""A kill so soon after the first guesses came in falls among the three tries, or near."""


@dataclass(frozen=True, slots=True)
class Found:
    """What became of one card."""

    what: str
    guesses: int
    kills: int
    got: Counter[str]
    granted: int
    right_pin: str
    """What the right PIN got afterwards."""
    refused: frozenset[str] = frozenset()
    """What else may be told: where the writer alone was killed, a 96."""

    @property
    def is_held(self) -> bool:
        """Whether exactly three were looked at, and nothing else ever said."""
        return (
            self.granted == TRIES_MAX
            and self.got["55"] <= TRIES_MAX
            and not self.got.keys() - {"55", "75", CUT_OFF, *self.refused}
            and self.right_pin == "75"
        )


def attack(siege: Siege, target: Target, guesses: int, kills: list[Kill], what: str) -> Found:
    """Guess at one card, then try the right PIN."""
    before = siege.killed[Victim.WRITER]
    got = siege.guess(target, guesses, kills)
    right_pin = siege.ask_once(target.pan, RIGHT_PIN)
    granted = siege.granted(target.pan)
    refused = {NOT_WRITTEN} if siege.killed[Victim.WRITER] > before else set()
    return Found(what, guesses, len(kills), got, granted, right_pin, frozenset(refused))


def victims(chance: random.Random) -> Iterator[Victim]:
    """Yield each kind once, in any order, again and again."""
    while True:
        yield from chance.sample(BESIDE_ONE, len(BESIDE_ONE))


def spread(
    guesses: int, links: int, kills: int, chance: random.Random, drawn: Iterator[Victim]
) -> list[Kill]:
    """Say when to kill whom: near the first tries, then evenly."""
    return [
        Kill(max(links, at * guesses // kills), chance.uniform(0, AMONG_TRIES_SECONDS), next(drawn))
        for at in range(kills)
    ]


def siege_of(
    root: Path, guesses: int, links: int, kills: int, seed: str
) -> tuple[list[Found], Counter[Victim]]:
    """Do it all; return what became of each card, and what was killed how often."""
    chance = random.Random(seed)  # noqa: S311 - when to kill
    found, drawn = [], victims(chance)
    with besieged(root, 1 + kills, links) as (siege, (card, *fresh)):
        when = spread(guesses, links, kills, chance, drawn)
        found.append(attack(siege, card, guesses, when, "one card"))
        for number, target in enumerate(fresh, 1):
            early = Kill(links, chance.uniform(0, AMONG_TRIES_SECONDS), next(drawn))
            what = f"fresh card {number}"
            # A kill may cut off one guess a link; tries enough must be left for afterwards.
            found.append(attack(siege, target, links + 2 * TRIES_MAX, [early], what))
        killed = siege.killed.copy()
        for days in (TEN_YEARS, -TEN_YEARS):
            siege.kill()
            siege.start(days)
            what = f"one card, clock {days:+} days"
            found.append(attack(siege, card, TRIES_MAX, [], what))
    return found, killed


def print_table(found: list[Found]) -> None:
    """Print a line a card."""
    click.echo(
        f"\n{'':28}{'guesses':>8}{'kills':>6}{'55':>5}{'75':>6}{'cut off':>9}{'96':>5}"
        f"{'looked at':>11}{'right PIN':>11}"
    )
    for one in found:
        click.echo(
            f"{one.what:28}{one.guesses:>8}{one.kills:>6}{one.got['55']:>5}{one.got['75']:>6}"
            f"{one.got[CUT_OFF]:>9}{one.got[NOT_WRITTEN]:>5}{one.granted:>11}{one.right_pin:>11}"
            + ("" if one.is_held else f"   WRONG {dict(one.got)}")
        )


@click.command()
@click.option("--guesses", type=click.IntRange(min=3), default=1_000, show_default=True)
@click.option("--links", type=click.IntRange(min=1), default=50, show_default=True)
@click.option("--kills", type=click.IntRange(min=1), default=20, show_default=True)
@click.option("--seed", default="1", show_default=True, help="Any text.")
def main(guesses: int, links: int, kills: int, seed: str) -> None:
    """Guess PINs in parallel; exit with 1 unless each card was looked at three times."""
    print_banner("parallel PIN guesses, kill -9 in between")
    click.echo(f"seed     {seed}\nlinks    {links}")
    began = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="pin-guesses-") as parent:
        found, kinds = siege_of(Path(parent), guesses, links, kills, seed)
    print_table(found)
    wrong = sum(not one.is_held for one in found)
    done = sum(one.got.total() for one in found)
    told = ", ".join(f"{kinds[victim]} of {victim.value}" for victim in BESIDE_ONE)
    click.echo(
        f"clock    ten years off {'for all processes' if faketime() else 'for what answers'}\n"
        f"{done} guesses, {kinds.total()} kills ({told}): "
        f"{wrong} cards not held to exactly {TRIES_MAX} looks; "
        f"{time.perf_counter() - began:.0f} s"
    )
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
