"""G9: recorded frames are sent again, as they were and with another content, across a restart.

    python -m tests.chaos.replayed [--long] [--seed S]

Plan: with MACs and PINs, so many inquiries are made and their frames and answers kept.  Sent
again each must get the same octets as before.  Then each is said with its key as it was (DE7,
DE11, DE32, DE41) and another card, or another wish, under a right MAC: it must be refused and
show no balance.  All of it again on other links, after the switch was killed and has begun anew.
In the journal there must be one PIN verified and one answer for each inquiry, and no more.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass, field
from typing import Any

from atm_switch.adapters.schema import open_reader
from atm_switch.domain.outcome import Outcome
from atm_switch.folder import open_folder
from atm_switch.wire.message import IsoMessage
from tests.chaos.honest import CARDS, Answer, Honest, Script
from tests.chaos.plant import Plant, running, set_up
from tests.chaos.proof import Found, Goal, Trial, prove

FRAMES_SHORT, FRAMES_LONG, FRAMES_UNTIMED = 1_000, 10_000, 300
LINKS, DEPTH = 4, 8
BALANCE, WISH = 54, 48
REFUSED = {"94"}
"""What another content under a key that was used gets."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """A request as it was on the line, and the answer it got."""

    message: IsoMessage
    frame: bytes
    answer: bytes


@dataclass
class Score:
    """What came back."""

    recorded: list[Recorded] = field(default_factory=list)
    first: Counter[str] = field(default_factory=Counter)
    same: int = 0
    different: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    shown: int = 0
    """Balances that another content was shown."""
    begun: int = 0
    """Rows of PINs that were verified, in the journal."""
    answered: int = 0
    """Rows of approvals."""


def another_content(message: IsoMessage, at: int) -> IsoMessage:
    """Write a request under the same key that asks for something else."""
    if at % 2:
        return message.with_element(WISH, message[WISH].replace("ID", "EN"))
    others = [pan for pan, _ in CARDS if pan != message[2]]
    return message.with_element(2, others[at % len(others)])


async def on_links(
    script: Script, port: int, works: Iterable[Callable[[Honest], Coroutine[Any, Any, None]]]
) -> None:
    """Have some links do all the works, so many at once on each."""
    links = [await Honest.open(script, port) for _ in range(LINKS)]
    left = iter(list(works))

    async def worker(link: Honest) -> None:
        for work in left:
            await work(link)

    async with asyncio.TaskGroup() as group:
        for link in links:
            for _ in range(DEPTH):
                group.create_task(worker(link))
    for link in links:
        link.close()


async def record(script: Script, port: int, count: int, score: Score) -> None:
    """Make the inquiries and keep them."""

    async def one(link: Honest) -> None:
        message = script.inquiry()
        frame = script.framed(message)
        told = await said(link, message, frame)
        score.first[told.code] += 1
        score.recorded.append(Recorded(message, frame, told.payload))

    await on_links(script, port, [one] * count)


async def said(link: Honest, message: IsoMessage, frame: bytes) -> Answer:
    """Say a frame and wait for its answer."""
    return await asyncio.wait_for(link.say(message, frame), 60.0)


async def replay(script: Script, port: int, score: Score) -> None:
    """Send all frames as they were; compare what comes."""

    def again(one: Recorded) -> Callable[[Honest], Coroutine[Any, Any, None]]:
        async def work(link: Honest) -> None:
            told = await said(link, one.message, one.frame)
            is_same = told.payload == one.answer
            score.same += is_same
            score.different += not is_same

        return work

    await on_links(script, port, map(again, score.recorded))


async def forge(script: Script, port: int, score: Score) -> None:
    """Say another content under each key."""

    def other(at: int, one: Recorded) -> Callable[[Honest], Coroutine[Any, Any, None]]:
        message = another_content(one.message, at)

        async def work(link: Honest) -> None:
            told = await said(link, message, script.framed(message))
            score.refused[told.code] += 1
            elements = script.packager.unpack(told.payload).elements
            score.shown += told.code == "00" or BALANCE in elements

        return work

    await on_links(script, port, [other(at, one) for at, one in enumerate(score.recorded)])


def count_rows(plant: Plant, score: Score) -> None:
    """Count what the journal has of inquiries that were carried out."""
    connection = open_reader(open_folder(plant.folder).journal, seconds_max=60.0)
    try:
        rows = dict(
            connection.execute("SELECT outcome, COUNT(*) FROM journal_rows GROUP BY outcome")
        )
    finally:
        connection.close()
    score.begun, score.answered = rows.get(None, 0), rows.get(Outcome.APPROVED.value, 0)


def measure(trial: Trial) -> Found:
    """Before and behind a crash."""
    count = trial.size(FRAMES_SHORT, FRAMES_LONG, FRAMES_UNTIMED)
    plant, score = (
        set_up(trial.root, "--pin", "issuer", "--mac", "required", is_patient=not trial.is_timed),
        Score(),
    )
    script = Script(plant.folder)
    with running(plant):
        asyncio.run(record(script, plant.port, count, score))
        asyncio.run(replay(script, plant.port, score))
        asyncio.run(forge(script, plant.port, score))
        plant.kill()
    with running(plant):
        asyncio.run(replay(script, plant.port, score))
        asyncio.run(forge(script, plant.port, score))
        plant.stop()
    count_rows(plant, score)
    got = (
        f"{count:,} recorded {dict(score.first)}; sent again twice, across a kill: {score.same:,} "
        f"the same octets, {score.different} others; another content twice: "
        f"{dict(score.refused)}, {score.shown} balances shown; {score.begun:,} PINs verified, "
        f"{score.answered:,} approvals in the journal"
    )
    is_held = (
        score.first == {"00": count} and (score.same, score.different) == (2 * count, 0)
        and score.refused.keys() == REFUSED and score.refused.total() == 2 * count
        and score.shown == plant.mistakes == 0 and score.begun == score.answered == count
    )  # fmt: skip
    return Found(got, is_held)


GOAL = Goal(
    "G9",
    "recorded frames sent again",
    "same octets; other content refused (long: 10,000 frames)",
    measure,
)

if __name__ == "__main__":
    prove(GOAL)
