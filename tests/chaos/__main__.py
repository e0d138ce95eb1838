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
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import click

from tests.chaos.proof import HELD, HELD_IN_PART, MISSED, SKIPPED, how_busy
from tests.doubles.processes import family
from tests.figures.banner import print_banner

GOALS = (
    "core_against_model",
    "kill_nine",
    "hostile_frames",
    "split_and_joined",
    "bad_lengths",
    "replayed",
    "keys_changed",
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
    "loop_late",
    "neighbour_faults",
)  # fmt: skip
"""The proofs in the order of their worth; each is ``python -m tests.chaos.NAME``."""

AMONG_TESTS = {"core_against_model": "tests/properties/test_core_machine.py"}
"""Where the tests have a short form of a goal; all others are run with ``--ci``."""
IN_CI = tuple(name for name in GOALS if name not in AMONG_TESTS)
JOBS_IN_CI = 2
"""Where no time is judged they may stand in each other's way: most wait most of the time."""
RUNNING: set[int] = set()
"""Sessions of the proofs that are at work."""

SHORT_SECONDS_MAX, LONG_SECONDS_MAX = 900.0, 32_400.0
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
        RUNNING.add(process.pid)
        try:
            process.wait(LONG_SECONDS_MAX if is_long else SHORT_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            why = "it did not come to an end in time"
            end_all_of(process.pid)
        finally:
            RUNNING.discard(process.pid)
    if result.exists():
        loaded: dict[str, Any] = json.loads(result.read_text())
        return loaded
    seconds = round(time.perf_counter() - began, 1)
    said = (folder / f"{name}.log").read_text().splitlines()[-LINES_SHOWN:]
    return {
        "number": "?", "what": name, "wanted": "", "got": why, "verdict": MISSED,
        "seconds": seconds, "notes": said,
    }  # fmt: skip


def run_all(
    names: Sequence[str], jobs: int, run: Callable[[str], dict[str, Any]]
) -> Iterator[dict[str, Any]]:
    """Run proofs, so many at once, and yield each outcome when it is there.

    Raises ``KeyboardInterrupt``, when those that were at work are ended.
    """
    with ThreadPoolExecutor(jobs) as pool:
        done = [pool.submit(run, name) for name in names]
        try:
            for one in as_completed(done) if jobs > 1 else done:
                yield one.result()
        except KeyboardInterrupt:
            pool.shutdown(wait=False, cancel_futures=True)
            for proof in list(RUNNING):
                end_all_of(proof)
            raise


def end_all_of(proof: int) -> None:
    """End a proof and the switches, brokers and peers it started, which have groups of their own.

    What its switch started and left behind ends by itself: it hears that the switch is gone.
    """
    for pid in family(proof):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


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
    "--ci", "is_ci", is_flag=True, help="Small counts, two at a time, not judged by time."
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
            run = partial(run_one, folder=folder, is_long=is_long, seed=seed, is_timed=not is_ci)
            for one in run_all(names, JOBS_IN_CI if is_ci else 1, run):
                outcomes.append(one)
                print_line(one)
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
