"""How a purge of a journal's file goes on: in steps, up to what must stay, and no further."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from atm_switch.adapters import journal_purge
from atm_switch.adapters.journal_chain import BEGINNING, Head, JournalChain
from atm_switch.adapters.journal_place import JournalPlace
from atm_switch.adapters.journal_purge import purge, read_floor
from atm_switch.switch.ports import Commit, Reserve
from tests.adapters.test_journal_purge import CUT, OLD, YOUNG, Kept
from tests.doubles.journal_bench import ending_of, entry_of, fresh_vault

LATER = OLD + timedelta(days=1)


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    """Give an empty journal in a file."""
    return Kept(JournalPlace(tmp_path / "journal.db"), fresh_vault())


@pytest.fixture
def connection(kept: Kept) -> Iterator[sqlite3.Connection]:
    """Open a file that begins behind its tenth row."""
    kept.inquire(*range(1, 6), at=OLD)
    kept.inquire(6, at=YOUNG)
    kept.purge()
    with closing(sqlite3.connect(kept.place.path, isolation_level=None)) as opened:
        yield opened


def test_purge_tells_how_far_it_is(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    """How many rows of this purge went, and how many of it there are; one before counts not."""
    monkeypatch.setattr(journal_purge, "ROWS_AT_ONCE", 4)
    kept.inquire(*range(1, 4), at=OLD)
    kept.inquire(*range(4, 8), at=LATER)
    kept.inquire(8, at=YOUNG)
    assert 6 == kept.purge(LATER)
    told: list[tuple[int, int]] = []

    gone = purge(kept.place.path, kept.vault, CUT, lambda *one: told.append(one))

    assert 8 == gone
    assert [(4, 8), (8, 8)] == told


def test_request_that_ended_much_later_goes_whole(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A step too short for it and all that began meanwhile is made as long as they need."""
    monkeypatch.setattr(journal_purge, "ROWS_AT_ONCE", 1)
    with kept.writing() as ask:
        reserved = ask(Reserve(entry_of(1), 3))
        for number in range(2, 6):
            ask(Commit(entry_of(number), ending_of(), None))
        ask(Commit(entry_of(1), ending_of(), reserved.sequence))
    kept.inquire(6, at=YOUNG)

    assert 6 == kept.purge()
    assert (2, ()) == (kept.verify().rows, kept.verify().findings)


def test_purge_goes_up_to_the_first_row_whose_event_is_untold(kept: Kept) -> None:
    """All before it go; it stays itself, and what is behind it."""
    kept.inquire(1, 2, at=OLD)
    with kept.writing() as ask:
        for number in (3, 4):
            ask(Commit(entry_of(number), ending_of(), None))

    assert 4 == kept.count() == kept.purge()
    assert (2, ()) == (kept.verify().rows, kept.verify().findings)


def test_floor_is_read_as_it_was_sealed(kept: Kept, connection: sqlite3.Connection) -> None:
    """The last row that went, with its link; of another seal it is none."""
    chain = JournalChain(kept.vault)
    ((seq, link),) = connection.execute("SELECT seq, chain FROM journal_floor")

    assert Head(10, link) == read_floor(connection, chain)
    assert 10 == seq
    connection.execute("UPDATE journal_floor SET seq = 9")
    with pytest.raises(ValueError, match=r"^the floor is not ours$"):
        read_floor(connection, chain)


@pytest.mark.parametrize("by_hand", ["DELETE FROM journal_floor", "DROP TABLE journal_floor"])
def test_file_without_a_floor_begins_at_its_beginning(
    kept: Kept, connection: sqlite3.Connection, by_hand: str
) -> None:
    """Of an older schema, or with its floor taken out; then its first row's number tells."""
    connection.execute(by_hand)

    assert BEGINNING == read_floor(connection, JournalChain(kept.vault))
