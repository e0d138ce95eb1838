"""Answers that were not told: noted once, by the whole key, and left out of what is reported."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from atm_switch.adapters import journal_purge, postgres_purge, untold_rows
from atm_switch.adapters.journal_place import JournalPlace, open_pages
from atm_switch.adapters.journal_report import OutcomeCount, Reconciliation, UntoldCount
from atm_switch.adapters.postgres_link import PostgresSession
from atm_switch.adapters.schema import open_writer
from atm_switch.domain.errors import JournalRefusesRow
from atm_switch.domain.outcome import Outcome
from atm_switch.switch.ports import Commit
from atm_switch.switch.untold import LATE, NOT_SENT, ToldAgain, Untold
from tests.adapters.test_journal_server import house
from tests.doubles.journal_bench import NOON, JournalBench, ending_of, entry_of, key_of
from tests.doubles.postgres_journal import PostgresJournalBench

if TYPE_CHECKING:
    from tests.doubles.postgres import PostgresServer

Bench = JournalBench | PostgresJournalBench
DAY = date(2026, 6, 30)
YEARS = timedelta(days=800)


class Kept:
    """A journal of either kind, its writer up."""

    def __init__(self, bench: Bench, place: JournalPlace) -> None:
        """Take both."""
        self.bench, self.place = bench, place

    def answer(self, *numbers: int, outcome: Outcome = Outcome.APPROVED, code: str = "00") -> None:
        """Write a row B for each."""
        ending = ending_of(outcome=outcome, response_code=code)
        answers = self.bench.send_all(*(Commit(entry_of(one), ending, None) for one in numbers))
        assert [None] * len(numbers) == answers

    def report(self) -> Reconciliation:
        """Count the day."""
        with open_pages(self.place) as pages:
            return pages.reconcile("009", DAY)

    def by_hand(self, *statements: str) -> list[tuple[object, ...]]:
        """Do with the database what somebody beside us could."""
        found: list[tuple[object, ...]] = []
        if self.place.url:
            with closing(PostgresSession(self.place.url, "a test")) as session:
                for one in statements:
                    found = session.rows(one)
            return found
        with closing(sqlite3.connect(self.place.path, isolation_level=None)) as connection:
            for one in statements:
                found = connection.execute(one).fetchall()
        return found


@pytest.fixture(params=["file", "postgresql"])
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Kept]:
    """Start one."""
    if request.param == "postgresql":
        server: PostgresServer = request.getfixturevalue("postgres")
        url = server.empty()
        with PostgresJournalBench(url) as shared:
            yield Kept(shared, JournalPlace(tmp_path / "journal.db", url, "one"))
        return
    with JournalBench(tmp_path / "journal.db") as bench:
        yield Kept(bench, JournalPlace(bench.path))


def untold(number: int, why: str = NOT_SENT) -> Untold:
    """Say that a request's answer did not leave."""
    return Untold(key_of(number), entry_of(number).received_at, why)


def test_report_leaves_out_what_was_not_told(kept: Kept) -> None:
    """Lines of their own by why and DE39; told, not told and in doubt add up to all."""
    kept.answer(1, 2, 3, 4)
    kept.answer(5, 6, outcome=Outcome.WRONG_PIN, code="55")
    kept.bench.send_all(untold(1, LATE), untold(2), untold(3), untold(5))

    found = kept.report()

    assert (OutcomeCount("approved", "00", 1), OutcomeCount("wrong_pin", "55", 1)) == found.counts
    assert (
        UntoldCount(LATE, "00", 1), UntoldCount(NOT_SENT, "00", 2), UntoldCount(NOT_SENT, "55", 1)
    ) == found.untold  # fmt: skip
    assert (2, 4, 0) == (found.answered, found.not_told, found.in_doubt)
    lines = [
        "approved,00,1", "wrong_pin,55,1", "late,00,1", "not_sent,00,2", "not_sent,55,1",
        "in_doubt,,0",
    ]  # fmt: skip
    assert [f"2026-06-30,009,{one}" for one in lines] == found.csv().splitlines()[1:]
    assert {
        "business_date": "2026-06-30",
        "acquirer": "009",
        "counts": [
            {"outcome": "approved", "response_code": "00", "count": 1},
            {"outcome": "wrong_pin", "response_code": "55", "count": 1},
        ],
        "untold": [
            {"why": LATE, "response_code": "00", "count": 1},
            {"why": NOT_SENT, "response_code": "00", "count": 2},
            {"why": NOT_SENT, "response_code": "55", "count": 1},
        ],
        "answered": 2,
        "not_told": 4,
        "in_doubt": 0,
    } == json.loads(found.json())


def test_note_goes_with_its_row_in_one_batch(kept: Kept) -> None:
    """It may stand right behind the row it is about; asked twice it is noted once."""
    ending = ending_of()
    answers = kept.bench.send_all(
        Commit(entry_of(1), ending, None), untold(1, LATE), untold(1, NOT_SENT)
    )

    assert [None] * 3 == answers
    assert (UntoldCount(LATE, "00", 1),) == kept.report().untold


def test_answer_told_to_a_repeat_counts_as_told(kept: Kept) -> None:
    """The note stays, with the time of that; another's stays as it is."""
    kept.answer(1, 2)
    kept.bench.send_all(untold(1), untold(2))

    kept.bench.send_all(ToldAgain(key_of(1)), ToldAgain(key_of(3)))

    assert (OutcomeCount("approved", "00", 1),) == kept.report().counts
    with open_pages(kept.place) as pages:
        (one,), (two,) = pages.untold(key_of(1).rrn), pages.untold(key_of(2).rrn)
    assert (key_of(1), NOT_SENT, NOON, NOON) == (one.key, one.why, one.at, one.told_at)
    assert (key_of(2), None) == (two.key, two.told_at)


def test_note_is_of_the_whole_key(kept: Kept) -> None:
    """A request that differs in one element only, whichever, was told."""
    kept.answer(1)
    changes = dict.fromkeys(("terminal", "stamp", "stan", "rrn"), "999999") | {"acquirer": "014"}
    others = [key_of(1)._replace(**{name: value}) for name, value in changes.items()]
    for other in others:
        kept.bench.ask(Commit(replace(entry_of(1), key=other), ending_of(), None))
        kept.bench.ask(Untold(other, NOON, LATE))

    found = kept.report()

    assert (1, 4) == (found.answered, found.not_told)  # the fifth is another bank's
    with open_pages(kept.place) as pages:
        noted = [one.key for rrn in (key_of(1).rrn, "999999") for one in pages.untold(rrn)]
    assert set(others) == set(noted)


def test_note_is_of_one_receipt(kept: Kept) -> None:
    """A repeat whose answer did not leave takes nothing from the first, which was told."""
    kept.answer(1)

    kept.bench.ask(replace(untold(1), received_at=NOON + timedelta(seconds=3)))

    assert (1, 0) == (kept.report().answered, kept.report().not_told)


def test_request_without_a_row_is_not_noted(kept: Kept) -> None:
    """What the journal refused says nothing to anybody."""
    assert kept.bench.ask(untold(1)) is None

    assert [] == kept.by_hand("SELECT why FROM untold")


def test_note_at_fault_is_told_from_a_journal_that_is_away(kept: Kept) -> None:
    """Alone or in a batch: the writer says that this one it never takes, and takes the others."""
    kept.answer(1, 2)

    alone = kept.bench.ask(untold(1, "bad"))
    batch = kept.bench.send_all(untold(1, LATE), untold(2, "bad"), ToldAgain(key_of(1)))

    assert [JournalRefusesRow] * 2 == [type(alone), type(batch[1])]
    assert [None] * 2 == batch[::2]
    assert [(LATE,)] == kept.by_hand("SELECT why FROM untold")


def test_purge_takes_notes_with_their_rows(kept: Kept) -> None:
    """A note whose row stays is kept, however old."""
    old = [replace(entry_of(number), received_at=NOON - YEARS) for number in (1, 2)]
    for entry in old:
        kept.bench.ask(Commit(entry, ending_of(), None))
        kept.bench.ask(Untold(entry.key, entry.received_at, LATE))
    if kept.place.url:
        kept.by_hand("UPDATE outbox SET seq = id WHERE seq IS NULL")
    kept.by_hand("UPDATE outbox_mark SET seq = 1000000")

    _purge(kept)  # the newest row of a journal always stays

    assert [(old[1].key.rrn,)] == kept.by_hand("SELECT rrn FROM untold")
    assert [(old[1].key.rrn,)] == kept.by_hand("SELECT rrn FROM journal_rows")


def _purge(kept: Kept) -> None:
    before, quietly = NOON + timedelta(days=1), lambda _done, _total: None
    if kept.place.url:
        assert 1 == postgres_purge.purge(kept.place.url, kept.bench.vault, before, quietly)
    else:
        assert 1 == journal_purge.purge(kept.place.path, kept.bench.vault, before, quietly)


def test_journal_of_an_older_release_counts_all_as_told(kept: Kept) -> None:
    """Nothing of it is lost, and what comes after is noted."""
    kept.answer(1, 2)
    rows = kept.by_hand("SELECT seq, rrn, chain FROM journal_rows ORDER BY seq")
    kept.bench.writer.stop()
    before = ["PRAGMA user_version = 7"]
    if kept.place.url:
        before = ["DROP FUNCTION taken_claims_are_young CASCADE"]
        before += ["ALTER TABLE journal_version DROP COLUMN works_from"]
        before += ["UPDATE journal_version SET version = 5"]
    kept.by_hand("DROP TABLE untold", *before)
    if not kept.place.url:
        open_writer(kept.place.path, "journal", migrates=True).close()

    kept.bench.reopen()
    kept.bench.ask(untold(2, LATE))

    assert rows == kept.by_hand("SELECT seq, rrn, chain FROM journal_rows ORDER BY seq")
    assert (1, 1) == (kept.report().answered, kept.report().not_told)


@pytest.mark.parametrize("text", [untold_rows._NOTE, untold_rows.FORGET])
def test_row_of_a_note_is_looked_up_by_its_rrn(tmp_path: Path, text: str) -> None:
    """However many rows a bank has: the file's planner knows nothing of how they are spread."""
    with (
        JournalBench(tmp_path / "journal.db"),
        closing(sqlite3.connect(tmp_path / "journal.db")) as connection,
    ):
        values = [0] * text.count("?")
        steps = connection.execute(f"EXPLAIN QUERY PLAN {text}", values).fetchall()

    (of_rows,) = [step[3] for step in steps if "journal_rows" in step[3]]
    assert "journal_rows_by_key (rrn=? AND " in of_rows


async def test_worker_hears_that_a_note_is_at_fault(tmp_path: Path) -> None:
    """The process that writes for it says so by name."""
    async with house(tmp_path) as served:
        worker = await served.worker()
        await worker.ask(Commit(entry_of(1), ending_of(), None))

        answer = await worker.ask(untold(1, "bad"))

    assert JournalRefusesRow is type(answer)
    assert "SQLITE_CONSTRAINT" in str(answer)


async def test_workers_note_and_take_back_for_each_other(tmp_path: Path) -> None:
    """One loses its link, the other answers the repeat: the file that both have is right."""
    async with house(tmp_path) as served:
        one, two = await served.worker(), await served.worker()
        for number in (1, 2):
            await one.ask(Commit(entry_of(number), ending_of(), None))
            assert await one.ask(untold(number)) is None
        assert await two.ask(ToldAgain(key_of(1))) is None

        with open_pages(JournalPlace(tmp_path / "journal.db")) as pages:
            found = pages.reconcile("009", DAY)

    assert (1, 1) == (found.answered, found.not_told)


def test_doubt_that_was_ended_is_no_answer() -> None:
    """An ending of a request in doubt stays in its own line, whatever was noted of it."""
    counted = [("in_doubt", "", LATE, 2), ("approved", "00", LATE, 1)]

    found = Reconciliation.of("009", DAY, counted, 3)

    assert (5, 0, 1) == (found.in_doubt, found.answered, found.not_told)
