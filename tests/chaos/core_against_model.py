"""G24: the whole core against a model, ten thousand runs of fifty steps.

    python -m tests.chaos.core_against_model [--long] [--seed S]

A failure prints the shortest history that hypothesis found, as a program, with the blob that has it
again, and the first run that failed as it went; both are kept in ``build/chaos``, for what fails
once need not fail again.  Ctrl-C ends it with what was counted so far, and a goal missed; where a
run had failed by then, with that.
"""

from collections import Counter

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.chaos.core_history import History, Recorded, keep
from tests.chaos.core_machine import CoreMachine
from tests.chaos.plant import REPOSITORY
from tests.chaos.proof import Found, Goal, Trial, prove

KEPT_IN = REPOSITORY / "build" / "chaos"
STEPS = 50
RUNS_SHORT, RUNS_LONG = 100, 10_000


def measure(trial: Trial) -> Found:
    """Run the machine so often; count what it said and how often it died."""
    runs = trial.size(RUNS_SHORT, RUNS_LONG)
    counted = Counter[str]()

    @seed(trial.seed)
    class Counted(Recorded, CoreMachine):
        history = History()

        def teardown(self) -> None:
            super().teardown()
            counted.update(self.counts)
            counted["runs"] += 1

    def counted_in_words() -> str:
        return (
            f"{counted['runs']:,} runs x {STEPS}: {counted['answers']:,} answers, "
            f"{counted['crashes']:,} crashes, {counted['keys']:,} keys changed, "
            f"{counted['jumps']:,} clock jumps; 0 violations"
        )

    try:
        run_state_machine_as_test(
            Counted,
            settings=settings(
                max_examples=runs,
                stateful_step_count=STEPS,
                deadline=None,
                print_blob=True,
                database=None,
                phases=(Phase.generate, Phase.shrink),
                suppress_health_check=list(HealthCheck),
            ),
        )
    except (KeyboardInterrupt, Exception) as broken:  # noqa: BLE001 - whatever it is, it is the figure
        if isinstance(broken, KeyboardInterrupt) and not Counted.history.first:
            return Found(f"of {runs:,} wanted {counted_in_words()}", is_held=False)
        path = KEPT_IN / f"core_against_model-{trial.seed}.txt"
        keep(path, f"{runs:,} runs x {STEPS}, seed {trial.seed}", broken, Counted.history)
        notes = (*path.read_text().splitlines(), f"all of it: {path}")
        return Found("a history that the model forbids", is_held=False, notes=notes)
    return Found(counted_in_words(), is_held=counted["runs"] >= runs and counted["answers"] > runs)


GOAL = Goal(
    "G24",
    "hypothesis over the whole core",
    "0 violations of the model (long: 10,000 x 50)",
    measure,
)

if __name__ == "__main__":
    prove(GOAL)
