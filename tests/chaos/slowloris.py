"""G16: five thousand half frames that drip; honest terminals beside them notice nothing.

    python -m tests.chaos.slowloris [--long] [--seed S]

Plan: rounds of honest load alone and beside the half frames, in turn; what counts is the
middle round.  Each half frame must be closed when its ten seconds are over, however it
drips; those that are closed connect again for the next round.
"""

import time

from tests.chaos.crowd import crowd
from tests.chaos.honest import Script
from tests.chaos.idle_terminals import MANY, is_as_fast, load, middle_p99
from tests.chaos.plant import allow_many_files, running, set_up
from tests.chaos.proof import Found, Goal, Trial, prove

ROUNDS_SHORT, ROUNDS_LONG = 1, 5
MAX_MS = 500.0
CLOSED_SECONDS_MAX = 12.0
"""The ten seconds of a frame, a tick, and the time a busy machine takes to close them all."""


def measure(trial: Trial) -> Found:
    """Alone and beside, in turn."""
    allow_many_files()
    count, rounds = trial.size(1_000, 5_000, 300), trial.size(ROUNDS_SHORT, ROUNDS_LONG)
    plant = set_up(trial.root, "--pin", "acquirer", settings=MANY, is_patient=not trial.is_timed)
    alone, beside = [], []
    with running(plant):
        script = Script(plant.folder)
        load(plant, script, trial)  # warm
        for _ in range(rounds):
            alone.append(load(plant, script, trial))
            with crowd(plant.port, count, "--half", "--drip", "1.0") as half:
                began = time.monotonic()
                beside.append(load(plant, script, trial))
                left, _ = half.left()
                while left and time.monotonic() < began + 2 * CLOSED_SECONDS_MAX:
                    time.sleep(0.1)
                    left, _ = half.left()
                closed_after = time.monotonic() - began
        plant.stop()
    p99 = middle_p99(alone), middle_p99(beside)
    slowest = max(one.percentile(1.0) for one in beside)
    got = (
        f"{rounds} x {count:,} half frames: p99 {p99[0]:.1f} ms alone, {p99[1]:.1f} ms beside, "
        f"slowest {slowest:.0f} ms; {left} of them left after {closed_after:.1f} s"
    )
    is_soon = is_as_fast(*p99) and slowest < MAX_MS and closed_after < CLOSED_SECONDS_MAX
    are_good = all(one.codes.keys() == {"00"} and not one.hung_up for one in beside)
    return Found(got, left == 0 and are_good and trial.in_time(was=is_soon))


GOAL = Goal(
    "G16", "slowloris", "p99 +10 % or 3 ms, closed in 10 s (long: 5,000 half frames)", measure
)

if __name__ == "__main__":
    prove(GOAL)
