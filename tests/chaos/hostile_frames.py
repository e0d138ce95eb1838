"""G3: a million hostile frames over fifty links, each shared with an honest terminal.

    python -m tests.chaos.hostile_frames [--long] [--seed S]

Plan: the hostile frames are honest ones mangled by the decoder's own test, behind truthful
length headers, with ``bad_frames_per_minute`` off; after every few of them the same link
asks an honest question.  Then, with the limit at its default, other links spew until they
are closed, again and again, and the honest links beside them must not notice.
Then two workers, each with honest links and hostile ones: a link that one of them closes counts
against that one alone, and nothing is left of it at either, nor at the process that handed it over.
A mangled frame may still be a right sign-off; the terminal then gets 58, signs on and asks
again, which is no reply lost.
"""

import asyncio
import random
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from atm_switch.wire.framing import enclose
from tests.attacks.test_decoder_garbage import honest, mangled
from tests.chaos.honest import Honest, HungUp, Script, Tally, keep_asking
from tests.chaos.plant import running, set_up
from tests.chaos.proof import Found, Goal, Trial, prove

LINKS = 50
FRAMES_SHORT, FRAMES_LONG = 20_000, 1_000_000
BESIDE_SHORT, BESIDE_LONG = 2_000, 50_000
WORKERS, OF_WORKERS_SHORT, OF_WORKERS_LONG = 2, 1_000, 20_000
BURST = 40
"""Hostile frames between two honest questions."""
GROWTH_KIB_MAX = 64 * 1024
CLOSED_AT = re.compile(r'{"worker": ([0-9]+),.*"why": "[0-9]+ bad frames within a minute"')
OFF = "[limits]\nbad_frames_per_minute = 0\n"


@dataclass
class Score:
    """What the honest terminals got."""

    sent: int = 0
    asked: int = 0
    answered: int = 0
    signed_off: int = 0
    codes: Tally = field(default_factory=Tally)


def frames(script: Script, seed: int) -> Iterator[bytes]:
    """Yield mangled frames without end."""
    chance = random.Random(seed)  # noqa: S311 - garbage, not a key
    payloads = [script.packager.pack(message) for message in honest()]
    while True:
        payload = mangled(chance.choice(payloads), chance.choice(payloads), chance)
        if 0 < len(payload) <= script.profile.framing.payload_bytes_max:
            yield enclose(script.profile.framing, payload)


async def share_a_link(script: Script, port: int, count: int, seed: int, score: Score) -> None:
    """Spew and ask in turn on one link."""
    link = await Honest.open(script, port)
    hostile = frames(script, seed)
    for begun in range(0, count, BURST):
        burst = min(BURST, count - begun)
        score.sent += burst
        link.write(b"".join(next(hostile) for _ in range(burst)))
        score.asked += 1
        told = await link.ask()
        score.answered += 1
        if told.code == "58":
            score.signed_off += 1
            await link.ask(script.network("001"))
        else:
            score.codes.take(told)
    link.close()


async def spew_beside(
    script: Script, port: int, count: int, seed: int, at_once: int = 1
) -> tuple[int, Tally]:
    """Spew on links that are closed for it, beside honest ones; count the closings.

    ``at_once`` are opened together: of that many workers each has one, while none has ended.
    """
    stop, tally, closed = asyncio.Event(), Tally(), 0
    links = [await Honest.open(script, port) for _ in range(5)]
    asking = [asyncio.create_task(keep_asking(link, tally, stop)) for link in links]
    hostile, sent = frames(script, seed), 0
    while sent < count:
        for link in [await Honest.open(script, port) for _ in range(at_once)]:
            while not link.is_lost and sent < count:
                link.write(b"".join(next(hostile) for _ in range(20)))
                sent += 20
                await asyncio.sleep(0)
                try:
                    await link.ask(script.network("301"))
                except HungUp:
                    closed += 1
            link.close()
    stop.set()
    await asyncio.gather(*asking)
    for link in links:
        link.close()
    return closed, tally


def at_workers(trial: Trial) -> tuple[bool, str]:
    """Spew beside honest links of two workers."""
    root = trial.root / "workers"
    root.mkdir()
    plant = set_up(root, "--pin", "acquirer", workers=WORKERS, is_patient=True)
    count = trial.size(OF_WORKERS_SHORT, OF_WORKERS_LONG)
    with running(plant):
        before, tasks = plant.descriptors, plant.tasks
        spewing = spew_beside(Script(plant.folder), plant.port, count, trial.seed, WORKERS)
        closed, tally = asyncio.run(spewing)
        leaked, tasks = plant.descriptors_left(before), plant.tasks_left(tasks)
        plant.stop()
    with plant.log.open() as lines:
        closed_at = Counter(
            f"worker {found[1]}" for line in lines if (found := CLOSED_AT.match(line))
        )
    said = (
        f"with {WORKERS} workers {closed} closed {dict(closed_at)}, "
        f"{tally.codes.total():,} beside: "
        f"{tally.hung_up} cut off, {plant.mistakes} mistakes, {leaked} descriptors and {tasks} "
        "tasks left"
    )
    is_held = (
        tally.hung_up == plant.mistakes == leaked == tasks == 0 and tally.codes.keys() == {"00"}
        and len(closed_at) == WORKERS
    )  # fmt: skip
    return is_held, said


def measure(trial: Trial) -> Found:
    """Both runs."""
    count = trial.size(FRAMES_SHORT, FRAMES_LONG)
    plant = set_up(trial.root, "--pin", "acquirer", settings=OFF, is_patient=not trial.is_timed)
    score = Score()
    script = Script(plant.folder)

    async def all_links() -> None:
        async with asyncio.TaskGroup() as group:
            for number in range(LINKS):
                seed = trial.seed * 1_000 + number
                group.create_task(share_a_link(script, plant.port, count // LINKS, seed, score))

    with running(plant):
        before, tasks, resident = plant.descriptors, plant.tasks, plant.resident_kib
        asyncio.run(all_links())
        leaked, tasks = plant.descriptors_left(before), plant.tasks_left(tasks)
        growth = plant.resident_kib - resident
        plant.stop()
    toml = plant.folder / "switch.toml"
    toml.write_text(toml.read_text().replace("bad_frames_per_minute = 0", ""))
    with running(plant):
        beside = trial.size(BESIDE_SHORT, BESIDE_LONG)
        closed, tally = asyncio.run(spew_beside(script, plant.port, beside, trial.seed))
        plant.stop()
    is_held_at_both, said = at_workers(trial)
    lost = score.asked - score.answered
    odd = {**score.codes.codes, **tally.codes}
    odd.pop("00", None)
    got = (
        f"{score.sent:,} hostile, {score.asked:,} honest on the same links: {lost} lost, "
        f"{plant.mistakes} mistakes, {leaked} descriptors and {tasks} tasks left, "
        f"+{growth / 1024:.0f} MiB; "
        f"with the limit {closed} links closed, {tally.codes.total():,} beside: "
        f"{tally.hung_up} cut off; {score.signed_off} signed off by a hostile frame, odd {odd}; "
        f"{said}"
    )
    is_held = (
        lost == plant.mistakes == leaked == tasks == tally.hung_up == 0 and not odd
        and closed > 0 and growth < GROWTH_KIB_MAX and is_held_at_both
    )  # fmt: skip
    return Found(got, is_held)


GOAL = Goal(
    "G3", "hostile frames beside honest ones", "0 replies lost, nobody else cut off (long: 10^6)",
    measure,
)  # fmt: skip

if __name__ == "__main__":
    prove(GOAL)
