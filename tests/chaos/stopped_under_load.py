"""G14: SIGTERM under load, with a thousand idle links: what was accepted is answered.

    python -m tests.chaos.stopped_under_load [--long] [--seed S]

Plan: accepted is what has a row in the journal.  Each of those must have been answered on
the wire before the link ended, and the process gone, with exit code 0, in five seconds.  A stop
amid which nothing was answered proves nothing, and is a miss.
Then the same of two workers, where SIGTERM comes to all processes at once, as from systemd.
Limit: the interpreter is the one that runs this; others are a matter of whoever has them.
"""

import asyncio
from collections.abc import Callable

from atm_switch.adapters.journal_reader import JournalReader
from atm_switch.folder import open_folder
from tests.chaos.crowd import crowd
from tests.chaos.honest import Honest, HungUp, Script
from tests.chaos.idle_terminals import MANY
from tests.chaos.plant import Plant, allow_many_files, running, set_up
from tests.chaos.proof import Found, Goal, Trial, prove

LINKS, DEPTH = 6, 8
IDLE = 1_000
WORKERS = 2
LOAD_SECONDS = 1.5
STOP_SECONDS_MAX = 5.0


async def load_and_stop(
    plant: Plant, script: Script, stop: Callable[[Plant], float] = Plant.stop
) -> tuple[set[str], float]:
    """Ask until the switch is gone; return who was answered and how long the end took."""
    answered: set[str] = set()
    links = [await Honest.open(script, plant.port) for _ in range(LINKS)]

    async def worker(link: Honest) -> None:
        while True:
            try:
                answered.add((await link.ask()).rrn)
            except HungUp:
                return

    working = [asyncio.create_task(worker(link)) for link in links for _ in range(DEPTH)]
    await asyncio.sleep(LOAD_SECONDS)
    while not (answered or all(one.done() for one in working)):  # it is no load yet
        await asyncio.sleep(0.01)
    seconds = await asyncio.to_thread(stop, plant)
    await asyncio.gather(*working)
    return answered, seconds


def stopped(
    trial: Trial, plant: Plant, times: int, stop: Callable[[Plant], float]
) -> tuple[bool, str]:
    """Stop it so often; tell whether all was answered, and say what came."""
    script = Script(plant.folder)
    answered: set[str] = set()
    slowest, codes, are_loaded = 0.0, [], True
    for _ in range(times):
        with running(plant), crowd(plant.port, IDLE, "--sign-on"):
            told, seconds = asyncio.run(load_and_stop(plant, script, stop))
            assert plant.process is not None
            codes.append(plant.process.returncode)
        answered |= told
        are_loaded &= bool(told)
        slowest = max(slowest, seconds)
    with JournalReader(open_folder(plant.folder).journal) as reader:
        accepted = {row.rrn for row in reader.follow(0, 10_000_000)}
        in_doubt = len(reader.in_doubt())
    unanswered = len(accepted - answered)
    got = (
        f"{times} stop{'s' * (times > 1)}: {len(accepted):,} accepted, {unanswered} "
        f"unanswered, {in_doubt} in doubt; gone after {slowest:.2f} s at most"
    )
    is_soon = trial.in_time(was=slowest < STOP_SECONDS_MAX)
    is_held = unanswered == in_doubt == 0 and is_soon and set(codes) == {0}
    return is_held and are_loaded and bool(accepted) and plant.mistakes == 0, got


def measure(trial: Trial) -> Found:
    """Stop a switch of one worker, then of two."""
    allow_many_files()
    plants = []
    for workers in (1, WORKERS):
        root = trial.root / str(workers)
        root.mkdir()
        plants.append(
            set_up(
                root,
                "--pin",
                "issuer",
                settings=MANY,
                workers=workers,
                is_patient=not trial.is_timed,
            )
        )
    alone, several = plants
    parts = [
        stopped(trial, alone, trial.size(2, 20), Plant.stop),
        stopped(trial, several, trial.size(1, 20), Plant.stop_all),
    ]
    got = f"beside {IDLE:,} idle links {parts[0][1]}; {WORKERS} workers, all told: {parts[1][1]}"
    return Found(got, is_held=all(held for held, _ in parts))


GOAL = Goal("G14", "SIGTERM under load", "0 accepted requests unanswered, gone in 5 s", measure)

if __name__ == "__main__":
    prove(GOAL)
