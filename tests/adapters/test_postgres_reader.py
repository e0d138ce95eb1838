"""Claims about the reader before a PostgreSQL that is slow, gone, barred or somebody else's."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from datetime import date
from pathlib import Path

import asyncpg
import pytest

from atm_switch.domain.errors import LedgerRowWrong, LedgerUnavailable, Refused
from atm_switch.ledger.postgres_reader import PostgresReader
from atm_switch.ledger.store_postgres import PostgresStore
from tests.doubles.ledger_bench import BUDI, LedgerBench
from tests.doubles.postgres import PostgresServer
from tests.doubles.postgres_bench import copy_ledger

TODAY = date(2025, 6, 30)
SOON = 2.0
"""An answer's time where one is late; the connection has no more."""


@pytest.fixture
def url(tmp_path: Path, postgres: PostgresServer) -> str:
    """Bring a database with one member."""
    bench = LedgerBench(tmp_path)
    bench.participants()
    bench.postings("12345678901,2025-01-01,contribution,1000\n")
    url = postgres.database()
    copy_ledger(bench.path, url)
    return url


@asynccontextmanager
async def reading(
    url: str, connections: int = 2, seconds_max: float = 30.0
) -> AsyncIterator[tuple[PostgresReader, list[str]]]:
    """Lend a started reader and what it told."""
    news: list[str] = []
    reader = PostgresReader(
        url, connections, seconds_max, lambda event, fields: news.append(f"{event} {fields}")
    )
    await reader.start()
    try:
        yield reader, news
    finally:
        await reader.close()


async def is_served(reader: PostgresReader) -> bool:
    """Ask until there is an answer."""
    async with asyncio.timeout(30):
        while True:
            try:
                return await reader.account(BUDI, TODAY) is not None
            except LedgerUnavailable:
                await asyncio.sleep(0.01)


async def test_question_is_planned_once_a_connection(url: str) -> None:
    """
    The server makes no plan of its own for each account that is asked for, one by one: to plan
    took it several times as long as to answer.
    """
    async with reading(url, connections=1) as (reader, _):
        for _ in range(8):
            await reader.account(BUDI, TODAY)
        (connection,) = reader._free
        counts = "SELECT sum(generic_plans), sum(custom_plans) FROM pg_prepared_statements"
        kept, made_anew = await connection.fetchrow(counts)

    assert 0 == made_anew
    assert kept >= 8


async def test_many_questions_are_few_round_trips(url: str) -> None:
    """A thousand questions at once are all answered, in batches over two connections."""
    async with reading(url) as (reader, _):
        asked = [reader.account(BUDI, TODAY) for _ in range(500)]
        others = [reader.siblings(BUDI) for _ in range(500)]
        accounts, siblings = await asyncio.gather(*asked), await asyncio.gather(*others)

    assert all(one is not None and one[1].has_postings for one in accounts)
    assert {(BUDI,)} == set(siblings)


async def test_slow_answer_is_no_answer_in_time(url: str) -> None:
    """A table that is locked costs a question its time and no more; then all is well again."""
    blocker = await asyncpg.connect(url)
    async with reading(url, seconds_max=SOON) as (reader, _):
        transaction = blocker.transaction()
        await transaction.start()
        await blocker.execute("LOCK TABLE postings IN ACCESS EXCLUSIVE MODE")
        async with asyncio.timeout(10 * SOON):
            with pytest.raises(LedgerUnavailable, match=r"took too long|cannot be read"):
                await reader.account(BUDI, TODAY)

        await transaction.rollback()
        await blocker.close()
        assert await is_served(reader)


async def test_server_away_answers_at_once_and_returns(url: str, postgres: PostgresServer) -> None:
    """Cut off, every question ends at once; back again, it goes on by itself."""
    name = url.partition("?")[0].rpartition("/")[2]
    boss = await asyncpg.connect(postgres.url)
    async with reading(url) as (reader, news):
        await boss.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1"
        await boss.execute(cut, name)
        async with asyncio.timeout(30):
            while not any("ledger lost" in one for one in news):
                await asyncio.sleep(0.01)
        with pytest.raises(LedgerUnavailable, match="not connected"):
            await reader.account(BUDI, TODAY)

        await boss.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
        assert await is_served(reader)
    await boss.close()


async def test_no_server_does_not_hinder_the_start(tmp_path: Path) -> None:
    """Where nobody listens the switch starts, and questions end at once."""
    async with reading(f"postgresql://nobody@/nothing?host={tmp_path}") as (reader, news):
        with pytest.raises(LedgerUnavailable, match="not connected"):
            await reader.siblings(BUDI)

    assert news[0].startswith("ledger away")


async def test_database_that_is_not_there_is_refused(postgres: PostgresServer) -> None:
    """A name nobody has is a setting to be mended, not a server to wait for."""
    with pytest.raises(Refused, match="does not let us in"):
        async with reading(postgres.of("no_such_database")):
            pass


async def test_database_of_another_program_is_refused(postgres: PostgresServer) -> None:
    """A database without our schema is not read."""
    with pytest.raises(Refused, match="no schema of ours"):
        async with reading(postgres.empty()):
            pass


@pytest.mark.parametrize("kept", [9000, None])
def test_schema_newer_than_the_program_is_refused(
    postgres: PostgresServer, kept: int | None
) -> None:
    """Neither reader nor command touches a schema that does not say that it works with them."""
    url = postgres.database()
    with closing(PostgresStore(url)) as store:
        store.change("UPDATE schema_version SET version = 9000, works_from = ?", (kept,))

    async def read() -> None:
        async with reading(url):
            pass

    with pytest.raises(Refused, match="has schema 9000"):
        asyncio.run(read())
    with pytest.raises(Refused, match="has schema 9000"):
        PostgresStore(url)


async def test_impossible_row_is_not_quoted(url: str) -> None:
    """A row that makes no sense is no answer, and none of it is told."""
    meddler = await asyncpg.connect(url)
    await meddler.execute("ALTER TABLE participants DROP CONSTRAINT participants_segment_check")
    await meddler.execute("UPDATE participants SET segment = 'SECRET'")
    await meddler.close()
    async with reading(url) as (reader, _):
        with pytest.raises(LedgerRowWrong, match="makes no sense") as caught:
            await reader.account(BUDI, TODAY)

    assert "SECRET" not in str(caught.value)


def test_store_hides_what_the_server_quotes(url: str) -> None:
    """A constraint's message quotes the row; what reaches the terminal does not."""
    with closing(PostgresStore(url)) as store, pytest.raises(Refused) as caught:
        store.change("INSERT INTO participants SELECT * FROM participants")

    assert "12345678901" not in str(caught.value)
    assert "UniqueViolationError" in str(caught.value)


def test_writer_waits_for_its_turn_and_gives_up(url: str) -> None:
    """While another transaction holds the numbers, a booking waits and is told why."""
    with closing(PostgresStore(url)) as first, closing(PostgresStore(url)) as second:
        second.change("SET lock_timeout = '200ms'")
        with first.transaction():
            first.change("UPDATE last_posting SET seq = seq + 1")
            with pytest.raises(Refused, match="another command is writing"), second.transaction():
                second.change("UPDATE last_posting SET seq = seq + 1")
