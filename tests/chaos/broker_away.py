"""G12: the broker is gone under load; no event is lost, none told out of order, no answer late.

    python -m tests.chaos.broker_away [--long] [--seed S]

Plan: a real mosquitto that keeps its subscriptions; a subscriber that keeps all it hears; a
steady load.  The broker is ended, the switch is killed with requests under way and started
again, and the broker comes back.  Then it is stopped (SIGSTOP), which tells nobody, goes on, and
is killed (SIGKILL) while it is told events, and comes back.  Every ending in the journal must be
one transaction event and every event an ending, deduplicated by event id, in the order of the
outbox.
Then with two workers, of which the first tells: it is killed under load while the broker is ended,
and again while the broker is stopped, with events of it that nobody read; that broker is killed and
comes back, and the process that writes is killed while the events are told again.
"""

import asyncio
import shutil
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from atm_switch.adapters.journal_reader import JournalReader
from atm_switch.folder import open_folder
from tests.chaos.broker_beside import Auditor, TheBroker, drained
from tests.chaos.honest import Honest, Script, Tally, paced
from tests.chaos.plant import Plant, set_up
from tests.chaos.proof import Found, Goal, Trial, prove, skipped
from tests.doubles.brokers import HOST, free_port
from tests.doubles.processes import Victim
from tests.doubles.workers import all_answer, wait_for

LINKS, WORKERS = 4, 2
DRAIN_SECONDS_MAX = 30.0
KILLED_AFTER_SECONDS = 2.0
BRIEFLY_SECONDS_MAX = 60.0
LATER_SHARE_MAX, LATER_MS_MAX = 0.10, 3.0


async def load(
    script: Script,
    port: int,
    tally: Tally,
    rate: float,
    seconds: float,
    begun: Callable[[], object] = lambda: None,
) -> None:
    """Ask at a steady rate for so long; ``begun`` is called when all links are there."""
    links = [await Honest.open(script, port) for _ in range(LINKS)]
    begun()
    await asyncio.gather(*(paced(link, tally, rate / LINKS, seconds) for link in links))
    for link in links:
        link.close()


async def load_into_kill(
    plant: Plant, script: Script, tally: Tally, rate: float, victim: Victim = Victim.ANSWERING
) -> None:
    """Ask at a steady rate and kill the switch, or one process of it, in the midst of it."""
    loop = asyncio.get_running_loop()

    def kill_soon() -> None:
        loop.call_later(KILLED_AFTER_SECONDS, plant.kill, victim)

    await load(script, plant.port, tally, rate, 2 * KILLED_AFTER_SECONDS, kill_soon)


def endings(plant: Plant) -> set[str]:
    """Return the RRN of every ending in the journal."""
    with JournalReader(open_folder(plant.folder).journal) as reader:
        return {row.rrn for row in reader.follow(0, 10_000_000) if not row.is_reservation}


@dataclass(frozen=True, slots=True)
class Pace:
    """How many requests a second, and how long the broker is gone."""

    rate: float
    seconds: float

    @property
    def briefly(self) -> float:
        """How long it hangs, or is gone behind a kill."""
        return min(self.seconds / 2, BRIEFLY_SECONDS_MAX)


@dataclass
class Run:
    """What the phases met."""

    there: Tally = field(default_factory=Tally)
    away: Tally = field(default_factory=Tally)
    cut: Tally = field(default_factory=Tally)
    """Asked of the switch that was killed meanwhile."""
    drained: list[float] = field(default_factory=list)
    """Seconds from each return of the broker."""

    @property
    def answered(self) -> set[str]:
        """The RRN of every request that was answered."""
        parts = (self.there, self.away, self.cut)
        return {one.rrn for part in parts for one in part.answers}

    @property
    def is_as_fast(self) -> bool:
        """Whether answers took as long without the broker as with it."""
        there, away = self.there.percentile(0.99), self.away.percentile(0.99)
        return away <= there + max(LATER_SHARE_MAX * there, LATER_MS_MAX)


def outage(plant: Plant, script: Script, broker: TheBroker, run: Run, pace: Pace) -> None:
    """End the broker, kill the switch meanwhile."""
    broker.end(at_once=False)
    asyncio.run(load(script, plant.port, run.away, pace.rate, pace.seconds / 2))
    asyncio.run(load_into_kill(plant, script, run.cut, pace.rate))
    plant.start()
    asyncio.run(load(script, plant.port, run.away, pace.rate, pace.seconds / 2))


def hang(plant: Plant, script: Script, broker: TheBroker, run: Run, pace: Pace) -> None:
    """Stop the broker, which keeps its connections."""
    broker.send(signal.SIGSTOP)
    asyncio.run(load(script, plant.port, run.away, pace.rate, pace.briefly))


def kill(plant: Plant, script: Script, broker: TheBroker, run: Run, pace: Pace) -> None:
    """Kill the broker while it is told events."""

    def kill_soon() -> None:
        loop = asyncio.get_running_loop()
        loop.call_later(KILLED_AFTER_SECONDS, lambda: broker.end(at_once=True))

    asyncio.run(load(script, plant.port, run.away, pace.rate, pace.briefly, kill_soon))


def phases(plant: Plant, broker: TheBroker, auditor: Auditor, pace: Pace) -> Run:
    """Be there, go away in each way and come back, wait for the backlog each time."""
    script, run = Script(plant.folder), Run()

    def back(how: Callable[[], None]) -> None:
        ended = endings(plant)  # now, for to read them takes this process as long as to hear them
        at = time.monotonic()
        how()
        run.drained.append(drained(auditor, ended) - at)
        wait_for(lambda: auditor.is_settled)

    plant.start()
    asyncio.run(load(script, plant.port, run.there, pace.rate, pace.seconds / 2))
    outage(plant, script, broker, run, pace)
    back(broker.start)
    hang(plant, script, broker, run, pace)
    back(lambda: broker.send(signal.SIGCONT))
    kill(plant, script, broker, run, pace)
    back(broker.start)
    plant.stop()
    return run


def kill_beside(plant: Plant, victim: Victim) -> None:
    """Kill a process beside those that go on, and wait until another is there in its place."""
    gone = plant.processes[victim.value]
    plant.kill(victim)
    wait_for(lambda: all_answer(plant.folder, gone))


def rounds(plant: Plant, broker: TheBroker, auditor: Auditor, pace: Pace, count: int) -> Run:
    """Kill who tells, and who writes, of two workers while the broker is away, ends and hangs."""
    script, run = Script(plant.folder), Run()

    def back(how: Callable[[], None]) -> None:
        ended = endings(plant)
        at = time.monotonic()
        how()
        run.drained.append(drained(auditor, ended) - at)
        wait_for(lambda: auditor.is_settled)

    def begin_anew() -> None:
        broker.end(at_once=True)
        heard = len(auditor.heard)
        broker.start()
        wait_for(lambda: len(auditor.heard) > heard)
        kill_beside(plant, Victim.WRITER)

    def ask(tally: Tally) -> None:
        asyncio.run(load(script, plant.port, tally, pace.rate, pace.seconds))

    for _ in range(count):
        plant.start()
        ask(run.there)
        broker.end(at_once=False)
        teller = plant.processes[Victim.WORKER.value]
        asyncio.run(load_into_kill(plant, script, run.cut, pace.rate, Victim.WORKER))
        wait_for(partial(all_answer, plant.folder, teller))
        ask(run.away)
        back(broker.start)
        broker.send(signal.SIGSTOP)
        ask(run.away)
        kill_beside(plant, Victim.WORKER)
        ask(run.away)
        back(begin_anew)
        plant.stop()
    return run


def measure(trial: Trial) -> Found:
    """Do all that with one worker, then with two."""
    if shutil.which("mosquitto") is None:
        return skipped("mosquitto is not installed (apt-get install mosquitto)")
    pace = Pace(float(trial.size(60, 200)), float(trial.size(10, 600)))
    of_several = Pace(pace.rate, float(trial.size(1, 5)))
    times = trial.size(1, 20)
    parts = [
        told(trial, 1, partial(phases, pace=pace)),
        told(trial, WORKERS, partial(rounds, pace=of_several, count=times)),
    ]
    got = f"{parts[0][1]}; with {WORKERS} workers, {times} round{'s' * (times > 1)}: {parts[1][1]}"
    return Found(got, is_held=all(held for held, _ in parts))


def told(
    trial: Trial, workers: int, through: Callable[[Plant, TheBroker, Auditor], Run]
) -> tuple[bool, str]:
    """Go through it beside a broker; then hold what was told against the journal."""
    root = trial.root / str(workers)
    root.mkdir()
    port = free_port()
    events = f'[events]\nbroker = "mqtt://{HOST}:{port}"\nreconnect_seconds_max = 1.0\n'
    plant = set_up(
        root, "--pin", "acquirer", settings=events, workers=workers, is_patient=not trial.is_timed
    )
    broker = TheBroker(port, root / "broker")
    broker.start()
    auditor = Auditor(port)
    try:
        wait_for(lambda: auditor.is_settled)
        broker.keep()
        run = through(plant, broker, auditor)
    finally:
        if plant.is_running:
            plant.kill()
        auditor.stop()
        broker.end(at_once=True)
    ended = endings(plant)
    lost = len((ended | run.answered) - auditor.transactions)
    invented = len(auditor.transactions - ended)
    got = (
        f"{len(run.answered):,} answers, {run.cut.hung_up} cut off by the kill, "
        f"{lost} events lost, {invented} invented, {auditor.out_of_order} out of order, "
        f"drained in {', '.join(f'{one:.1f}' for one in run.drained)} s; "
        f"p99 {run.there.percentile(0.99):.1f} ms with, "
        f"{run.away.percentile(0.99):.1f} ms without the broker"
    )
    is_soon = max(run.drained) < DRAIN_SECONDS_MAX and (workers > 1 or run.is_as_fast)
    is_held = (
        lost == invented == auditor.out_of_order == 0 and trial.in_time(was=is_soon)
        and run.there.hung_up == run.away.hung_up == 0 and run.cut.answers and run.cut.hung_up
    )  # fmt: skip
    return bool(is_held), got


GOAL = Goal(
    "G12",
    "broker away, hung, killed under load",
    "0 events lost, drained in 30 s, p99 +10 % or 3 ms",
    measure,
)

if __name__ == "__main__":
    prove(GOAL)
