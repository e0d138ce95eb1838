"""Ledger look-ups: a large ledger against a small one, and a batch against one by one.

Plan: statements of random members through the reader of the switch.  On SQLite the CPU of a
look-up among 10^7 members against one among 10^3, both with opening balances; the ledgers are
made by the stages of ``ledger_bench`` and kept in its cache.  On PostgreSQL the wall time of a
look-up in a batch of 64, as one turn of the loop sends it, against one after the other.
Limits: the first making of 10^7 members takes a quarter of an hour and 9 GB; PostgreSQL runs
on the same two cores, with a ledger of 20,000.
"""

import asyncio
import json
import random
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

from atm_switch.domain.identifiers import Kpj
from atm_switch.ledger.csv_import import import_files
from atm_switch.ledger.opening import LedgerPlace, LedgerReading, open_reading, open_store
from atm_switch.security.vault import Vault
from tests.bench.figure import Bench, Goal, Got
from tests.bench.places import CACHE
from tests.doubles.postgres import postgres_server
from tests.figures import ledger_stages
from tests.figures.ledger_lookups import Ledger, compare, members_of, same_every_time
from tests.figures.ledger_nation import SEED, Nation
from tests.figures.ledger_stages import AS_OF, AT

FLAT: Final = "ledger look-up, 10^7 against 10^3 members, CPU"
BATCHED: Final = "PostgreSQL look-ups micro-batched against one by one, wall time"
GOALS = (
    Goal(FLAT, least=1.8, aim=1.3, less_is_better=True),
    Goal(BATCHED, least=8, aim=13),
)
SMALL, LARGE, ON_POSTGRES = 1_000, 10_000_000, 20_000
FILLED = Nation(ON_POSTGRES, has_openings_only=True)
BATCH, BATCHES, ONE_BY_ONE = 64, 60, 600


def measure(bench: Bench) -> Iterator[Got]:
    """Measure the rows of ``GOALS``."""
    yield _flat(bench)
    with postgres_server() as server, tempfile.TemporaryDirectory() as folder:
        place = LedgerPlace(Path(folder), server.database(), connections=4, seconds_max=10.0)
        _fill(place, Path(folder))
        yield asyncio.run(_batched(place, bench))


def _flat(bench: Bench) -> Got:
    ledgers = [_opening_only(members, bench) for members in (SMALL, LARGE)]
    ratios, spent = [], {}
    for number in range(1, bench.rounds + 1):
        found = asyncio.run(compare(ledgers, 3))
        small, large = (found[one.name].cpu for one in ledgers)
        ratios.append(large / small)
        spent = {"among 10^3": small, "among 10^7": large}
        bench.say(f"round {number}: {small:.1f} us among 10^3, {large:.1f} among 10^7")
    return Got(FLAT, ratios, parts=spent)


def _opening_only(members: int, bench: Bench) -> Ledger:
    stages, nation = (
        ledger_stages.Bench(CACHE, SMALL, LARGE),
        Nation(members, has_openings_only=True),
    )
    made = f"sqlite import {nation}"
    # what ledger_bench made in the same folder serves as well
    known = [json.loads(one.read_text()) for one in CACHE.glob("figures-*.json")]
    if not stages.place(nation).path.exists() or not any(made in one for one in known):
        bench.say(f"making {nation} once")
        stages.stage(f"nation {nation}", lambda: stages.nation(nation))
        stages.stage(made, lambda: stages.taken(nation))
    return stages.ledger(nation)


def _fill(place: LedgerPlace, folder: Path) -> None:
    stages = ledger_stages.Bench(folder, ON_POSTGRES, 0)
    stages.nation(FILLED)
    with closing(open_store(place.url, place.path)) as store:
        import_files(store, stages.files(FILLED), Vault.fresh(same_every_time()), AT)


async def _batched(place: LedgerPlace, bench: Bench) -> Got:
    reading = await open_reading(place, lambda _event, _fields: None)
    ratios, parts = [], {}
    for number in range(bench.rounds + 1):
        singly, together = await _one_by_one(place, reading), await _in_batches(place, reading)
        if number:  # the first warms up
            ratios.append(singly / together)
            parts = {"one by one": singly, f"in batches of {BATCH}": together}
            bench.say(f"round {number}: {singly:.0f} us one by one, {together:.1f} in batches")
    await reading.close()
    return Got(BATCHED, ratios, parts=parts)


async def _one_by_one(place: LedgerPlace, reading: LedgerReading) -> float:
    kpjs = _members(place, ONE_BY_ONE)
    began = time.perf_counter()
    for kpj in kpjs:
        assert await reading.account(kpj, AS_OF) is not None
    return (time.perf_counter() - began) / len(kpjs) * 1e6


async def _in_batches(place: LedgerPlace, reading: LedgerReading) -> float:
    kpjs = _members(place, BATCH * BATCHES)
    began = time.perf_counter()
    for at in range(0, len(kpjs), BATCH):
        asked = [reading.account(kpj, AS_OF) for kpj in kpjs[at : at + BATCH]]
        assert None not in await asyncio.gather(*asked)
    return (time.perf_counter() - began) / len(kpjs) * 1e6


def _members(place: LedgerPlace, count: int) -> list[Kpj]:
    chance = random.Random(count)  # noqa: S311 - which members, not keys
    ledger = Ledger("", place, ON_POSTGRES, SEED, AS_OF)
    return [kpj for _ in range(count // 2000 + 1) for kpj in members_of(ledger, chance)][:count]
