"""G22: the wall clock jumps; no link is dropped, no repeat mistaken, the journal stays in order.

    python -m tests.chaos.clock_jumps [--long] [--seed S]

Plan: the switch runs under ``libfaketime``, which reads the shift from a file and leaves
the monotonic clock alone; the terminals' clocks jump with it.  When the log has told of a jump
the links that were there ask on, and a request made before a jump of an hour is said again.
The long form also goes to the leap day and over the turn of a year, in whose midst DE7, which
has no year, must still be of now.
Limits: far from today cards are expired (54) and accounts not opened yet (88); what must
not be is a 68, a 94, a 96, or a link that is closed.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from atm_switch.adapters.journal_reader import JournalReader
from atm_switch.folder import open_folder
from atm_switch.wire.message import IsoMessage
from tests.chaos.honest import Answer, Honest, Script
from tests.chaos.plant import SECONDS_MAX, Hangs, Plant, running, set_up
from tests.chaos.proof import Found, Goal, Trial, prove, skipped
from tests.doubles.siege import faketime

HOUR, DAY = 3_600, 86_400
JUMPS = (0, HOUR, 0, -HOUR, DAY + HOUR, 0, 3_650 * DAY, -3_650 * DAY, 0)
"""Seconds the clock is off, one behind the other."""
EXPECTED = {"00", "54", "88"}
LINKS = 4
ROUNDS_LONG = 10
LEAP_DAY = datetime(2028, 2, 29, 12, tzinfo=UTC)
YEARS_END = datetime(2027, 12, 31, 23, 59, 58, tzinfo=UTC)
"""Two seconds before it is over: what is asked there is answered on both sides of it."""


JUMPED = '"event": "clock jumped"'
LONG_JUMPS = (*JUMPS, LEAP_DAY, YEARS_END, 0)


def off_by(jump: int | datetime) -> int:
    """Return how many seconds off the clock is then; of a moment, counted from now."""
    return jump if isinstance(jump, int) else round((jump - datetime.now(UTC)).total_seconds())


def set_clock(file: Path, seconds: int, script: Script) -> None:
    """Move the switch's clock and the terminals'."""
    file.write_text(f"{seconds:+d}\n")
    script.clock = lambda: datetime.now(UTC) + timedelta(seconds=seconds)


async def seen(plant: Plant, count: int) -> None:
    """Wait until the switch has told of so many jumps.  Raises ``Hangs`` where it does not."""
    deadline = time.monotonic() + SECONDS_MAX
    while plant.logged(JUMPED) < count:
        if time.monotonic() > deadline:
            raise Hangs(f"jump {count} of the clock was not told")
        await asyncio.sleep(0.05)


async def through_jumps(
    plant: Plant, script: Script, file: Path, to: Sequence[int | datetime]
) -> tuple[Counter[str], int, int]:
    """Jump and ask; return the codes, the links that are gone, the repeats that differ."""
    links = [await Honest.open(script, plant.port) for _ in range(LINKS)]
    codes, differ = Counter[str](), 0
    before: list[tuple[IsoMessage, Answer]] = []
    was = jumps = 0
    for jump in to:
        shift = off_by(jump)
        set_clock(file, shift, script)
        if shift != was:
            jumps += 1
            await seen(plant, jumps)
        for message, answer in before if abs(shift - was) <= HOUR else ():
            again = await links[0].ask(IsoMessage("0201", message.elements))
            differ += again.payload != answer.payload
        before, was = [], shift
        for _ in range(5 if jump is YEARS_END else 1):
            for link in links:
                message = script.inquiry()
                answer = await link.ask(message)
                codes[answer.code] += 1
                before.append((message, answer))
            await asyncio.sleep(0.6 if jump is YEARS_END else 0.0)
    gone = sum(link.is_lost for link in links)
    for link in links:
        link.close()
    return codes, gone, differ


def measure(trial: Trial) -> Found:
    """Jump under the eyes of terminals."""
    found = faketime()
    if found is None:
        return skipped("libfaketime is not installed (apt-get install libfaketime)")
    file = trial.root / "shift"
    file.write_text("+0\n")
    environment = {
        "LD_PRELOAD": str(found), "FAKETIME_TIMESTAMP_FILE": str(file),
        "FAKETIME_NO_CACHE": "1", "DONT_FAKE_MONOTONIC": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }  # fmt: skip
    plant = set_up(trial.root, "--pin", "acquirer", is_patient=not trial.is_timed)
    plant.environment = environment
    script = Script(plant.folder)
    to = LONG_JUMPS * ROUNDS_LONG if trial.is_long else JUMPS
    with running(plant):
        codes, gone, differ = asyncio.run(through_jumps(plant, script, file, to))
        plant.stop()
    opened = open_folder(plant.folder)
    with JournalReader(opened.journal) as reader:
        is_sound = reader.verify(opened.vault()).is_sound
    got = (
        f"{len(to) - 1} jumps of an hour to ten years: {dict(codes)}, "
        f"{gone} links dropped, {differ} repeats differ, "
        f"journal {'sound' if is_sound else 'BROKEN'}"
    )
    is_held = codes.keys() <= EXPECTED and codes["00"] > 0 and gone == differ == 0 and is_sound
    return Found(got, is_held and plant.mistakes == 0)


GOAL = Goal("G22", "clock jumps", "no link dropped, no repeat mistaken, journal in order", measure)

if __name__ == "__main__":
    prove(GOAL)
