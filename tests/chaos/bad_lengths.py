"""G13: length headers that cannot be: the link is closed at once, and nothing is kept of it.

    python -m tests.chaos.bad_lengths [--long] [--seed S]

Plan: thousands of connections, one behind the other, each with one header: zero, more than a
payload may have, 65,535 with all of these octets behind it, and, in a dialect that writes its
lengths in digits, signs, blanks and letters.  Each must be closed in a tenth of a second, and
the switch's memory be the same behind all of them; a terminal that was there asks on meanwhile.
Memory is counted from behind a tenth of the attempts: what the first ones make stays.
"""

import asyncio
import random
import socket
import time
from dataclasses import dataclass, field

from tests.chaos.honest import Honest, Script, Tally
from tests.chaos.plant import Plant, running, set_up
from tests.chaos.proof import Found, Goal, Trial, prove

ATTEMPTS_SHORT, ATTEMPTS_LONG, ATTEMPTS_UNTIMED = 1_000, 5_000, 400
BINARY = {
    "zero": b"\x00\x00",
    "oversize": b"\x10\x01" + b"0" * 100,
    "greatest": b"\xff\xff",
    "65,535 octets": b"\xff\xff" + b"0" * 65_535,
}
"""Of ``bpjstk-jht-v1``: two octets, at most 4,096 by them."""
DIGITS = {
    "zero": b"0000",
    "oversize": b"9999" + b"0" * 9_999,
    "negative": b"-001",
    "signed": b"+100",
    "blank": b" 100",
    "underscore": b"1_00",
    "letters": b"00FF",
}
"""Of ``bpjstk-jht-v1-bcd``: four digits."""
DIALECTS = {"bpjstk-jht-v1": BINARY, "bpjstk-jht-v1-bcd": DIGITS}
CLOSED_MS_MAX = 100.0
CLOSED_SECONDS_MAX = 60.0
"""After which an attempt counts as never closed.  One that was closed for half a frame, after ten
seconds, has no line in the log that its framing is broken, and is not seen."""
GROWTH_KIB_MAX = 1_024
ASKED_EVERY = 20
"""Attempts between two honest questions."""


@dataclass
class Part:
    """What came of one dialect."""

    attempts: int = 0
    open: int = 0
    """Never closed, or answered."""
    seen: int = 0
    """How many the log tells of: none was turned away before it said anything."""
    milliseconds: list[float] = field(default_factory=list)
    growth_kib: int = 0
    leaked: int = 0
    mistakes: int = 0
    beside: Tally = field(default_factory=Tally)


def closed_after(port: int, said: bytes) -> float:
    """Say something and return the seconds until the link was closed; infinite if it was not."""
    with socket.create_connection(("127.0.0.1", port), CLOSED_SECONDS_MAX) as one:
        began = time.perf_counter()
        try:
            one.sendall(said)
            answered = one.recv(1)
        except TimeoutError:
            return float("inf")
        except OSError:  # it was closed while there was more to be said
            answered = b""
        return float("inf") if answered else time.perf_counter() - began


async def attempts(plant: Plant, said: list[bytes], part: Part) -> None:
    """Make them all, and ask an honest question now and then."""
    link = await Honest.open(Script(plant.folder), plant.port)
    for at, one in enumerate(said):
        if at == len(said) // 10:
            part.growth_kib = -plant.resident_kib
        seconds = await asyncio.to_thread(closed_after, plant.port, one)
        part.attempts += 1
        part.open += seconds == float("inf")
        part.milliseconds.append(1000 * seconds)
        if at % ASKED_EVERY == 0:
            part.beside.take(await link.ask())
    part.growth_kib += plant.resident_kib
    link.close()


def one_dialect(trial: Trial, profile: str, said: list[bytes]) -> Part:
    """Have one switch in one dialect."""
    root = trial.root / profile
    plant, part = set_up(root, "--pin", "acquirer", is_patient=not trial.is_timed), Part()
    for name in ("switch.toml", "terminal-kit.json"):
        file = plant.folder / name
        file.write_text(file.read_text().replace('"bpjstk-jht-v1"', f'"{profile}"'))
    with running(plant):
        before, tasks = plant.descriptors, plant.tasks
        asyncio.run(attempts(plant, said, part))
        part.leaked = plant.descriptors_left(before) + plant.tasks_left(tasks)
        plant.stop()
    part.mistakes = plant.mistakes
    part.seen = plant.logged('"event": "framing broken"')
    return part


def measure(trial: Trial) -> Found:
    """Both dialects."""
    count = trial.size(ATTEMPTS_SHORT, ATTEMPTS_LONG, ATTEMPTS_UNTIMED)
    chance = random.Random(trial.seed)  # noqa: S311 - the order of garbage
    said, is_held = [], True
    for profile, kinds in DIALECTS.items():
        tried = [one for _ in range(1 + count // len(kinds)) for one in kinds.values()][:count]
        chance.shuffle(tried)
        (trial.root / profile).mkdir()
        part = one_dialect(trial, profile, tried)
        slowest = max(part.milliseconds)
        middle = sorted(part.milliseconds)[part.attempts // 2]
        said.append(
            f"{profile}: {part.attempts:,} of {len(kinds)} kinds, {part.open} left "
            f"open, closed after {middle:.1f} ms, at most {slowest:.1f}, +{part.growth_kib} KiB, "
            f"{part.leaked} descriptors or tasks left, beside them {dict(part.beside.codes)}"
        )
        is_held &= (
            part.open == part.leaked == part.mistakes == 0 and part.seen == part.attempts
            and part.beside.codes.keys() == {"00"} and part.growth_kib < GROWTH_KIB_MAX
            and trial.in_time(was=slowest < CLOSED_MS_MAX)
        )  # fmt: skip
    return Found("; ".join(said), is_held=is_held)


GOAL = Goal(
    "G13",
    "length headers that cannot be",
    "closed < 100 ms, +1 MiB at most (long: 5,000 of each dialect)",
    measure,
)

if __name__ == "__main__":
    prove(GOAL)
