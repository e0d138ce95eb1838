"""Claims about a PostgreSQL that crashes, one that asks for a password, and the missing driver."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import asyncpg
import pytest

from atm_switch.adapters.postgres_link import PostgresSession
from atm_switch.domain.errors import LedgerUnavailable, Refused
from atm_switch.domain.identifiers import Kpj
from atm_switch.domain.statement import draw_up
from atm_switch.ledger.opening import LedgerPlace, open_reading, read_account
from atm_switch.ledger.postgres_reader import PostgresReader
from atm_switch.ledger.store_postgres import PostgresStore
from tests.doubles.ledger_bench import BUDI, BUDI_ROW, SITIS_NIK, LedgerBench
from tests.doubles.postgres import FallenServer, PostgresServer, server_to_fall
from tests.doubles.postgres_bench import copy_ledger
from tests.doubles.rates import flat

TODAY = date(2025, 6, 30)
SECRET = "correct-horse"
SITI = Kpj("23456789020")
SITI_ROW = f"23456789020,{SITIS_NIK},SITI RAHAYU,1990-08-17,PMI,A\n"


def fill(folder: Path, url: str) -> str:
    """Put two members, one with a posting, into a database; return its url."""
    bench = LedgerBench(folder)
    bench.participants(BUDI_ROW + SITI_ROW)
    bench.postings("12345678901,2025-01-01,contribution,1000\n")
    copy_ledger(bench.path, url)
    return url


async def ask_on(reader: PostgresReader, seen: list[str], stop: asyncio.Event) -> None:
    """Ask without a pause and note what came of each question, and of none twice in a row."""
    while not stop.is_set():
        try:
            found = await reader.account(BUDI, TODAY)
            word = "there" if found is not None else "gone"
        except LedgerUnavailable:
            word = "away"
        if not seen or seen[-1] != word:
            seen.append(word)
        await asyncio.sleep(0.001)


async def until(seen: list[str], word: str) -> None:
    """Wait until this is what is seen; fail after a minute."""
    async with asyncio.timeout(60):
        while seen[-1:] != [word]:
            await asyncio.sleep(0.005)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[FallenServer]:
    """Lend a server with one member, to crash."""
    with server_to_fall() as server:
        fill(tmp_path, server.url)
        yield server


async def test_crash_under_questions_heals_by_itself(server: FallenServer) -> None:
    """A server that crashes amid questions is away, nothing else; risen, it answers in seconds."""
    told: list[str] = []
    seen: list[str] = []
    stop = asyncio.Event()
    # An answer may be late on a busy machine; a server that fell ends what is asked at once.
    reader = PostgresReader(server.url, 3, 20.0, lambda event, _: told.append(event))
    await reader.start()
    asking = asyncio.create_task(ask_on(reader, seen, stop))
    await until(seen, "there")

    await asyncio.to_thread(server.fall)
    await until(seen, "away")
    await asyncio.to_thread(server.rise)
    await until(seen, "there")

    stop.set()
    await asking
    await reader.close()
    assert {"there", "away"} == set(seen)  # in turn, once for each or for all connections
    assert ["ledger connected", "ledger lost"] == told[:2]
    assert "ledger connected" == told[-1]


async def test_wrong_password_is_refused_and_shown_nowhere(postgres: PostgresServer) -> None:
    """Who is not let in is told so; neither password nor role stands in the words."""
    url = postgres.database()
    told: list[str] = []
    barred = url.replace("//postgres:@", "//").replace("//postgres@", "//")
    reader = PostgresReader(
        barred.replace("://", f"://nobody_at_all:{SECRET}@"), 2, 20.0,
        lambda event, fields: told.append(f"{event} {fields}"),
    )  # fmt: skip

    with pytest.raises(Refused, match="does not let us in") as caught:
        await reader.start()

    assert SECRET not in f"{caught.value!r} {told} {reader!r}"


def test_missing_driver_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without asyncpg both reader and command say which package to install."""
    monkeypatch.setitem(sys.modules, "asyncpg", None)
    place = LedgerPlace(tmp_path / "ledger.db", "postgresql://nobody@localhost/nothing")

    with pytest.raises(Refused, match=r"pip install 'atm-switch\[postgres\]'"):
        read_account(place, BUDI, TODAY)
    with pytest.raises(Refused, match=r"pip install 'atm-switch\[postgres\]'"):
        PostgresStore(place.url)


async def test_inquiries_go_to_the_replica(tmp_path: Path, postgres: PostgresServer) -> None:
    """With ``read_url`` set, inquiries are answered from there alone."""
    replica = await asyncio.to_thread(fill, tmp_path, postgres.database())
    place = LedgerPlace(tmp_path / "none.db", postgres.database(), replica)

    reading = await open_reading(place, lambda _event, _fields: None)
    found = await reading.account(BUDI, TODAY)
    await reading.close()

    assert found is not None


def test_command_reads_the_primary_not_the_replica(
    tmp_path: Path, postgres: PostgresServer
) -> None:
    """What a command shows is what was just written, whatever the replica knows of it."""
    primary, replica = fill(tmp_path, postgres.database()), postgres.database()

    found = read_account(LedgerPlace(tmp_path / "none.db", primary, replica), BUDI, TODAY)

    assert found is not None
    assert 100_000 == draw_up(found[1], TODAY, flat(0)).closing.sen


def test_both_databases_read_the_same_account(tmp_path: Path, postgres: PostgresServer) -> None:
    """A command reads the same account from the file and from the database it was copied to."""
    url = fill(tmp_path, postgres.database())

    from_file = read_account(LedgerPlace(tmp_path / "ledger.db"), BUDI, TODAY)
    from_server = read_account(LedgerPlace(tmp_path / "none.db", url), BUDI, TODAY)

    assert from_file is not None
    assert from_file == from_server


async def test_one_wrong_row_spoils_no_other(tmp_path: Path, postgres: PostgresServer) -> None:
    """Of the questions of one batch only that about the wrong row has no answer."""
    url = await asyncio.to_thread(fill, tmp_path, postgres.database())
    meddler = await asyncpg.connect(url)
    await meddler.execute("ALTER TABLE participants DROP CONSTRAINT participants_segment_check")
    await meddler.execute("UPDATE participants SET segment = 'SECRET' WHERE kpj = $1", BUDI.digits)
    await meddler.close()
    reader = PostgresReader(url, 1, 5.0, lambda _event, _fields: None)
    await reader.start()

    wrong, right, other = await asyncio.gather(
        reader.account(BUDI, TODAY),
        reader.account(SITI, TODAY),
        reader.siblings(BUDI),
        return_exceptions=True,
    )
    await reader.close()

    assert isinstance(wrong, LedgerUnavailable)
    assert isinstance(right, tuple)
    assert (BUDI,) == other


@pytest.mark.parametrize("opened", [PostgresStore, lambda url: PostgresSession(url, "the journal")])
def test_ctrl_c_amid_the_end_leaves_nothing_open(
    postgres: PostgresServer, opened: Callable[[str], PostgresStore | PostgresSession]
) -> None:
    """Heard while the connection is being closed it is raised, and the loop is closed as well."""
    held = opened(postgres.database())
    connection = held._connection if isinstance(held, PostgresStore) else held.connection
    connection.add_termination_listener(lambda _: os.kill(os.getpid(), signal.SIGINT))

    with pytest.raises(KeyboardInterrupt):
        held.close()

    assert held._loop.is_closed
