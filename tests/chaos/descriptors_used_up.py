"""G18: more peers than descriptors; those that are there work on, and all is well at once after.

    python -m tests.chaos.descriptors_used_up [--long] [--seed S]

Plan: twice, with the settings' bound on connections below what the system allows, which is
what an operator has, and with the system's limit first, which is what an operator forgot.
A crowd far above either connects and stays; honest terminals that were there ask on; the
crowd leaves, and a new terminal must get in within a second.
"""

import asyncio
import time
from pathlib import Path

from tests.chaos.crowd import crowd
from tests.chaos.honest import Honest, HungUp, Script, Tally, evenly
from tests.chaos.plant import Plant, running, set_up
from tests.chaos.proof import Found, Goal, Trial, prove

FILES_MAX = 256
CROWD = 400
LINKS, RATE = 10, 10.0
SECONDS_SHORT, SECONDS_LONG, SECONDS_UNTIMED = 3, 60, 1
"""How long the crowd stays; the log is counted by the minute."""
LATER_MS_MAX = 5.0
LOG_LINES_MAX = 100
BACK_SECONDS_MAX = 1.0
PATIENCE = 60.0


async def there_and_beside(
    plant: Plant, script: Script, seconds: float
) -> tuple[Tally, Tally, float]:
    """Ask alone, ask beside the crowd on the same links, and come back when it has left."""
    links = [await Honest.open(script, plant.port) for _ in range(LINKS)]
    alone, beside = Tally(), Tally()

    async def ask(tally: Tally) -> None:
        await evenly(links, tally, RATE, seconds)

    await ask(Tally())  # warm
    await ask(alone)
    with crowd(plant.port, CROWD):
        await ask(beside)
    left = time.monotonic()
    back = await _in_again(plant, script, left)
    for link in links:
        link.close()
    return alone, beside, back


async def _in_again(plant: Plant, script: Script, left: float) -> float:
    """Knock until a new terminal is let in; return how long that took."""
    while time.monotonic() < left + PATIENCE:
        try:
            link = await Honest.open(script, plant.port)
        except (OSError, HungUp):
            await asyncio.sleep(0.01)
        else:
            link.close()
            return time.monotonic() - left
    return float("inf")


def part(trial: Trial, root: Path, connections_max: int, what: str) -> tuple[bool, str]:
    """One bound."""
    seconds = trial.size(SECONDS_SHORT, SECONDS_LONG, SECONDS_UNTIMED)
    limits = f"[limits]\nconnections_max = {connections_max}\necho_idle_seconds = 0\n"
    plant = set_up(
        root,
        "--pin",
        "acquirer",
        settings=limits,
        files_max=FILES_MAX,
        is_patient=not trial.is_timed,
    )
    with running(plant):
        script = Script(plant.folder)
        alone, beside, back = asyncio.run(there_and_beside(plant, script, seconds))
        plant.stop()
    lines = sum(1 for _ in plant.log.open()) - plant.logged('"event": "answered"')
    noise = plant.logged("turned away") + plant.logged("accept") + plant.mistakes
    by_the_minute = noise / max(1.0, seconds / 60)  # a burst within seconds is of its minute
    p99 = alone.percentile(0.99), beside.percentile(0.99)
    is_soon = p99[1] <= p99[0] + max(LATER_MS_MAX, 0.1 * p99[0]) and back < BACK_SECONDS_MAX
    is_held = (
        beside.hung_up == 0 and beside.codes.keys() == {"00"} and by_the_minute < LOG_LINES_MAX
        and back < PATIENCE and trial.in_time(was=is_soon)
    )  # fmt: skip
    said = (
        f"{what}: {beside.hung_up} of the {LINKS} there cut off, p99 {p99[0]:.1f} then "
        f"{p99[1]:.1f} ms, {noise} log lines of {lines} in {seconds} s, in again after "
        f"{back:.2f} s"
    )
    return is_held, said


def measure(trial: Trial) -> Found:
    """Both bounds."""
    parts = []
    for name, bound, what in (
        ("bounded", FILES_MAX - 56, "settings' bound"), ("bare", 10_000, "system's bound"),
    ):  # fmt: skip
        (trial.root / name).mkdir()
        parts.append(part(trial, trial.root / name, bound, what))
    return Found("; ".join(said for _, said in parts), is_held=all(held for held, _ in parts))


GOAL = Goal(
    "G18", "descriptors used up", "nobody cut off, +5 ms, < 100 log lines, in again in 1 s", measure
)

if __name__ == "__main__":
    prove(GOAL)
