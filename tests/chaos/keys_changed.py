"""G23: keys change ten times a second under load; nothing in flight notices, nothing splits.

    python -m tests.chaos.keys_changed [--long] [--seed S]

Plan: inquiries with MAC and PIN, two hundred a second over some links (in CI a quarter of them,
and with two workers changes at their own pace), while on another the bank brings a new MAC or PIN
key every tenth of a second (162), now and then one with a wrong check value, which must be refused
and change nothing, and asks for keys (161) as often as it may.  Every inquiry must be approved,
and its answer be under the key of its request.
Then the switch is killed (SIGKILL) some moment after the beginning of a change, beside inquiries,
and has begun anew: with the keys the terminal has on its disk it signs on and is approved with
every card, whoever was where.
Then the same with two workers, which share both the inquiries and the keys: killed are all, the
worker that takes the change, the one beside it, the process that writes, and the one that listens.
What is there again is asked at either worker; beside a kill an inquiry may be told 96 or 75, for
nothing can be written and tries are in doubt, and nothing that says its key is none.
Limits: of each name the switch keeps the keys of six changes back (this goes by four), and at most
two of which no message has told that the bank has them; so a change waits until the last key was
used and what was asked before four changes is answered, which on a machine at rest is never.  A
bank that heard nothing of a key it brought goes on under the one it has.
"""

import asyncio
import random
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial

from tests.chaos.honest import CARDS, HungUp, Script, Tally, evenly, keep_asking
from tests.chaos.keyed import NAMES, WRONG_CHECK, KeyedLink, Pace, change
from tests.chaos.plant import Plant, running, set_up
from tests.chaos.proof import Found, Goal, Trial, prove
from tests.doubles.processes import Victim
from tests.doubles.workers import all_answer, wait_for

LINKS, RATE, RATE_UNTIMED = 4, 50, 12
"""Links, and inquiries a second on each: of what is not answered in time some get 91."""
EVERY_SECONDS = 0.1
SECONDS_SHORT, SECONDS_LONG, SECONDS_UNTIMED = 30, 300, 6
REFUSED = "30"
SHARE_TAKEN = 0.9
"""Of the changes there should have been in the time."""
WRONG_EVERY = 20
"""Changes of which one has a wrong check value: each costs the link a strike of sixty a minute."""
CHANGES_MIN = 4
"""A machine with other work goes on until there was one of each kind."""
ASKED_EVERY_SECONDS = 15.0
"""Between two requests for keys: the switch takes some a minute."""
KILLS_SHORT, KILLS_LONG, KILLS_UNTIMED = 5, 100, 3
KILLED_WITHIN_SECONDS = 0.03
"""Of the beginning of a change: it takes some milliseconds."""
WORKERS, OF_WORKERS_SHORT, OF_WORKERS_LONG, OF_WORKERS_UNTIMED = 2, 15, 60, 3
"""And for how many seconds keys change that both have."""
VICTIMS = (
    Victim.BOTH, Victim.WORKER, Victim.WRITER, Victim.OTHER_WORKER, Victim.ANSWERING,
)  # fmt: skip
"""Of two workers, in turn."""
BESIDE_CHANGE = frozenset({Victim.WORKER, Victim.OTHER_WORKER})
"""The worker that takes the change, and the other."""
NOT_WRITTEN = "96"
BESIDE_A_KILL = ("75", NOT_WRITTEN)
LINKS_TO_REACH_ALL = 20
ENDS = frozenset({Victim.BOTH, Victim.ANSWERING})
"""Killed so the switch is begun anew."""
ASKING, PAUSE_SECONDS = 2, 0.005
CHANGE_SECONDS_MAX = 5.0
"""Waited for a change beside which a process is killed: it may be over without an answer."""


@dataclass
class Score:
    """What became of the keys."""

    seconds: float = 0.0
    """How long they were changed under load."""
    begun: int = 0
    changed: Counter[str] = field(default_factory=Counter)
    """By what the switch said of a right one."""
    wrong: Counter[str] = field(default_factory=Counter)
    """By what it said of one with a wrong check value."""
    brought: Counter[str] = field(default_factory=Counter)
    """Keys that the switch made and brought."""
    waited: int = 0
    """Changes that were held back for a request in flight."""
    wrong_macs: int = 0
    load: Tally = field(default_factory=Tally)
    kills: int = 0
    amid: Tally = field(default_factory=Tally)
    """Asked while a change began and a kill came."""
    split: list[str] = field(default_factory=list)
    """What was answered, other than 00, once it had begun anew."""


async def change_again_and_again(
    link: KeyedLink, pace: Pace, script: Script, score: Score, seconds: float
) -> None:
    """Change a key every tenth of a second, the MAC key and the PIN key in turn."""
    began, asked_at = time.monotonic(), 0.0
    due = began
    while due < began + seconds:
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        due = max(due, time.monotonic() - EVERY_SECONDS) + EVERY_SECONDS
        score.begun += 1
        name = NAMES[score.begun % 2]
        if score.begun % WRONG_EVERY == 1:
            score.wrong[await change(link, script, name, WRONG_CHECK)] += 1
        elif time.monotonic() > asked_at + ASKED_EVERY_SECONDS:
            asked_at = time.monotonic()
            await pace.wait(*NAMES)
            score.brought["asked"] += (await link.ask(script.network("161"))).code == "00"
            for _ in NAMES:
                score.brought[await asyncio.wait_for(link.delivered.get(), 60.0)] += 1
        else:
            await pace.wait(name)
            score.changed[await change(link, script, name)] += 1


async def under_load(plant: Plant, script: Script, score: Score, seconds: float, rate: int) -> None:
    """Ask on some links while keys change on another."""
    links = [await KeyedLink.reach(script, plant.port) for _ in range(LINKS + 1)]
    bank, *asking = links
    pace = Pace(asking)
    while score.begun < CHANGES_MIN:
        score.seconds += seconds
        await asyncio.gather(
            pace.beside(evenly(asking, score.load, rate, seconds)),
            change_again_and_again(bank, pace, script, score, seconds),
        )
    score.waited = pace.waited
    score.wrong_macs = sum(link.wrong_macs for link in links)
    for link in links:
        link.close()


async def begin_change(link: KeyedLink, script: Script, kind: int) -> None:
    """Begin one of three changes; the switch may die in it."""
    with suppress(HungUp, OSError):
        if kind == 0:
            await link.ask(script.network("161"))
            for _ in range(2):
                await link.delivered.get()
        else:
            await change(link, script, NAMES[kind - 1])


async def killed_within(
    plant: Plant, script: Script, score: Score, seconds: float, victim: Victim
) -> int:
    """Kill the switch, or one process of it, so long after a change has begun; return its pid."""
    bank, *asking = [await KeyedLink.reach(script, plant.port) for _ in range(1 + ASKING)]
    if victim in BESIDE_CHANGE:
        at = await bank.worker(plant.folder)
        victim = Victim(f"worker {at if victim is Victim.WORKER else WORKERS + 1 - at}")
    stop = asyncio.Event()
    asked = [
        asyncio.create_task(keep_asking(link, score.amid, stop, PAUSE_SECONDS)) for link in asking
    ]
    changing = asyncio.create_task(begin_change(bank, script, score.kills % 3))
    gone = plant.processes[victim.value] if victim not in ENDS else 0
    await asyncio.sleep(seconds)
    plant.kill(victim)
    with suppress(TimeoutError):  # what it said before it died is in the socket
        await asyncio.wait_for(changing, 1.0 if victim in ENDS else CHANGE_SECONDS_MAX)
    stop.set()
    await asyncio.gather(*asked)
    for link in (bank, *asking):
        score.wrong_macs += link.wrong_macs
        link.close()
    return gone


async def is_together(plant: Plant, script: Script, workers: int) -> str:
    """Sign on at every worker and ask with every card; return what was wrong."""
    links: list[KeyedLink] = []
    asked: set[int] = set()
    codes: Counter[str] = Counter()
    reach = KeyedLink.reach_when_written if workers > 1 else KeyedLink.reach
    try:
        while len(asked) < workers and len(links) < LINKS_TO_REACH_ALL:
            links.append(await reach(script, plant.port))
            at = await links[-1].worker(plant.folder) if workers > 1 else 1
            if at not in asked:
                while workers > 1 and (await links[-1].ask()).code == NOT_WRITTEN:
                    await asyncio.sleep(PAUSE_SECONDS)
                codes.update([(await links[-1].ask()).code for _ in CARDS])
            asked.add(at)
    except HungUp as error:
        return str(error) or "hung up"
    finally:
        for link in links:
            link.close()
    is_whole = codes.keys() == {"00"} and not any(link.wrong_macs for link in links)
    return "" if is_whole and len(asked) == workers else f"of {asked} inquiries got {dict(codes)}"


def kill_amid_changes(plant: Plant, score: Score, kills: int, seed: int, workers: int) -> None:
    """Kill it again and again; what the terminal has on its disk must do afterwards."""
    chance = random.Random(seed)  # noqa: S311 - when to kill
    script = Script(plant.folder)
    plant.start()
    while score.kills < kills:
        seconds = chance.uniform(0.0, KILLED_WITHIN_SECONDS)
        victim = VICTIMS[score.kills % len(VICTIMS)] if workers > 1 else Victim.ANSWERING
        gone = asyncio.run(killed_within(plant, script, score, seconds, victim))
        score.kills += 1
        numbers, script = script.numbers, Script(plant.folder)
        script.numbers = numbers
        if gone:
            wait_for(partial(all_answer, plant.folder, gone))
        else:
            plant.start()
        score.split += filter(None, [asyncio.run(is_together(plant, script, workers))])
    plant.stop()


def changed(
    trial: Trial, workers: int, seconds: int, kills: int, told_amid: frozenset[str]
) -> tuple[bool, str]:
    """Change under load, then be killed amid changes."""
    root = trial.root / str(workers)
    root.mkdir()
    plant = set_up(root, "--pin", "issuer", "--mac", "required", workers=workers, is_patient=True)
    score = Score()
    with running(plant):
        rate = trial.size(RATE, RATE, RATE_UNTIMED)
        asyncio.run(under_load(plant, Script(plant.folder), score, seconds, rate))
        plant.stop()
    kill_amid_changes(plant, score, kills, trial.seed, workers)
    taken = score.changed.total() + score.wrong.total() + score.brought["asked"]
    got = (
        f"{score.changed.total():,} keys brought {dict(score.changed)}, {score.wrong.total()} with "
        f"a wrong check value {dict(score.wrong)}, asked for {score.brought['asked']} times in "
        f"{score.seconds} s; {score.load.codes.total():,} inquiries {dict(score.load.codes)}, "
        f"{score.wrong_macs} under another key than their request, {score.load.hung_up} cut off; "
        f"{score.waited} changes waited; {score.kills} kills amid a change and "
        f"{score.amid.codes.total()} inquiries {dict(score.amid.codes)}: "
        f"{len(score.split)} split {score.split}"
    )
    is_as_fast = workers > 1 or taken >= SHARE_TAKEN * score.seconds / EVERY_SECONDS
    is_held = (
        score.changed.keys() == {"00"} and score.wrong.keys() == {REFUSED}
        and score.load.codes.keys() == {"00"} and not score.split
        and score.amid.codes.keys() <= told_amid
        and score.wrong_macs == score.load.hung_up == plant.mistakes == 0
        and score.brought["asked"] * 2 == score.brought["mac_key"] + score.brought["pin_key"] > 0
        and trial.in_time(was=is_as_fast)
    )  # fmt: skip
    return is_held, got


def measure(trial: Trial) -> Found:
    """Do all that with one worker, then with two."""
    seconds = trial.size(SECONDS_SHORT, SECONDS_LONG, SECONDS_UNTIMED)
    of_both = trial.size(OF_WORKERS_SHORT, OF_WORKERS_LONG, OF_WORKERS_UNTIMED)
    kills = trial.size(KILLS_SHORT, KILLS_LONG, KILLS_UNTIMED)
    kills_of_both = trial.size(len(VICTIMS), KILLS_LONG)
    parts = [
        changed(trial, 1, seconds, kills, frozenset({"00"})),
        changed(trial, WORKERS, of_both, kills_of_both, frozenset({"00", *BESIDE_A_KILL})),
    ]
    got = f"{parts[0][1]}; with {WORKERS} workers {parts[1][1]}"
    return Found(got, is_held=all(held for held, _ in parts))


GOAL = Goal(
    "G23",
    "keys changed under load, and killed amid it",
    "ten a second: 0 refused, 0 split (long: 5 minutes, 100 kills)",
    measure,
)

if __name__ == "__main__":
    prove(GOAL)
