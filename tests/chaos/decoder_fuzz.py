"""G2: coverage-guided fuzzing of the decoder; nothing but the format error ever comes out.

    python -m tests.chaos.decoder_fuzz [--long] [--seed S]

Plan: ``atheris`` (libFuzzer) starts from the committed corpus, in a copy of it.  What it
finds is printed as it was sent; put into ``tests/chaos/corpus`` it is tried ever after.
The plain form without it is ``tests/attacks/test_decoder_garbage``, in every test run.
"""

import importlib.util
import re
import shutil
import subprocess
import sys
from pathlib import Path

from tests.chaos.plant import REPOSITORY
from tests.chaos.proof import Found, Goal, Trial, prove, skipped

CORPUS = Path(__file__).parent / "corpus"
RUNS_SHORT, RUNS_LONG = 100_000, 10_000_000
SECONDS_SHORT, SECONDS_LONG = 20, 3_600
DONE = re.compile(r"Done ([0-9]+) runs in ([0-9]+) second")


def measure(trial: Trial) -> Found:
    """Fuzz so many times, or as long as there is time."""
    if importlib.util.find_spec("atheris") is None:
        return skipped("atheris is not installed (pip install atheris, the extra fuzz)")
    corpus = trial.root / "corpus"
    shutil.copytree(CORPUS, corpus)
    command = [
        sys.executable, "-m", "tests.chaos.fuzz_target", str(corpus),
        f"-runs={trial.size(RUNS_SHORT, RUNS_LONG)}", f"-seed={trial.seed}", "-max_len=1200",
        f"-max_total_time={trial.size(SECONDS_SHORT, SECONDS_LONG)}", "-timeout=1",
        f"-artifact_prefix={trial.root}/", "-verbosity=1", "-print_final_stats=1",
    ]  # fmt: skip
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    found = DONE.search(done.stderr)
    broken = [path.read_bytes().hex() for path in trial.root.glob("*-*") if path.is_file()]
    runs, seconds = (int(found[1]), found[2]) if found else (0, "?")
    got = (
        f"{runs:,} runs in {seconds} s from {len(list(CORPUS.iterdir()))} seeds, "
        f"{len(list(corpus.iterdir()))} inputs kept, {len(broken)} broke it"
    )
    is_held = done.returncode == 0 and runs > 0 and not broken
    notes = () if is_held else (*broken, *done.stderr.splitlines()[-15:])
    return Found(got, is_held, notes=notes)


GOAL = Goal(
    "G2", "decoder fuzzed by coverage", "only the format error ever (long: 10^7 runs)", measure
)

if __name__ == "__main__":
    prove(GOAL)
