"""A ledger on PostgreSQL that a newer program brings up to date beside an older one."""

import asyncio
from collections.abc import Sequence
from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from atm_switch.adapters import schema
from atm_switch.adapters.schema import migrations_of
from atm_switch.domain.errors import LedgerUnavailable, Refused
from atm_switch.ledger import postgres_reader
from atm_switch.ledger.csv_meter import Progress
from atm_switch.ledger.store_postgres import NEWEST, PostgresStore, is_shut_out
from atm_switch.ledger.store_sqlite import FAMILY
from tests.adapters.test_postgres_reader import TODAY, reading
from tests.doubles.ledger_bench import BUDI, BUDI_ROW, PARTICIPANTS, LedgerBench
from tests.doubles.postgres import PostgresServer
from tests.doubles.waiting import becomes

_NEWER = "CREATE TABLE newer (one BIGINT)"
_WORKS = f"-- Programs of schema {NEWEST} work with this one, too."
_TABLE = "atm_switch.ledger.store_postgres.migrations_of"


async def found_in(url: str, question: str) -> list[tuple[object, ...]]:
    """Ask the database itself."""
    connection = await asyncpg.connect(url)
    try:
        return [tuple(row) for row in await connection.fetch(question)]
    finally:
        await connection.close()


def bring_up_to_date(
    url: str, monkeypatch: pytest.MonkeyPatch, *texts: str
) -> Sequence[tuple[object, ...]]:
    """Have a newer program, of a migration more for each text, do it; return what is kept."""
    newer = [*migrations_of(FAMILY, "postgresql"), *enumerate(texts, NEWEST + 1)]
    with monkeypatch.context() as there:
        there.setattr(_TABLE, lambda *_family: newer)
        with closing(PostgresStore(url)) as store:
            return store.rows("SELECT version, works_from FROM schema_version")


def looks_of(monkeypatch: pytest.MonkeyPatch) -> list[tuple[object, bool]]:
    """Have a list grow with each look at the version that is over: by whom, and if in vain."""
    looks: list[tuple[object, bool]] = []

    async def looking(connection: Any) -> bool:
        failed = True
        try:
            shut_out = await is_shut_out(connection)
            failed = False
        finally:
            looks.append((connection, failed))
        return shut_out

    monkeypatch.setattr(postgres_reader, "is_shut_out", looking)
    return looks


async def until_refused(news: list[str]) -> None:
    """Wait until the reader has told that it is shut out."""
    await becomes(lambda: any("ledger refused" in one for one in news))


async def is_answered(reader: postgres_reader.PostgresReader) -> None:
    """Ask until there is an answer: nobody has that KPJ."""
    async with asyncio.timeout(30):
        while True:
            with suppress(LedgerUnavailable):
                assert await reader.account(BUDI, TODAY) is None
                return
            await asyncio.sleep(0.01)


@pytest.fixture
def url(postgres: PostgresServer) -> str:
    """Make a ledger of this program's schema."""
    made = postgres.empty()
    PostgresStore(made).close()
    return made


async def test_older_programs_go_on_where_the_newer_schema_says_so(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that reads, one that starts, and a command; two migrations on end say it."""
    bring = partial(bring_up_to_date, url, monkeypatch)
    kept = await asyncio.to_thread(bring, f"{_WORKS}\n{_NEWER}", f"{_WORKS}\nSELECT 1")

    async with reading(url) as (reader, news):
        assert await reader.account(BUDI, TODAY) is None
    held = await asyncio.to_thread(bring_up_to_date, url, monkeypatch)

    assert [(NEWEST + 2, NEWEST)] == kept == held
    assert ["ledger connected {}"] == news


@pytest.mark.parametrize("before", ["", f"{_WORKS}\n"])
async def test_older_programs_are_shut_out_by_a_schema_that_says_nothing(
    url: str, monkeypatch: pytest.MonkeyPatch, before: str
) -> None:
    """Also where the one before it, or the one behind it, says that it is none's."""
    texts = (f"{before}{_NEWER}", "SELECT 1", f"{_WORKS}\nSELECT 1")
    kept = await asyncio.to_thread(bring_up_to_date, url, monkeypatch, *texts)

    with pytest.raises(Refused, match=f"has schema {NEWEST + 3}, this program needs {NEWEST}"):
        async with reading(url):
            pass
    with pytest.raises(Refused, match=f"has schema {NEWEST + 3}, this program knows up to"):
        await asyncio.to_thread(PostgresStore, url)
    assert [(NEWEST + 3, NEWEST + 2)] == kept


async def test_reader_at_work_sees_that_it_is_shut_out(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It does not go on asking what may mean something else by now; it says why, and answers 91."""
    monkeypatch.setattr(postgres_reader, "LOOK_SECONDS", 0.02)
    async with reading(url) as (reader, news):
        await asyncio.to_thread(bring_up_to_date, url, monkeypatch, f"{_WORKS}\n{_NEWER}")
        looks = looks_of(monkeypatch)
        await becomes(lambda: len({looked for looked, _ in looks}) == 2)  # by each connection
        assert ["ledger connected {}"] == news

        await asyncio.to_thread(bring_up_to_date, url, monkeypatch, _NEWER, "SELECT 1")
        await until_refused(news)
        await becomes(lambda: not reader._live)  # the other connection is looked at by itself
        with pytest.raises(LedgerUnavailable, match="not connected"):
            await reader.account(BUDI, TODAY)


async def test_look_in_vain_is_made_again_and_costs_no_connection(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A version that is locked is no reason to end one; once it is not, it is looked at."""
    monkeypatch.setattr(postgres_reader, "LOOK_SECONDS", 0.02)
    monkeypatch.setattr(postgres_reader, "GRACE", 30.0)  # the server ends it, not a busy machine
    blocker = await asyncpg.connect(url)
    async with reading(url, connections=1, seconds_max=2.0) as (reader, news):
        async with blocker.transaction():
            await blocker.execute("LOCK TABLE schema_version IN ACCESS EXCLUSIVE MODE")
            looks = looks_of(monkeypatch)
            await becomes(lambda: any(failed for _, failed in looks))
        await is_answered(reader)
        assert ["ledger connected {}"] == news

        await blocker.execute("UPDATE schema_version SET version = 9000, works_from = 9000")
        await until_refused(news)
    await blocker.close()


async def test_connection_that_is_busy_is_looked_at_later(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its answer is not cut off; behind it the connection is ended."""
    monkeypatch.setattr(postgres_reader, "LOOK_SECONDS", 0.02)
    blocker = await asyncpg.connect(url)
    async with reading(url, connections=1) as (reader, news):
        async with blocker.transaction():
            await blocker.execute("LOCK TABLE participants IN ACCESS EXCLUSIVE MODE")
            asked = reader.account(BUDI, TODAY)
            await blocker.execute("UPDATE schema_version SET version = 9000, works_from = 9000")
            await becomes(lambda: bool(reader._wanted))  # a look waits for the answer
        answer = await asked
        await until_refused(news)
    await blocker.close()

    assert answer is None
    assert "has schema 9000" in news[-1]


async def test_connection_that_is_always_busy_is_looked_at_all_the_same(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Behind each answer more questions wait: the load is no reason to read on."""
    monkeypatch.setattr(postgres_reader, "LOOK_SECONDS", 0.02)
    changer = await asyncpg.connect(url)
    async with reading(url, connections=1) as (reader, news):

        async def ask_on() -> None:
            while not any("ledger refused" in one for one in news):
                try:
                    await reader.account(BUDI, TODAY)
                except LedgerUnavailable:
                    await asyncio.sleep(0.01)

        async with asyncio.timeout(60), asyncio.TaskGroup() as askers:
            for _ in range(2):
                askers.create_task(ask_on())
            await changer.execute("UPDATE schema_version SET version = 9000, works_from = 9000")
    await changer.close()

    assert "has schema 9000" in news[-1]


def test_program_knows_the_schemas_it_was_loaded_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Installed under a running switch, those of the next release are not taken for its own."""
    before = migrations_of(FAMILY)
    folder = tmp_path / "migrations" / FAMILY
    folder.mkdir(parents=True)
    (folder / "9000_next.sql").write_text("SELECT 1;\n")

    monkeypatch.setattr(schema, "files", lambda _package: tmp_path)

    assert before == migrations_of(FAMILY)
    assert 9000 not in dict(before)


def test_command_at_work_writes_nothing_once_it_is_shut_out(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It looks before each of its transactions: a schema it works with is no hindrance."""
    with closing(PostgresStore(url)) as store:
        bring_up_to_date(url, monkeypatch, f"{_WORKS}\n{_NEWER}")
        with store.transaction():
            store.change("INSERT INTO newer VALUES (1)")

        bring_up_to_date(url, monkeypatch, f"{_WORKS}\n{_NEWER}", "SELECT 1")
        with (
            pytest.raises(Refused, match=f"has schema {NEWEST + 2}, this program knows up to"),
            store.transaction(),
        ):
            store.change("INSERT INTO newer VALUES (2)")

        assert [(1,)] == store.rows("SELECT one FROM newer")


def test_newer_program_waits_for_the_transaction_under_way(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was looked at holds until the end of it, also of tables it has not come to yet."""
    with closing(PostgresStore(url)) as store:
        with store.transaction(), pytest.raises(Refused, match="another command is writing"):
            bring_up_to_date(url, monkeypatch, _NEWER)

        assert [(NEWEST,)] == store.rows("SELECT version FROM schema_version")


def test_import_under_way_books_nothing_once_it_is_shut_out(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A newer program comes while its files are read: it is refused in words, as a start is."""
    bench = LedgerBench(tmp_path, url=url)
    path = bench.file("participants.csv", PARTICIPANTS + BUDI_ROW)
    told: list[Progress] = []

    def upgrade(progress: Progress) -> None:
        if not told:
            bring_up_to_date(url, monkeypatch, _NEWER)
        told.append(progress)

    with pytest.raises(Refused, match=f"has schema {NEWEST + 1}, this program knows up to"):
        bench.take(path, progress=upgrade)

    assert [(0,)] == asyncio.run(found_in(url, "SELECT count(*) FROM participants"))
