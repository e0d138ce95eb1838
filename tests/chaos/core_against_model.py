"""G24: the whole core against a model, ten thousand runs of fifty steps.

    python -m tests.chaos.core_against_model [--long] [--seed S]

A failure prints the shortest history that hypothesis found, as a program.
"""

import traceback
from collections import Counter
from collections.abc import Iterator

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.chaos.core_machine import CoreMachine
from tests.chaos.proof import Found, Goal, Trial, prove

STEPS = 50
RUNS_SHORT, RUNS_LONG = 100, 10_000


def told(broken: BaseException) -> Iterator[str]:
    """Tell where each failure is and by which history it is had again."""
    if isinstance(broken, BaseExceptionGroup):
        for one in broken.exceptions:
            yield from told(one)
        return
    place = traceback.extract_tb(broken.__traceback__)[-1]
    yield f"{type(broken).__name__} at {place.filename}:{place.lineno}: {place.line}"
    for note in getattr(broken, "__notes__", ()):
        yield from note.splitlines()


def measure(trial: Trial) -> Found:
    """Run the machine so often; count what it said and how often it died."""
    runs = trial.size(RUNS_SHORT, RUNS_LONG)
    counted = Counter[str]()

    @seed(trial.seed)
    class Counted(CoreMachine):
        def teardown(self) -> None:
            super().teardown()
            counted.update(self.counts)
            counted["runs"] += 1

    try:
        run_state_machine_as_test(
            Counted,
            settings=settings(
                max_examples=runs,
                stateful_step_count=STEPS,
                deadline=None,
                database=None,
                phases=(Phase.generate, Phase.shrink),
                suppress_health_check=list(HealthCheck),
            ),
        )
    except Exception as broken:  # noqa: BLE001 - whatever it is, it is the figure
        return Found("a history that the model forbids", is_held=False, notes=tuple(told(broken)))
    got = (
        f"{counted['runs']:,} runs x {STEPS}: {counted['answers']:,} answers, "
        f"{counted['crashes']:,} crashes, {counted['keys']:,} keys changed, "
        f"{counted['jumps']:,} clock jumps; 0 violations"
    )
    return Found(got, is_held=counted["runs"] >= runs and counted["answers"] > runs)


GOAL = Goal(
    "G24",
    "hypothesis over the whole core",
    "0 violations of the model (long: 10,000 x 50)",
    measure,
)

if __name__ == "__main__":
    prove(GOAL)
