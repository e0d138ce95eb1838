"""Run seeds, or one with every step of it.

    python -m tests.simulation --seeds 200
    python -m tests.simulation --seed 26
    python -m tests.simulation --seeds 20 --plant forgets-repeats

Exit 1 where a promise was broken; the seed that broke it is printed, and replays it.
"""

import sys
import time
from collections import Counter

import click

from tests.figures.banner import print_banner
from tests.simulation.campaign import BUSY, replay, run_seeds
from tests.simulation.plants import NONE, PLANTS


@click.command()
@click.option("--seeds", type=click.IntRange(1), default=200, show_default=True, help="How many.")
@click.option("--first", type=int, default=1, show_default=True, help="The first of them.")
@click.option("--seed", type=int, help="Run this one alone and show every step.")
@click.option(
    "--plant", type=click.Choice(sorted(PLANTS)), help="Break the switch on purpose; must be found."
)
def main(seeds: int, first: int, seed: int | None, plant: str | None) -> None:
    """Run the switch and all around it from seeds, under faults; hold it to its promises."""
    broken = PLANTS[plant] if plant else NONE
    if seed is not None:
        run = replay(seed, broken, click.echo)
        click.echo(f"\nseed {seed}: {len(run.lines)} steps, trace {run.digest[:16]}")
        for violation in run.violations:
            click.echo(f"BROKEN  {violation}")
        sys.exit(bool(run.violations))
    print_banner(f"simulation of seeds {first} to {first + seeds - 1}")
    began, counts, wrong, done = time.perf_counter(), Counter[str](), 0, 0
    try:
        for run in run_seeds(range(first, first + seeds), broken):
            done += 1
            counts += run.counts
            if run.violations:
                wrong += 1
                again = f" --plant {plant}" if plant else ""
                click.echo(f"BROKEN  {run.violations[0]}")
                click.echo(f"        python -m tests.simulation --seed {run.seed}{again}")
            if done % BUSY == 0:
                click.echo(f"{done} of {seeds} seeds, {wrong} broken", err=True)
    except KeyboardInterrupt:
        click.echo("interrupted: what is below is of the seeds that were done")
    click.echo(", ".join(f"{count:,} {what}" for what, count in sorted(counts.items())))
    seconds = time.perf_counter() - began
    click.echo(f"{done} seeds, {wrong} broken, {seconds:.1f} s")
    sys.exit(130 if done < seeds else wrong > 0)


if __name__ == "__main__":
    main()
