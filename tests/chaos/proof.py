"""What every proof has in common: a goal, its one command, and what it leaves behind.

A goal is measured in a fresh folder, in the short form (a minute at most) or the long
one, from a seed.  ``python -m tests.chaos.NAME`` prints the figure and exits with 1 where
the goal was missed; ``--json FILE`` keeps it with machine, interpreter, commit and seed.
What cannot be had on a machine (a tool, a right) is skipped in words, never passed over.
"""

import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

import click

from tests.figures.banner import print_banner, taken_on

HOURS = click.option(
    "--hours",
    type=click.FloatRange(min=0, min_open=True),
    help="The long form, for so long instead: held in part at best.",
)

MISSED, HELD, HELD_IN_PART, SKIPPED = "MISSED", "held", "held in part", "skipped"


@dataclass(frozen=True, slots=True)
class Trial:
    """What a measurement is given."""

    is_long: bool
    seed: int
    root: Path
    """A folder of its own, removed afterwards."""
    is_timed: bool = True
    """Whether what took too long was missed: on a machine that others use it says nothing."""
    hours: float | None = None
    """How long a long form that goes by the clock shall take instead."""

    def in_time(self, *, was: bool) -> bool:
        """Judge by a time, or let it pass: it is printed in either case."""
        return was or not self.is_timed

    def size(self, short: int, long: int, untimed: int | None = None) -> int:
        """Choose a count by the form; ``untimed``: where no time is judged, and there is little."""
        if self.is_long or self.is_timed or untimed is None:
            return long if self.is_long else short
        return untimed


@dataclass(frozen=True, slots=True)
class Found:
    """What came out: the figure in words, and whether it is what was wanted."""

    got: str
    is_held: bool
    skipped: str = ""
    """Why nothing could be measured here, if so."""
    is_whole: bool = True
    """Whether every part of it was measured."""
    notes: tuple[str, ...] = field(default=())
    """Lines worth reading where something went wrong."""

    @property
    def verdict(self) -> str:
        """In one word."""
        if self.skipped:
            return SKIPPED
        if not self.is_held:
            return MISSED
        return HELD if self.is_whole else HELD_IN_PART


@dataclass(frozen=True, slots=True)
class Goal:
    """One promise: its number in the goals' list, what is done, and what must come out."""

    number: str
    what: str
    wanted: str
    measure: Callable[[Trial], Found]


@dataclass(frozen=True, slots=True)
class Outcome:
    """A line of the table."""

    number: str
    what: str
    wanted: str
    got: str
    verdict: str
    seconds: float
    form: str
    seed: int
    notes: tuple[str, ...] = ()

    def save(self, path: Path) -> None:
        """Write it down with where it was taken."""
        told = {"taken_on": taken_on(), "load": os.getloadavg()[0], **asdict(self)}
        path.write_text(json.dumps(told, indent=2) + "\n")


def how_busy() -> str:
    """Say how many wanted to run in the last minute: what times are worth hangs on it."""
    return f"load     {os.getloadavg()[0]:.1f} on {os.cpu_count()} CPUs"


def skipped(why: str) -> Found:
    """Say in words why there is nothing to show."""
    return Found(why, is_held=False, skipped=why)


def tried(
    goal: Goal, *, is_long: bool, seed: int, is_timed: bool = True, hours: float | None = None
) -> Outcome:
    """Measure a goal in a folder of its own.  What is raised is a goal missed, with its place."""
    began = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="chaos-", ignore_cleanup_errors=True) as root:
        found = goal.measure(Trial(is_long, seed, Path(root), is_timed, hours))
    seconds = time.perf_counter() - began
    form = ("long" if is_long else "short") + ("" if is_timed else ", untimed")
    form += "" if hours is None else f", cut to {hours:g} hours"
    return Outcome(
        goal.number, goal.what, goal.wanted, found.got, found.verdict, round(seconds, 1), form,
        seed, found.notes,
    )  # fmt: skip


def print_outcome(outcome: Outcome) -> None:
    """Print one figure in full."""
    click.echo(f"\n{outcome.number}  {outcome.what}, {outcome.form} form, seed {outcome.seed}")
    click.echo(f"wanted   {outcome.wanted}")
    click.echo(f"got      {outcome.got}")
    click.echo(f"verdict  {outcome.verdict}, {outcome.seconds:.0f} s")
    for note in outcome.notes:
        click.echo(f"  {note}")


def prove(goal: Goal, *, goes_by_hours: bool = False) -> None:
    """Be the command of a goal; one that goes by the clock can be told for how long."""

    @click.command(help=f"{goal.number}: {goal.what}.  Wanted: {goal.wanted}.")
    @click.option("--long", "is_long", is_flag=True, help="The full count, as long as it takes.")
    @click.option("--seed", type=int, default=1, show_default=True)
    @click.option("--untimed", is_flag=True, help="Print times, and do not judge by them.")
    @click.option("--json", "path", type=click.Path(path_type=Path), help="Keep the figure here.")
    def main(
        *, is_long: bool, seed: int, untimed: bool, path: Path | None, hours: float | None = None
    ) -> None:
        print_banner(f"proof of {goal.number}")
        click.echo(how_busy())
        is_cut = hours is not None
        outcome = tried(
            goal, is_long=is_long or is_cut, seed=seed, is_timed=not untimed, hours=hours
        )
        print_outcome(outcome)
        if path is not None:
            outcome.save(path)
        sys.exit(1 if outcome.verdict == MISSED else 0)

    (HOURS(main) if goes_by_hours else main)()
