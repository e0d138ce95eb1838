"""The simulation itself: the same seed is the same run, and what is broken is found."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.simulation.campaign import replay, run_seeds
from tests.simulation.plants import PLANTS, Plant

ROOT = Path(__file__).parents[2]
SEEDS_TO_FIND = 40
"""Within so many seeds in which it can, each planted bug must show."""
COMMANDED_SECONDS_MAX = 120


def digest_in_a_process_of_its_own(seed: int, hash_seed: str) -> str:
    """Run a seed by the command, with another order of sets; return the trace it prints."""
    ran = subprocess.run(
        [sys.executable, "-m", "tests.simulation", "--seed", str(seed)],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        timeout=COMMANDED_SECONDS_MAX,
        check=True,
    )
    return ran.stdout


@pytest.mark.parametrize("seed", [3, 26, 30])
def test_same_seed_is_the_same_run_to_the_byte(seed: int) -> None:
    """Twice in this process, whatever else ran before."""
    assert replay(seed).lines == replay(seed).lines


def test_same_seed_is_the_same_run_in_another_process() -> None:
    """Whatever order the interpreter keeps its sets in; and the command shows every step."""
    said = [digest_in_a_process_of_its_own(9, hash_seed) for hash_seed in ("1", "2")]

    assert said[0] == said[1]
    assert [] == [line for line in replay(9).lines if line not in said[0]]


def test_another_seed_is_another_run() -> None:
    """The dice are thrown."""
    assert replay(1).digest != replay(2).digest


@pytest.mark.parametrize("plant", PLANTS.values(), ids=PLANTS.keys())
def test_planted_bug_is_found(plant: Plant) -> None:
    """And found again by its seed alone, in the same words."""
    step = 1 + plant.needs_workers
    seeds = range(step, step * SEEDS_TO_FIND + 1, step)  # every second one has two workers
    broken = next(run for run in run_seeds(seeds, plant) if run.violations)

    assert broken.violations == replay(broken.seed, plant).violations


def test_runs_meet_what_they_are_for() -> None:
    """Every kind of fault happens within the seeds of one file, and most of every answer."""
    counts = sum((run.counts for run in run_seeds(range(1, 30))), start=replay(30).counts)

    assert {
        "crash", "crash at a commit", "commits torn", "commits before", "commits behind",
        "line cut", "line stalled", "line noisy", "ledger", "broker away", "broker slow",
        "disk stalled", "disk full", "booking", "clock jumped", "keys changed", "in doubt",
        "events told again", "inquiries cut off by a crash", "inquiries whose line was gone",
        "worker dies", "worker dies behind a question", "inquiries cut off with a worker",
        "answers 00", "answers 30", "answers 55", "answers 63", "answers 68", "answers 75",
        "answers 91", "answers 94", "answers 96",
    } <= counts.keys()  # fmt: skip
