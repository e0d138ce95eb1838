"""Claims about purging a journal, on a file and on PostgreSQL: what is left proves itself."""

import os
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from atm_switch.adapters import journal_purge, postgres_purge
from atm_switch.adapters.journal_batch import JournalQuestion
from atm_switch.adapters.journal_place import JournalPlace, open_pages
from atm_switch.adapters.journal_verify import Fault, Verification
from atm_switch.adapters.journal_writer import JournalWriter
from atm_switch.adapters.postgres_journal import PostgresJournalWriter
from atm_switch.adapters.postgres_link import PostgresSession
from atm_switch.adapters.schema import migrations_of
from atm_switch.domain.errors import Refused
from atm_switch.security.vault import Vault
from atm_switch.switch.ports import Commit, Reserve
from tests.doubles.journal_bench import ANSWER_SECONDS_MAX, ending_of, entry_of, fresh_vault

if TYPE_CHECKING:
    from atm_switch.adapters.batch_writer import BatchWriter
    from tests.doubles.postgres import PostgresServer

OLD = datetime(2026, 1, 1, 5, tzinfo=UTC)
CUT = datetime(2026, 3, 1, tzinfo=UTC)
YOUNG = datetime(2026, 6, 30, 5, tzinfo=UTC)

Token = Future[Any]


@dataclass
class Kept:
    """A journal whose clock is set by hand."""

    place: JournalPlace
    vault: Vault
    now: datetime = OLD

    @contextmanager
    def writing(self) -> Iterator[Callable[[JournalQuestion], Any]]:
        """Lend what asks one question and returns its answer."""
        writer: BatchWriter[Token, JournalQuestion, Any]
        url, vault = self.place.url, self.vault
        if url:
            writer = PostgresJournalWriter(url, self.place.node, vault, self._clock, os.urandom)
        else:
            writer = JournalWriter(self.place.path, vault, self._clock, os.urandom)
        writer.start(_deliver)

        def ask(question: JournalQuestion) -> Any:
            token: Token = Future()
            writer.submit(question, token)
            return token.result(ANSWER_SECONDS_MAX)

        try:
            yield ask
        finally:
            writer.stop()

    def inquire(self, *numbers: int, at: datetime) -> None:
        """Write an A and a B for each number; all events are told."""
        self.now = at
        with self.writing() as ask:
            for number in numbers:
                reserved = ask(Reserve(entry_of(number), 3))
                ask(Commit(entry_of(number), ending_of(), reserved.sequence))
        self.tell()

    def tell(self) -> None:
        """Say that the broker has heard of all events so far."""
        if self.place.url:
            self.by_hand("UPDATE outbox SET seq = id WHERE seq IS NULL")
        self.by_hand("UPDATE outbox_mark SET seq = (SELECT max(seq) FROM outbox)")

    def purge(self, before: datetime = CUT) -> int:
        """Purge and say how many rows went."""
        if self.place.url:
            return postgres_purge.purge(self.place.url, self.vault, before, _quietly)
        return journal_purge.purge(self.place.path, self.vault, before, _quietly)

    def count(self, before: datetime = CUT) -> int:
        """Say how many would go."""
        if self.place.url:
            return postgres_purge.count_old(self.place.url, self.vault, before)
        return journal_purge.count_old(self.place.path, self.vault, before)

    def verify(self) -> Verification:
        """Check it."""
        with open_pages(self.place) as pages:
            (found,) = pages.verify(self.vault).values()
        return found

    def by_hand(self, *statements: str) -> None:
        """Change the tables as somebody with the file or database could."""
        if self.place.url:
            with closing(PostgresSession(self.place.url, "the journal")) as session:
                for statement in statements:
                    session.run(statement)
            return
        with closing(sqlite3.connect(self.place.path, isolation_level=None)) as connection:
            for statement in statements:
                connection.execute(statement)

    def _clock(self) -> datetime:
        return self.now


def _deliver(batch: list[tuple[Token, Any]]) -> None:
    for token, answer in batch:
        token.set_result(answer)


def _quietly(_done: int, _total: int) -> None:
    """Show nothing."""


@pytest.fixture(params=["file", "postgresql"])
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> Kept:
    """Give an empty journal of each kind."""
    url = ""
    if request.param == "postgresql":
        server: PostgresServer = request.getfixturevalue("postgres")
        url = server.empty()
    node = "one" if url else ""
    return Kept(JournalPlace(tmp_path / "journal.db", url, node), fresh_vault())


def test_old_rows_go_and_the_rest_is_sound(kept: Kept) -> None:
    """Twenty old rows go, ten young ones stay, counted before and verified after."""
    kept.inquire(*range(1, 11), at=OLD)
    kept.inquire(*range(11, 16), at=YOUNG)

    assert 20 == kept.count()
    assert 20 == kept.purge()

    found = kept.verify()
    assert (10, 30, ()) == (found.rows, found.head.seq, found.findings)
    assert (0, 0) == (kept.count(), kept.purge())


def test_journal_goes_on_after_a_purge(kept: Kept) -> None:
    """New rows go behind the newest that stayed; another purge goes on from the floor."""
    kept.inquire(*range(1, 6), at=OLD)
    assert 8 == kept.purge(), "the newest row stays, and so does its A"

    kept.inquire(6, 7, at=OLD + timedelta(days=1))
    kept.inquire(8, at=YOUNG)

    assert () == kept.verify().findings
    assert 6 == kept.purge()
    found = kept.verify()
    assert (2, 16, ()) == (found.rows, found.head.seq, found.findings)


def test_steps_of_any_size_lead_to_the_same(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also steps of one row, which would part an A from its B, keep both or take both."""
    monkeypatch.setattr(journal_purge, "ROWS_AT_ONCE", 1)
    monkeypatch.setattr(postgres_purge, "ROWS_AT_ONCE", 1)
    kept.inquire(*range(1, 6), at=OLD)
    kept.inquire(6, at=YOUNG)

    assert 10 == kept.purge()
    assert (2, ()) == (kept.verify().rows, kept.verify().findings)


def test_request_that_ended_late_stays_whole(kept: Kept) -> None:
    """An old A whose B is young stays, with all rows behind it."""
    kept.inquire(1, at=OLD)
    with kept.writing() as ask:
        reserved = ask(Reserve(entry_of(2), 3))
        kept.now = YOUNG
        ask(Commit(entry_of(2), ending_of(), reserved.sequence))
    kept.tell()

    assert 2 == kept.purge()
    assert (2, (), ()) == (kept.verify().rows, kept.verify().findings, kept.verify().in_doubt)


def test_rows_whose_events_are_untold_stay(kept: Kept) -> None:
    """What the broker has not heard of yet is not purged."""
    with kept.writing() as ask:
        for number in (1, 2):
            reserved = ask(Reserve(entry_of(number), 3))
            ask(Commit(entry_of(number), ending_of(), reserved.sequence))

    assert 1 >= kept.purge(), "at most the A of the first, which has no event"
    assert () == kept.verify().findings


def test_rows_deleted_by_hand_are_found(kept: Kept) -> None:
    """Above the floor the schema refuses; with its guard gone, the chain tells."""
    kept.inquire(*range(1, 6), at=OLD)
    kept.purge(OLD)
    guard = (
        "DROP TRIGGER journal_rows_above_the_floor_stay ON journal_rows"
        if kept.place.url
        else "DROP TRIGGER journal_rows_are_not_deleted"
    )
    with pytest.raises(Exception, match="above the floor"):
        kept.by_hand("DELETE FROM journal_rows WHERE seq <= 2")
    kept.by_hand(
        guard,
        "DELETE FROM journal_rows WHERE seq = 2",
        "DELETE FROM journal_rows WHERE seq = 1",
    )

    assert {Fault.GUARD_MISSING, Fault.SEQUENCE_GAP} <= {
        one.fault for one in kept.verify().findings
    }


def test_floor_made_by_hand_is_found_and_refused(kept: Kept) -> None:
    """A floor without its seal hides nothing, and nothing more is purged behind it."""
    kept.inquire(*range(1, 6), at=OLD)
    names, values = ("node, ", "'one', ") if kept.place.url else ("one, ", "1, ")
    table = "floors" if kept.place.url else "journal_floor"
    kept.by_hand(
        f"INSERT INTO {table} ({names}seq, chain, seal)"  # noqa: S608 - constants
        f" SELECT {values}seq, chain, chain FROM journal_rows WHERE seq = 4",
        "DELETE FROM journal_rows WHERE seq = 4",
        "DELETE FROM journal_rows WHERE seq = 3",
        "DELETE FROM journal_rows WHERE seq = 2",
        "DELETE FROM journal_rows WHERE seq = 1",
    )

    assert Fault.WRONG_FLOOR in {one.fault for one in kept.verify().findings}
    told = r"^the (journal's floor|floor of one) was changed by hand: see journal verify$"
    with pytest.raises(Refused, match=told):
        kept.purge()


def test_purge_beside_a_writer_loses_nothing(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows written while it goes on are all there, and the chain is whole."""
    monkeypatch.setattr(journal_purge, "ROWS_AT_ONCE", 2)
    monkeypatch.setattr(postgres_purge, "ROWS_AT_ONCE", 2)
    kept.inquire(*range(1, 21), at=OLD)
    kept.now = YOUNG
    with kept.writing() as ask:
        numbers = iter(range(100, 1000))

        def write_one(_done: int, _total: int) -> None:
            number = next(numbers)
            reserved = ask(Reserve(entry_of(number), 3))
            ask(Commit(entry_of(number), ending_of(), reserved.sequence))

        write_one(0, 0)
        if kept.place.url:
            gone = postgres_purge.purge(kept.place.url, kept.vault, CUT, write_one)
        else:
            gone = journal_purge.purge(kept.place.path, kept.vault, CUT, write_one)

    found = kept.verify()
    assert 40 == gone
    assert (found.head.seq - 40, ()) == (found.rows, found.findings)
    assert found.rows >= 40


def test_journal_of_an_older_release_is_left_to_it(tmp_path: Path) -> None:
    """
    A switch of that release may be at work with the file: neither counting nor purging brings
    it up to date, and what does is named.
    """
    kept = Kept(JournalPlace(tmp_path / "journal.db"), fresh_vault())
    kept.inquire(1, 2, at=OLD)
    newest = migrations_of("journal")[-1][0]
    kept.by_hand("DROP INDEX journal_rows_by_key", f"PRAGMA user_version = {newest - 1}")

    with pytest.raises(Refused, match="atm-switch migrate DIR brings it up to date"):
        kept.count()
    with pytest.raises(Refused, match="atm-switch migrate DIR brings it up to date"):
        kept.purge()

    with closing(sqlite3.connect(kept.place.path)) as connection:
        assert (newest - 1,) == connection.execute("PRAGMA user_version").fetchone()
