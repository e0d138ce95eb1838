"""Claims about inquiries that read a real streaming replica: behind, away, and in its way."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from atm_switch.domain.card import Pan
from atm_switch.domain.errors import LedgerUnavailable, Refused
from atm_switch.domain.statement import draw_up
from atm_switch.ledger.opening import LedgerPlace, LedgerReading, open_reading, read_account
from atm_switch.ledger.store_postgres import PostgresStore
from tests.doubles.ledger_bench import BUDI, PAN, TODAY, LedgerBench
from tests.doubles.postgres_standby import SECONDS, StreamingPair, ask, run, streaming_pair, until
from tests.doubles.rates import flat

MORE = "12345678901,2025-02-01,contribution,500\n"
OLD, NEW = 100_000, 150_000
"""What Budi has, in sen, before ``MORE`` and with it."""

SLOW = """
ALTER TABLE participants RENAME TO people;
CREATE VIEW participants AS SELECT people.* FROM people, pg_sleep(60)
"""
MEND = "DROP VIEW participants; ALTER TABLE people RENAME TO participants"
IS_SLEEPING = """
SELECT count(*) = 1 FROM pg_stat_activity
WHERE datname = current_database() AND wait_event = 'PgSleep'
"""
SESSIONS = """
SELECT array_agg(pid) FROM pg_stat_activity
WHERE datname = current_database() AND application_name = 'atm-switch'
"""


@pytest.fixture(scope="module")
def pair() -> Iterator[StreamingPair]:
    """Lend a primary and its standby."""
    with streaming_pair() as pair:
        yield pair


@pytest.fixture
def bench(pair: StreamingPair, tmp_path: Path) -> LedgerBench:
    """Book one member with a card and a posting on the primary."""
    bench = LedgerBench(tmp_path, url=pair.primary.database())
    bench.participants()
    bench.cards()
    bench.postings("12345678901,2025-01-01,contribution,1000\n")
    return bench


@pytest.fixture
async def place(pair: StreamingPair, bench: LedgerBench) -> LedgerPlace:
    """Name the primary for commands and the standby, which has it all, for inquiries."""
    await pair.standby.catch_up()
    return LedgerPlace(bench.path, bench.url, pair.standby.of(bench.url), 2, SECONDS)


@asynccontextmanager
async def reading(place: LedgerPlace) -> AsyncIterator[tuple[LedgerReading, list[str]]]:
    """Open the ledger for inquiries; yield it and what is told of its connections."""
    told: list[str] = []
    opened = await open_reading(place, lambda event, _fields: told.append(event))
    try:
        yield opened, told
    finally:
        await opened.close()


async def balance(opened: LedgerReading) -> int:
    """Inquire what Budi has, in sen."""
    found = await opened.account(BUDI, TODAY)
    assert found is not None
    return draw_up(found[1], TODAY, flat(0)).closing.sen


async def served(opened: LedgerReading) -> int:
    """Inquire until there is an answer."""
    async with asyncio.timeout(SECONDS):
        while True:
            try:
                return await balance(opened)
            except LedgerUnavailable:
                await asyncio.sleep(0.02)


async def is_told(told: list[str], event: str) -> None:
    """Wait until this is the last that was told."""
    async with asyncio.timeout(SECONDS):
        while told[-1:] != [event]:
            await asyncio.sleep(0.02)


async def test_standby_answers_as_its_primary_does(bench: LedgerBench, place: LedgerPlace) -> None:
    """
    Card, siblings and account are the same on a server that takes no writes: it takes our
    settings and holds our schema.
    """
    ref = bench.vault.card_ref(Pan(PAN))
    found = []
    for one in (place, replace(place, read_url="")):
        async with reading(one) as (opened, _):
            account = await opened.account(BUDI, TODAY)
            found.append((await opened.card(ref, ()), await opened.siblings(BUDI), account))

    assert await ask(place.read_url, "SELECT pg_is_in_recovery()")
    assert None not in found[1]
    assert found[1] == found[0]


async def test_what_is_booked_is_answered_once_replayed(
    pair: StreamingPair, bench: LedgerBench, place: LedgerPlace
) -> None:
    """
    Until then an inquiry is answered what was, and is no error; a command, which reads the
    primary, shows what is.
    """
    async with reading(place) as (opened, told):
        async with pair.standby.held():
            await asyncio.to_thread(bench.postings, MORE)
            await pair.standby.receive()
            behind = await balance(opened)
            shown = await asyncio.to_thread(read_account, place, BUDI, TODAY)
        await pair.standby.catch_up()
        caught_up = await balance(opened)

    assert shown is not None
    assert NEW == draw_up(shown[1], TODAY, flat(0)).closing.sen
    assert (OLD, NEW) == (behind, caught_up)
    assert ["ledger connected"] == told


async def test_standby_behind_a_migration_is_refused_in_words(
    pair: StreamingPair, place: LedgerPlace
) -> None:
    """Its schema is older until it has replayed what brought the primary up to date."""
    await run(place.url, "UPDATE schema_version SET version = version - 1")
    await pair.standby.catch_up()
    async with pair.standby.held():
        await run(place.url, "UPDATE schema_version SET version = version + 1")
        await pair.standby.receive()
        with pytest.raises(Refused, match=r"read replica has schema .* until it has caught up"):
            await open_reading(place, lambda _event, _fields: None)

    await pair.standby.catch_up()
    async with reading(place) as (opened, _):
        assert OLD == await balance(opened)


async def test_standby_away_is_unavailable_at_once_and_comes_back(
    pair: StreamingPair, place: LedgerPlace
) -> None:
    """
    Nobody waits for it, and the primary, which is up, is not asked in its place; risen, it
    answers by itself.
    """
    loop = asyncio.get_running_loop()
    async with reading(place) as (opened, told):
        await asyncio.to_thread(pair.standby.fall)
        try:
            await is_told(told, "ledger away")
            asked = opened.account(BUDI, TODAY)
            is_at_once = asked.done()
            with pytest.raises(LedgerUnavailable, match="not connected"):
                await asked
        finally:
            await asyncio.to_thread(pair.standby.rise)
        began = loop.time()
        again = await served(opened)
        took = loop.time() - began

    assert is_at_once
    assert OLD == again
    assert took < 20  # it is dialled once a second
    assert "ledger lost" in told


async def test_primary_away_hinders_no_inquiry(
    pair: StreamingPair, bench: LedgerBench, place: LedgerPlace
) -> None:
    """The standby answers without it, and follows it again when it is back."""
    async with reading(place) as (opened, told):
        await asyncio.to_thread(pair.server.fall)
        try:
            alone = await balance(opened)
        finally:
            await asyncio.to_thread(pair.server.rise)
        await asyncio.to_thread(bench.postings, MORE)
        await pair.standby.catch_up()
        after = await balance(opened)

    assert (OLD, NEW) == (alone, after)
    assert ["ledger connected"] == told


async def test_look_up_in_the_way_of_replay_is_one_look_up(
    pair: StreamingPair, place: LedgerPlace
) -> None:
    """
    Where replay waits for nobody, it cancels the look-up that holds what is changed: that one
    fails, and the same connection answers the next.
    """
    await asyncio.to_thread(pair.standby.fall)
    await asyncio.to_thread(pair.standby.rise, "max_standby_streaming_delay=0")
    try:
        await run(place.url, SLOW)
        await pair.standby.catch_up()
        async with reading(replace(place, connections=1)) as (opened, told):
            sessions = await ask(place.read_url, SESSIONS)
            asked = opened.siblings(BUDI)
            await until(place.read_url, IS_SLEEPING)
            await run(place.url, MEND)
            with pytest.raises(LedgerUnavailable, match="SerializationError"):
                await asked
            await pair.standby.catch_up()
            after = await opened.siblings(BUDI), await ask(place.read_url, SESSIONS)
    finally:
        await asyncio.to_thread(pair.standby.fall)
        await asyncio.to_thread(pair.standby.rise)

    assert ((BUDI,), sessions) == after
    assert 1 == len(sessions)
    assert ["ledger connected"] == told


async def test_first_of_several_hosts_that_is_there_is_read(
    pair: StreamingPair, bench: LedgerBench, place: LedgerPlace
) -> None:
    """Whoever wants the primary asked when the standby is away names both, in that order."""
    both = replace(place, read_url=pair.standby.beside(bench.url))
    async with reading(both) as (opened, _):
        await balance(opened)
        on_standby = await ask(place.read_url, SESSIONS)

    await asyncio.to_thread(pair.standby.fall)
    try:
        async with reading(both) as (opened, _):
            alone = await balance(opened)
    finally:
        await asyncio.to_thread(pair.standby.rise)

    assert on_standby
    assert OLD == alone


def test_standby_in_place_of_the_primary_is_refused_in_words(
    pair: StreamingPair, bench: LedgerBench
) -> None:
    """Whoever writes is told which setting is for which server."""
    asyncio.run(pair.standby.catch_up())

    with pytest.raises(Refused, match=r"takes no writes.*ledger\.read_url for the replica"):
        PostgresStore(pair.standby.of(bench.url))
