"""How long ``--help`` takes beside a bare argparse program on the same interpreter.

    python -m tests.figures.help_speed [--rounds 15]

Plan: the three take turns, each in a process of its own; medians are compared.
"""

import statistics
import subprocess
import sys
import time

import click

from tests.figures.banner import print_banner

BARE = """
import argparse
parser = argparse.ArgumentParser()
parser.add_argument("--x", help="x")
parser.parse_args()
"""
PROGRAMS = {
    "bare argparse": [sys.executable, "-c", BARE, "--help"],
    "atm-switch": [sys.executable, "-m", "atm_switch", "--help"],
    "terminal-emulator": [sys.executable, "-m", "terminal_emulator", "--help"],
}
MOST_SECONDS = 0.1
"""So much longer than the bare program the help may take."""


@click.command()
@click.option("--rounds", type=click.IntRange(3), default=15, show_default=True)
def main(rounds: int) -> None:
    """Measure and print; exits 1 where a help takes longer than promised."""
    print_banner("time until --help is printed, medians of interleaved rounds")
    taken: dict[str, list[float]] = {name: [] for name in PROGRAMS}
    for _ in range(rounds):
        for name, program in PROGRAMS.items():
            began = time.perf_counter()
            subprocess.run(program, check=True, capture_output=True)
            taken[name].append(time.perf_counter() - began)
    medians = {name: statistics.median(values) for name, values in taken.items()}
    bare = medians.pop("bare argparse")
    click.echo(f"\nbare argparse      {bare * 1000:6.1f} ms")
    for name, median in medians.items():
        more = median - bare
        kept = "kept  " if more <= MOST_SECONDS else "BROKEN"
        click.echo(f"{name:18} {median * 1000:6.1f} ms, {more * 1000:+.1f} ms  {kept}")
    sys.exit(0 if all(one - bare <= MOST_SECONDS for one in medians.values()) else 1)


if __name__ == "__main__":
    main()
