"""Single-bit flips over authenticated messages, and whatever else can be done to a MAC.

    python -m tests.figures.mac_bit_flips --flips 100000 [--seed S]

Plan: for each of the three dialects and both algorithms a target is given every bit of
every kind of message, turned, round after round of fresh messages until there are enough;
then the other harms once.  A miss is a spoilt message that was approved or moved anything.
"""

import random
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import count, islice
from multiprocessing import get_context

import click

from atm_switch.security.mac import MacAlgorithm
from tests.figures.banner import print_banner
from tests.figures.spoilt_messages import HARMS, PROFILES, Spoil, Tally, Target, messages

FLIPS = next(iter(HARMS))
COMBINATIONS = [(profile, algorithm) for profile in PROFILES for algorithm in MacAlgorithm]

Line = tuple[str, str, str]
"""Dialect, algorithm, harm."""


def spoilt(target: Target, harm: Spoil, chance: random.Random) -> Iterator[tuple[bytes, int]]:
    """Yield payloads and their links, a round of every kind of message, then the next."""
    for _ in count():
        for _what, message, link in messages(target.bench, chance):
            yield from ((payload, link) for payload in harm(target, message))


def one_round(target: Target, harm: Spoil, chance: random.Random) -> Iterator[tuple[bytes, int]]:
    """Yield each kind of message once, harmed in every way."""
    for _what, message, link in messages(target.bench, chance):
        yield from ((payload, link) for payload in harm(target, message))


def run(work: tuple[str, MacAlgorithm, int, str]) -> dict[Line, Tally]:
    """Give one target its share of the flips and all other harms."""
    profile, algorithm, flips, seed = work
    chance = random.Random(f"{seed} {profile} {algorithm.value}")  # noqa: S311 - cases, not keys
    target = Target(profile, algorithm)
    tallies: dict[Line, Tally] = {}
    is_sound = target.lets_sound_ones_through(chance)
    for name, harm in HARMS.items():
        tally = tallies[profile, algorithm.value, name] = Tally()
        rounds = spoilt(target, harm, chance)
        given = (
            islice(_scattered(rounds, chance), flips)
            if name == FLIPS
            else one_round(target, harm, chance)
        )
        for payload, link in given:
            tally.add(target.give(payload, link))
    if not (is_sound and target.lets_sound_ones_through(chance)):
        tallies[profile, algorithm.value, "sound ones refused"] = Tally(misses=1)
    return tallies


def _scattered(
    rounds: Iterator[tuple[bytes, int]], chance: random.Random
) -> Iterator[tuple[bytes, int]]:
    """Mix the order, so that few flips still fall everywhere."""
    while portion := list(islice(rounds, 16_384)):
        chance.shuffle(portion)
        yield from portion


def shares(flips: int, seed: str) -> list[tuple[str, MacAlgorithm, int, str]]:
    """Divide the flips among the targets."""
    each, over = divmod(flips, len(COMBINATIONS))
    return [
        (profile, algorithm, each + (at < over), seed)
        for at, (profile, algorithm) in enumerate(COMBINATIONS)
    ]


def print_table(tallies: dict[Line, Tally]) -> None:
    """Print a line for each dialect, algorithm and harm, and what they got."""
    click.echo(f"\n{'dialect':24}{'MAC':10}{'harm':24}{'given':>8}{'misses':>8}  answers")
    for (profile, algorithm, harm), tally in tallies.items():
        answers = "  ".join(f"{code} {n}" for code, n in sorted(tally.answers.items()))
        given = tally.answers.total()
        click.echo(f"{profile:24}{algorithm:10}{harm:24}{given:>8}{tally.misses:>8}  {answers}")


@click.command()
@click.option("--flips", type=click.IntRange(min=1), default=100_000, show_default=True)
@click.option("--seed", default="1", show_default=True, help="Any text.")
@click.option("--processes", type=click.IntRange(min=1), default=2, show_default=True)
def main(flips: int, seed: str, processes: int) -> None:
    """Spoil authenticated messages; exit with 1 if one was not refused."""
    print_banner("spoilt messages on lines that require a MAC")
    click.echo(f"seed     {seed}")
    began = time.perf_counter()
    tallies: dict[Line, Tally] = {}
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        for done in pool.map(run, shares(flips, seed)):
            tallies |= done
    print_table(tallies)
    turned = sum(t.answers.total() for line, t in tallies.items() if line[2] == FLIPS)
    given = sum(tally.answers.total() for tally in tallies.values())
    misses = sum(tally.misses for tally in tallies.values())
    untouched = "" if misses else "; no neighbour asked but for MACs, no row, no PIN try counted"
    click.echo(
        f"{turned} single-bit flips and {given - turned} other harms: {misses} not refused"
        f"{untouched}; {time.perf_counter() - began:.0f} s"
    )
    sys.exit(1 if misses else 0)


if __name__ == "__main__":
    main()
