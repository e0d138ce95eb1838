"""Look statements up as the switch does, and time each: for ``ledger_bench``."""

import asyncio
import hashlib
import inspect
import itertools
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from statistics import median

from atm_switch.domain.identifiers import Kpj
from atm_switch.ledger.nation_people import kpj_of
from atm_switch.ledger.opening import LedgerPlace, LedgerReading, open_reading
from terminal_emulator.load.tally import percentile

ROUND = 2_000
"""Look-ups of a ledger in one round."""


@dataclass(frozen=True, slots=True)
class Ledger:
    """A ledger of so many members of one seed."""

    name: str
    place: LedgerPlace
    members: int
    seed: int
    as_of: date


@dataclass(frozen=True, slots=True)
class Times:
    """Microseconds: of the wall, at the middle and at 99 in a hundred; of the CPU, each."""

    p50: float
    p99: float
    cpu: float


async def compare(ledgers: Sequence[Ledger], rounds: int) -> Mapping[str, Times]:
    """Look up in turns: each ledger a round, then the next; medians of the rounds."""
    chance = random.Random(1)  # noqa: S311 - which members, not keys
    readings = [await open_reading(one.place, lambda _event, _fields: None) for one in ledgers]
    asked = [members_of(one, chance) for one in ledgers]
    taken: dict[str, list[Times]] = {one.name: [] for one in ledgers}
    for number in range(rounds + 1):
        for ledger, reading, kpjs in zip(ledgers, readings, asked, strict=True):
            times = await _round(reading, kpjs, ledger.as_of)
            if number:  # the first warms up: what is asked for is asked for again
                taken[ledger.name].append(times)
    for reading in readings:
        await reading.close()
    return {
        name: Times(
            median(one.p50 for one in times),
            median(one.p99 for one in times),
            median(one.cpu for one in times),
        )
        for name, times in taken.items()
    }


def members_of(ledger: Ledger, chance: random.Random) -> list[Kpj]:
    """Draw the members of a round."""
    return [Kpj(kpj_of(ledger.seed, chance.randrange(ledger.members))) for _ in range(ROUND)]


def same_every_time() -> Callable[[int], bytes]:
    """Make chance for the keys of a bench, which two processes and two runs must share."""
    drawn = itertools.count()

    def entropy(count: int) -> bytes:
        return hashlib.shake_256(f"bench {next(drawn)}".encode()).digest(count)

    return entropy


async def at_a_rate(
    reading: LedgerReading, kpjs: Sequence[Kpj], as_of: date, rate: float, seconds: float
) -> list[float]:
    """Look up at a fixed rate; seconds from when each was due, the shortest first."""
    loop, latencies = asyncio.get_running_loop(), []
    began = loop.time()
    for number in range(int(rate * seconds)):
        due = began + number / rate
        await asyncio.sleep(max(due - loop.time(), 0))
        await _account(reading, kpjs[number % len(kpjs)], as_of)
        latencies.append(loop.time() - due)
    return sorted(latencies)


async def _round(reading: LedgerReading, kpjs: Sequence[Kpj], as_of: date) -> Times:
    latencies, cpu = [], time.process_time()
    for kpj in kpjs:
        began = time.perf_counter()
        found = await _account(reading, kpj, as_of)
        latencies.append(time.perf_counter() - began)
        assert found is not None, "a member that was imported is not found"
        await asyncio.sleep(0)  # the turn ends, and its read transaction: none is shared here
    each = (time.process_time() - cpu) / len(kpjs)
    latencies.sort()
    return Times(percentile(latencies, 50) * 1e6, percentile(latencies, 99) * 1e6, each * 1e6)


async def _account(reading: LedgerReading, kpj: Kpj, as_of: date) -> object:
    answer = reading.account(kpj, as_of)
    return await answer if inspect.isawaitable(answer) else answer
