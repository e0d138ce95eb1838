"""G23: keys change ten times a second under load; nothing in flight notices, nothing splits.

    python -m tests.chaos.keys_changed [--long] [--seed S]

Plan: inquiries with MAC and PIN, two hundred a second over some links, while on another the
bank brings a new MAC or PIN key every tenth of a second (162), now and then one with a wrong
check value, which must be refused and change nothing, and asks for keys (161) as often as it
may.  Every inquiry must be approved, and its answer be under the key of its request.
Then the switch is killed (SIGKILL) some moment after the beginning of a change, and has begun
anew: with the keys the terminal has on its disk it signs on and is approved, whoever was where.
Limits: of each name the switch keeps the keys of four changes back, and at most two of which no
message has told that the bank has them; so a change waits until the last key was used and what
was asked before four changes is answered, which on a machine at rest is never.  A bank that heard
nothing of a key it brought goes on under the one it has.
"""

import asyncio
import random
import time
from collections import Counter, deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from tests.chaos.honest import HungUp, Script, Tally, evenly
from tests.chaos.keyed import WRONG_CHECK, KeyedLink, change
from tests.chaos.plant import Plant, running, set_up
from tests.chaos.proof import Found, Goal, Trial, prove

LINKS, RATE = 4, 50.0
NAMES = ("mac_key", "pin_key")
EVERY_SECONDS = 0.1
SECONDS_SHORT, SECONDS_LONG, SECONDS_UNTIMED = 30, 300, 6
GOOD_BACK = 4
"""Changes of one name whose keys are still good."""
REFUSED = "30"
SHARE_TAKEN = 0.9
"""Of the changes there should have been in the time."""
WRONG_EVERY = 10
"""Changes of which one has a wrong check value."""
ASKED_EVERY_SECONDS = 15.0
"""Between two requests for keys: the switch takes some a minute."""
KILLS_SHORT, KILLS_LONG, KILLS_UNTIMED = 5, 100, 3
KILLED_WITHIN_SECONDS = 0.03
"""Of the beginning of a change: it takes some milliseconds."""


@dataclass
class Score:
    """What became of the keys."""

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
    split: list[str] = field(default_factory=list)
    """What was answered, other than 00, once it had begun anew."""


class Pace:
    """Holds a change back until no request in flight can miss its key for it."""

    def __init__(self, asking: Sequence[KeyedLink]) -> None:
        """Nothing was changed yet."""
        self._asking = asking
        self._changed_at = {name: deque([0.0], maxlen=GOOD_BACK) for name in NAMES}
        self.waited = 0

    async def wait(self, *names: str) -> None:
        """Wait until keys of these names may be changed, and count the change."""
        is_late = False
        while not all(map(self._may_change, names)):
            is_late = True
            await asyncio.sleep(0.005)
        self.waited += is_late
        for name in names:
            self._changed_at[name].append(time.monotonic())

    def _may_change(self, name: str) -> bool:
        eldest, newest = self._changed_at[name][0], self._changed_at[name][-1]
        was_used = any(link.heard_of > newest for link in self._asking)
        return was_used and not any(
            at < eldest for link in self._asking for _, at in link.waiting.values()
        )


async def change_again_and_again(
    link: KeyedLink, pace: Pace, script: Script, score: Score, seconds: float
) -> None:
    """Change a key every tenth of a second, the MAC key and the PIN key in turn."""
    began, asked_at, number = time.monotonic(), 0.0, 0
    due = began
    while due < began + seconds:
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        due = max(due, time.monotonic() - EVERY_SECONDS) + EVERY_SECONDS
        number += 1
        name = NAMES[number % 2]
        if number % WRONG_EVERY == 0:
            score.wrong[await change(link, script, name, WRONG_CHECK)] += 1
        elif time.monotonic() > asked_at + ASKED_EVERY_SECONDS:
            asked_at = time.monotonic()
            await pace.wait(*NAMES)
            score.brought["asked"] += (await link.ask(script.network("161"))).code == "00"
            for _ in NAMES:
                score.brought[await asyncio.wait_for(link.delivered.get(), 10.0)] += 1
        else:
            await pace.wait(name)
            score.changed[await change(link, script, name)] += 1


async def under_load(plant: Plant, script: Script, score: Score, seconds: float) -> None:
    """Ask on some links while keys change on another."""
    links = [await KeyedLink.reach(script, plant.port) for _ in range(LINKS + 1)]
    bank, *asking = links
    pace = Pace(asking)
    await asyncio.gather(
        evenly(asking, score.load, RATE, seconds),
        change_again_and_again(bank, pace, script, score, seconds),
    )
    score.waited = pace.waited
    score.wrong_macs = sum(link.wrong_macs for link in links)
    for link in links:
        link.close()


async def begin_change(plant: Plant, script: Script, kind: int) -> None:
    """Begin one of three changes; the switch may die in it."""
    with suppress(HungUp, OSError):
        link = await KeyedLink.reach(script, plant.port)
        if kind == 0:
            await link.ask(script.network("161"))
            for _ in range(2):
                await link.delivered.get()
        else:
            await change(link, script, NAMES[kind - 1])


async def killed_within(plant: Plant, script: Script, kind: int, seconds: float) -> None:
    """Kill the switch so long after a change has begun."""
    changing = asyncio.create_task(begin_change(plant, script, kind))
    await asyncio.sleep(seconds)
    plant.kill()
    with suppress(TimeoutError):
        await asyncio.wait_for(changing, 1.0)  # what it said before it died is in the socket


async def is_together(plant: Plant, script: Script) -> str:
    """Sign on and ask; return what was wrong."""
    try:
        link = await KeyedLink.reach(script, plant.port)
    except HungUp as error:
        return str(error)
    told = await link.ask()
    link.close()
    return "" if told.code == "00" and not link.wrong_macs else f"an inquiry got {told.code}"


def kill_amid_changes(plant: Plant, script: Script, score: Score, trial: Trial) -> None:
    """Kill it again and again; what the terminal has on its disk must do afterwards."""
    chance = random.Random(trial.seed)  # noqa: S311 - when to kill
    kills = trial.size(KILLS_SHORT, KILLS_LONG, KILLS_UNTIMED)
    plant.start()
    while score.kills < kills:
        seconds = chance.uniform(0.0, KILLED_WITHIN_SECONDS)
        asyncio.run(killed_within(plant, script, score.kills % 3, seconds))
        score.kills += 1
        numbers, script = script.numbers, Script(plant.folder)
        script.numbers = numbers
        plant.start()
        score.split += filter(None, [asyncio.run(is_together(plant, script))])
    plant.stop()


def measure(trial: Trial) -> Found:
    """Change under load, then be killed amid changes."""
    plant, score = set_up(trial.root, "--pin", "issuer", "--mac", "required"), Score()
    script = Script(plant.folder)
    seconds = trial.size(SECONDS_SHORT, SECONDS_LONG, SECONDS_UNTIMED)
    with running(plant):
        asyncio.run(under_load(plant, script, score, seconds))
        plant.stop()
    kill_amid_changes(plant, script, score, trial)
    taken = score.changed.total() + score.wrong.total() + score.brought["asked"]
    got = (
        f"{score.changed.total():,} keys brought {dict(score.changed)}, {score.wrong.total()} with "
        f"a wrong check value {dict(score.wrong)}, asked for {score.brought['asked']} times in "
        f"{seconds} s; {score.load.codes.total():,} inquiries {dict(score.load.codes)}, "
        f"{score.wrong_macs} under another key than their request, {score.load.hung_up} cut off; "
        f"{score.waited} changes waited; {score.kills} kills amid a change: "
        f"{len(score.split)} split {score.split}"
    )
    is_held = (
        score.changed.keys() == {"00"} and score.wrong.keys() == {REFUSED}
        and score.load.codes.keys() == {"00"} and not score.split
        and score.wrong_macs == score.load.hung_up == plant.mistakes == 0
        and score.brought["asked"] * 2 == score.brought["mac_key"] + score.brought["pin_key"] > 0
        and trial.in_time(was=taken >= SHARE_TAKEN * seconds / EVERY_SECONDS)
    )  # fmt: skip
    return Found(got, is_held)


GOAL = Goal(
    "G23",
    "keys changed under load, and killed amid it",
    "ten a second: 0 refused, 0 split (long: 5 minutes, 100 kills)",
    measure,
)

if __name__ == "__main__":
    prove(GOAL)
