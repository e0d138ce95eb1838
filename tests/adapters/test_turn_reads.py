"""Claims about reads of one turn: one snapshot a turn, and never one older than the news."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

from atm_switch.adapters.turn_reads import TurnReads

COUNT = "SELECT count(*) FROM things"


def _two(path: Path) -> tuple[sqlite3.Connection, sqlite3.Connection]:
    writer = sqlite3.connect(path, isolation_level=None)
    writer.execute("PRAGMA journal_mode = WAL")
    writer.execute("CREATE TABLE things (id INTEGER PRIMARY KEY)")
    return writer, sqlite3.connect(path, isolation_level=None)


async def test_turn_sees_one_moment_and_the_next_turn_the_next(tmp_path: Path) -> None:
    """What is committed within a turn is seen from the next turn on, and then it is."""
    writer, reader = _two(tmp_path / "a.db")
    with closing(writer), closing(reader):
        reads = TurnReads(reader, asyncio.get_running_loop().call_soon)

        before = reads.rows(COUNT, ())
        writer.execute("INSERT INTO things DEFAULT VALUES")
        same_turn = reads.rows(COUNT, ())
        await asyncio.sleep(0)
        next_turn = reads.rows(COUNT, ())

        assert [[(0,)], [(0,)], [(1,)]] == [before, same_turn, next_turn]


async def test_news_told_to_the_loop_is_never_missed(tmp_path: Path) -> None:
    """Whoever is told of a commit by a later call sees it, however the turns fall."""
    writer, reader = _two(tmp_path / "a.db")
    with closing(writer), closing(reader):
        loop = asyncio.get_running_loop()
        reads = TurnReads(reader, loop.call_soon)
        seen: list[int] = []

        def told(count: int) -> None:
            seen.append(reads.rows(COUNT, ())[0][0] - count)

        for count in range(1, 101):
            reads.rows(COUNT, ())  # a snapshot is open while the row is written
            writer.execute("INSERT INTO things DEFAULT VALUES")
            loop.call_soon_threadsafe(told, count)
            await asyncio.sleep(0)
        await asyncio.sleep(0)

        assert [0] * 100 == [min(one, 0) for one in seen]


def test_without_a_loop_a_moment_lasts_until_it_is_done(tmp_path: Path) -> None:
    """A command sees one moment for all its questions, and holds no snapshot afterwards."""
    writer, reader = _two(tmp_path / "a.db")
    with closing(writer), closing(reader):
        reads = TurnReads(reader)

        first = reads.rows(COUNT, ())
        writer.execute("INSERT INTO things DEFAULT VALUES")
        second = reads.rows(COUNT, ())
        reads.done()

        assert [(0,)] == first == second
        assert not reader.in_transaction
        assert [(1,)] == reads.rows(COUNT, ())


async def test_snapshot_of_a_closed_connection_ends_unheard(tmp_path: Path) -> None:
    """A switch that stops within a turn leaves nothing behind that complains."""
    mistakes: list[object] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _loop, context: mistakes.append(context))
    writer, reader = _two(tmp_path / "a.db")
    with closing(writer):
        TurnReads(reader, loop.call_soon).rows(COUNT, ())
        reader.close()
        await asyncio.sleep(0)

    assert [] == mistakes
