"""What a commit of the journal took is measured where it is made, and counted once."""

import asyncio
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import pytest

from atm_switch.adapters.journal_writer import JournalWriter
from atm_switch.adapters.postgres_journal import PostgresJournalWriter
from atm_switch.domain.errors import JournalRefusesRow, JournalUnavailable
from atm_switch.switch.ports import Commit, ProveWriting, TakeNumbers
from tests.adapters.test_batch_writer import one_batch
from tests.adapters.test_journal_server import house
from tests.doubles.journal_bench import JournalBench, Token, ending_of, entry_of
from tests.doubles.postgres_journal import PostgresJournalBench


def row(number: int) -> Commit:
    """Ask for a row."""
    return Commit(entry_of(number), ending_of(), None)


class SlowDisk(JournalWriter[Token]):
    """Takes a quarter of a second a row, on a clock of its own."""

    now = 1_000.0

    def _commit(self, medium: sqlite3.Connection, questions: Sequence[Any]) -> list[Any]:
        try:
            return super()._commit(medium, questions)
        finally:
            self.now += 0.25 * len(questions)


def slow_disk(bench: JournalBench) -> tuple[SlowDisk, list[float]]:
    """Return its writer, and what that tells of commits."""
    writer = cast("SlowDisk", bench.writer)
    told: list[float] = []
    writer.read_seconds, writer.on_commit = lambda: writer.now, told.append
    return writer, told


def test_commit_takes_from_its_beginning_until_it_is_synced(tmp_path: Path) -> None:
    """A batch is one; it is told before its answers are."""
    with JournalBench(tmp_path / "journal.db", make=SlowDisk) as bench:
        _, told = slow_disk(bench)
        by_then: list[list[float]] = []
        bench.on_delivery = lambda _batch: by_then.append(list(told))

        bench.send_all(row(1))
        bench.send_all(row(2), ProveWriting(), row(3))

    assert [[0.25], [0.25, 0.75]] == by_then


def test_proof_that_it_can_write_is_no_commit_of_rows(tmp_path: Path) -> None:
    """It leaves no page: of a quiet night it would tell how fast nothing is written."""
    with JournalBench(tmp_path / "journal.db", make=SlowDisk) as bench:
        _, told = slow_disk(bench)

        bench.send_all(ProveWriting(), ProveWriting())

    assert [] == told


def test_commit_around_a_row_at_fault_is_that_of_the_others(tmp_path: Path) -> None:
    """Neither the attempt that failed nor the search is in its time."""
    with JournalBench(tmp_path / "journal.db", make=SlowDisk) as bench:
        writer, told = slow_disk(bench)

        answers = one_batch(bench, {1}, 4)

    assert isinstance(answers[1], JournalRefusesRow)
    assert [0.75] == told
    assert 1_000 + 0.25 * (4 + 3) <= writer.now


def test_batch_that_was_not_written_is_no_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file without room takes none."""
    with JournalBench(tmp_path / "journal.db", make=SlowDisk) as bench:
        _, told = slow_disk(bench)
        monkeypatch.setattr(bench.writer, "_commit", broken)

        (answer,) = bench.send_all(row(1))

    assert isinstance(answer, JournalUnavailable)
    assert [] == told


def broken(*_what: object) -> list[Any]:
    """Commit nothing."""
    raise sqlite3.OperationalError("no room")


async def test_each_commit_is_told_to_one_worker(tmp_path: Path) -> None:
    """
    Two workers and the writer's process itself ask at once, many times over: what the workers
    hear of commits is what the writer made, each once.
    """
    made: list[float] = []
    heard: tuple[list[float], list[float]] = [], []
    async with house(tmp_path) as one:
        keep = one.writer.on_commit

        def committed(seconds: float) -> None:
            made.append(seconds)
            keep(seconds)

        one.writer.on_commit = committed
        workers = [await one.worker() for _ in heard]
        for worker, its in zip(workers, heard, strict=True):
            worker.journal.on_commit = its.append
        await one.server.ask(TakeNumbers())
        for at in range(20):
            asked = [worker.ask(row(2 * at + by)) for by, worker in enumerate(workers)]
            assert [None, None] == (await asyncio.gather(*asked, one.server.ask(TakeNumbers())))[:2]
        for at, worker in enumerate(workers):  # behind what was for the process itself only
            await worker.ask(row(100 + at))

    assert sorted(made) == sorted(heard[0] + heard[1])
    assert len(made) >= 22
    assert all(seconds > 0 for seconds in made)


def test_commit_on_postgres_is_timed(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch is one, until the server has it on its disk; a proof is none."""
    told: list[float] = []
    now = [0.0]
    written = PostgresJournalWriter._commit

    def late(*what: Any) -> list[Any]:
        answers = written(*what)
        now[0] += 0.5
        return answers

    monkeypatch.setattr(PostgresJournalWriter, "_commit", late)
    with PostgresJournalBench(url) as bench:
        bench.writer.read_seconds, bench.writer.on_commit = lambda: now[0], told.append
        assert [None] == bench.send_all(ProveWriting())
        assert [None, None] == bench.send_all(row(1), row(2))

    assert [0.5] == told
