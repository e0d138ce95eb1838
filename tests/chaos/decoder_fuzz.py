"""G2: coverage-guided fuzzing of the decoder; nothing but the format error ever comes out.

    python -m tests.chaos.decoder_fuzz [--long] [--seed S]

Plan: ``atheris`` (libFuzzer) starts from the committed corpus, in a copy of it.  What it
finds is printed as it was sent; put into ``tests/chaos/corpus`` it is tried ever after.
The long form wants 10^8 runs of the decoder as it is, which is many hours.  It fuzzes for an
hour and adds what it did, a slice at a time, to ``decoder_fuzzed.json``; said again it goes on
from there, with the inputs found so far and other seeds.  Until the count is full it is missed.
The plain form without atheris is ``tests/attacks/test_decoder_garbage``, in every test run.
"""

import importlib.util
import re
import shutil
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import click

from tests.chaos.fuzz_count import Fuzzed, all_counts, decoder_digest, keep
from tests.chaos.plant import REPOSITORY
from tests.chaos.proof import Found, Goal, Trial, prove, skipped

CORPUS = Path(__file__).parent / "corpus"
GROWN = REPOSITORY / "build" / "fuzz"
"""Where the inputs found by long forms stay, not committed."""
RUNS_SHORT, RUNS_LONG = 100_000, 100_000_000
SECONDS_SHORT, SECONDS_LONG, SECONDS_UNTIMED = 20, 3_600, 10
SLICE_RUNS, SLICE_SECONDS = 5_000_000, 60
HANGS = "-timeout=25"
"""Seconds by the clock on the wall, of which a busy machine may keep some for others."""
DONE = re.compile(r"Done ([0-9]+) runs in ([0-9]+) second")


@dataclass(frozen=True, slots=True)
class Slice:
    """What one process of the fuzzer did."""

    runs: int
    seconds: int
    broken: tuple[str, ...]
    """Inputs that broke it, as hex, and behind them the end of what it said."""


def fuzz(root: Path, corpus: Path, seed: int, runs: int, seconds: int) -> Slice:
    """Run the fuzzer so often, or as long as there is time; ``root`` takes what breaks it."""
    command = [
        sys.executable, "-m", "tests.chaos.fuzz_target", str(corpus), f"-runs={runs}",
        f"-seed={seed}", "-max_len=1200", f"-max_total_time={seconds}", HANGS,
        f"-artifact_prefix={root}/", "-verbosity=1", "-print_final_stats=1",
    ]  # fmt: skip
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    found = DONE.search(done.stderr)
    broken = [path.read_bytes().hex() for path in root.glob("*-*") if path.is_file()]
    if done.returncode or broken or not found:
        said = done.stderr.splitlines()[-15:]
        return Slice(0, 0, (*broken, *said, f"exit {done.returncode}"))
    return Slice(int(found[1]), int(found[2]), ())


def measure(trial: Trial) -> Found:
    """Fuzz a little, or an hour of a count that goes on."""
    if importlib.util.find_spec("atheris") is None:
        return skipped("atheris is not installed: make chaos does where there is a wheel of it")
    corpus = (GROWN if trial.is_long else trial.root) / "corpus"
    shutil.copytree(CORPUS, corpus, dirs_exist_ok=True)
    return go_on(trial, corpus) if trial.is_long else once(trial, corpus)


def once(trial: Trial, corpus: Path) -> Found:
    """Fuzz a little."""
    seconds = trial.size(SECONDS_SHORT, SECONDS_LONG, SECONDS_UNTIMED)
    done = fuzz(trial.root, corpus, trial.seed, RUNS_SHORT, seconds)
    got = (
        f"{done.runs:,} runs in {done.seconds} s from {len(list(CORPUS.iterdir()))} seeds, "
        f"{len(list(corpus.iterdir()))} inputs kept, {'one' if done.broken else 'none'} broke it"
    )
    return Found(got, is_held=done.runs > 0 and not done.broken, notes=done.broken)


def go_on(trial: Trial, corpus: Path) -> Found:
    """Fuzz for an hour at most, from where it was stopped; Ctrl-C ends it too."""
    digest = decoder_digest()
    so_far = all_counts().get(digest, Fuzzed())
    before = so_far
    broken: tuple[str, ...] = ()
    until = time.monotonic() + SECONDS_LONG
    with suppress(KeyboardInterrupt):
        while so_far.runs < RUNS_LONG and time.monotonic() < until and not broken:
            seed = trial.seed * 1_000_003 + so_far.slices
            runs = min(SLICE_RUNS, RUNS_LONG - so_far.runs)
            done = fuzz(trial.root, corpus, seed, runs, SLICE_SECONDS)
            broken = done.broken
            if not broken:
                so_far = so_far.and_more(done.runs, done.seconds)
                keep(digest, so_far)
                click.echo(f"  {so_far.runs:,} of {RUNS_LONG:,} runs", err=True)
    ever = sum(one.runs for one in all_counts().values())
    got = (
        f"{so_far.runs:,} runs of this decoder ({digest}) in {so_far.slices} slices, "
        f"{so_far.runs - before.runs:,} of them now; {ever:,} of all decoders so far; "
        f"{len(list(corpus.iterdir())):,} inputs kept, {'one' if broken else 'none'} broke it"
    )
    return Found(got, is_held=so_far.runs >= RUNS_LONG and not broken, notes=broken)


GOAL = Goal(
    "G2",
    "decoder fuzzed by coverage",
    "only the format error ever (long: 10^8 runs, over many calls)",
    measure,
)

if __name__ == "__main__":
    prove(GOAL)
