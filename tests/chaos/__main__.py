"""All proofs, one behind the other, and the table of what came out.

    python -m tests.chaos [--long] [--ci] [--seed S] [--results FOLDER] [NAME ...]

Each goal runs in a process of its own, so that none inherits the limits, the memory or the
mistakes of another; a goal that takes far too long is ended and counts as missed.  Ctrl-C
ends the one that runs and prints the table of those that are done.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import click

from tests.chaos.proof import HELD, HELD_IN_PART, MISSED, SKIPPED, how_busy
from tests.figures.banner import print_banner

GOALS = (
    "core_against_model",
    "kill_nine",
    "hostile_frames",
    "split_and_joined",
    "synced_first",
    "ledger_away",
    "broker_away",
    "idle_terminals",
    "slowloris",
    "descriptors_used_up",
    "disk_full",
    "clock_jumps",
    "slow_readers",
    "half_open",
    "decoder_fuzz",
    "soak",
    "stopped_under_load",
    "neighbour_faults",
)  # fmt: skip
"""The proofs in the order of their worth; each is ``python -m tests.chaos.NAME``."""

IN_CI = (
    "kill_nine",
    "hostile_frames",
    "split_and_joined",
    "synced_first",
    "broker_away",
    "disk_full",
    "clock_jumps",
    "slow_readers",
    "half_open",
    "stopped_under_load",
    "neighbour_faults",
    "soak",
)
"""Those that count and need no quiet machine; what else is measured there says nothing.

The model of the core (G24) and the decoder (G2) have their own forms among the tests.
"""

SHORT_SECONDS_MAX, LONG_SECONDS_MAX = 300.0, 32_400.0
LINES_SHOWN = 15
"""Of what a proof said that ended without a result."""
LINE = "{number:5} {what:34.34} {wanted:58.58} {seconds:>6}  {verdict}"


def run_one(
    name: str, folder: Path, *, is_long: bool, seed: int, is_timed: bool = True
) -> dict[str, Any]:
    """Run one proof and return its outcome, also where it never said one."""
    result = folder / f"{name}.json"
    result.unlink(missing_ok=True)
    command = [sys.executable, "-m", f"tests.chaos.{name}", "--json", str(result)]
    command += ["--seed", str(seed), *(["--long"] if is_long else [])]
    command += [] if is_timed else ["--untimed"]
    began = time.perf_counter()
    why = "it ended without a result; run it alone to see why"
    with (
        (folder / f"{name}.log").open("w") as log,
        subprocess.Popen(
            command, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        ) as process,
    ):
        try:
            process.wait(LONG_SECONDS_MAX if is_long else SHORT_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            why = "it did not come to an end in time"
            end_all_of(process.pid)
        except KeyboardInterrupt:
            end_all_of(process.pid)
            raise
    if result.exists():
        loaded: dict[str, Any] = json.loads(result.read_text())
        return loaded
    seconds = round(time.perf_counter() - began, 1)
    said = (folder / f"{name}.log").read_text().splitlines()[-LINES_SHOWN:]
    return {
        "number": "?", "what": name, "wanted": "", "got": why, "verdict": MISSED,
        "seconds": seconds, "notes": said,
    }  # fmt: skip


def end_all_of(session: int) -> None:
    """End a proof and the switches and peers it started."""
    with suppress(ProcessLookupError):
        os.killpg(session, signal.SIGKILL)


def print_line(outcome: dict[str, Any]) -> None:
    """Print one outcome as two lines of the table."""
    click.echo(LINE.format(**outcome))
    click.echo(f"{'':5} {'':34} {outcome['got']}")
    for note in outcome["notes"]:
        click.echo(f"{'':5}   {note}")


@click.command()
@click.option(
    "--long", "is_long", is_flag=True, help="The full counts: hours, and a night for soak."
)
@click.option(
    "--ci", "is_ci", is_flag=True, help="Those that need no quiet machine, not judged by time."
)
@click.option("--seed", type=int, default=1, show_default=True)
@click.option(
    "--results", type=click.Path(path_type=Path, file_okay=False), help="Keep all results here."
)
@click.argument("names", nargs=-1, type=click.Choice(GOALS))
def main(
    *, is_long: bool, is_ci: bool, seed: int, results: Path | None, names: tuple[str, ...]
) -> None:
    """Run the proofs NAME, or all; exit with 1 where one was missed."""
    names = names or (IN_CI if is_ci else GOALS)
    print_banner(f"proof of the goals, {'long' if is_long else 'short'} forms")
    click.echo(how_busy())
    click.echo(f"seed     {seed}\n")
    head = {"number": "goal", "what": "what is done", "wanted": "wanted, and below it what came"}
    click.echo(LINE.format(**head, seconds="s", verdict="verdict"))
    outcomes: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="chaos-results-") as spare:
        folder = results or Path(spare)
        folder.mkdir(parents=True, exist_ok=True)
        try:
            for name in names:
                one = run_one(name, folder, is_long=is_long, seed=seed, is_timed=not is_ci)
                outcomes.append(one)
                print_line(outcomes[-1])
        except KeyboardInterrupt:
            click.echo("interrupted: those above are done, the rest is not")
    counts = dict.fromkeys((HELD, HELD_IN_PART, SKIPPED, MISSED), 0)
    for outcome in outcomes:
        counts[outcome["verdict"]] += 1
    click.echo("\n" + ", ".join(f"{count} {verdict}" for verdict, count in counts.items()))
    is_whole = len(outcomes) == len(names)
    sys.exit(130 if not is_whole else counts[MISSED] > 0)


if __name__ == "__main__":
    main()
