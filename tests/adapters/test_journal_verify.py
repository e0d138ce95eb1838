"""Tampering with a journal file: whatever is changed by hand, ``verify`` finds it."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atm_switch.adapters.journal_chain import JournalChain
from atm_switch.adapters.journal_rows import COLUMNS
from atm_switch.adapters.journal_verify import (
    FINDINGS_MAX,
    Fault,
    Finding,
    verify_journal,
)
from atm_switch.switch.ports import Commit, Reserve
from tests.doubles.journal_bench import JournalBench, ending_of, entry_of, fresh_vault
from tests.doubles.journal_intruder import changed, copy_statement, opened_up, verify

INQUIRIES = 12
ROWS = 2 * INQUIRIES

VAULT = fresh_vault()


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a closed journal file of twelve inquiries."""
    path = tmp_path_factory.mktemp("journal") / "journal.db"
    with JournalBench(path, vault=VAULT) as bench:
        for number in range(1, INQUIRIES + 1):
            reserved = bench.reserve(Reserve(entry_of(number), 3))
            bench.ask(Commit(entry_of(number), ending_of(), reserved.sequence))
    return path


@pytest.fixture
def opened(journal: Path) -> Iterator[sqlite3.Connection]:
    """Give an intruder's copy of it, its guards out of the way."""
    with closing(opened_up(journal)) as connection:
        yield connection


def test_untouched_journal_is_sound(opened: sqlite3.Connection) -> None:
    """
    Every row counted, nothing found, nothing in doubt.
    """
    found = verify(opened, VAULT)

    assert (ROWS, ROWS, (), ()) == (found.rows, found.head.seq, found.findings, found.in_doubt)


@given(
    seq=st.integers(min_value=1, max_value=ROWS),
    column=st.sampled_from(COLUMNS),
    place=st.integers(min_value=0, max_value=4_095),
)
def test_any_changed_cell_is_found(journal: Path, seq: int, column: str, place: int) -> None:
    """
    One bit, letter or number changed in any column of any row leaves a wrong link there.
    """
    with closing(opened_up(journal)) as connection:
        read = f"SELECT {column} FROM journal_rows WHERE seq = ?"  # noqa: S608 - a constant
        write = f"UPDATE journal_rows SET {column} = ? WHERE seq = ?"  # noqa: S608 - the same
        cell = connection.execute(read, (seq,)).fetchone()[0]
        connection.execute(write, (changed(cell, column, place), seq))

        found = verify(connection, VAULT)

    moved = seq + 1_000 if column == "seq" else seq
    assert Finding(Fault.WRONG_LINK, moved) in found.findings


def test_cell_emptied_is_found(opened: sqlite3.Connection) -> None:
    """
    A response taken out of its row leaves a wrong link.
    """
    opened.execute("UPDATE journal_rows SET response = NULL WHERE seq = 4")

    assert (Finding(Fault.WRONG_LINK, 4),) == verify(opened, VAULT).findings


@given(seq=st.integers(min_value=1, max_value=ROWS - 1))
def test_deleted_row_is_found(journal: Path, seq: int) -> None:
    """
    A row gone from the middle leaves a gap and a wrong link behind it.
    """
    with closing(opened_up(journal)) as connection:
        connection.execute("DELETE FROM journal_rows WHERE seq = ?", (seq,))

        found = verify(connection, VAULT)

    assert {Finding(Fault.SEQUENCE_GAP, seq + 1), Finding(Fault.WRONG_LINK, seq + 1)} <= set(
        found.findings
    )


@given(seq=st.integers(min_value=2, max_value=ROWS - 1))
def test_deleted_row_is_found_though_renumbered(journal: Path, seq: int) -> None:
    """
    Closing the gap by renumbering what follows does not mend the links.
    """
    with closing(opened_up(journal)) as connection:
        connection.execute("DELETE FROM journal_rows WHERE seq = ?", (seq,))
        for later in range(seq + 1, ROWS + 1):
            connection.execute("UPDATE journal_rows SET seq = seq - 1 WHERE seq = ?", (later,))

        found = verify(connection, VAULT)

    assert Finding(Fault.WRONG_LINK, seq) in found.findings


@given(st.lists(st.integers(min_value=1, max_value=ROWS), min_size=2, max_size=2, unique=True))
def test_exchanged_rows_are_found(journal: Path, pair: list[int]) -> None:
    """
    Two rows that change places leave wrong links at both.
    """
    with closing(opened_up(journal)) as connection:
        for before, after in ((pair[0], 999), (pair[1], pair[0]), (999, pair[1])):
            connection.execute("UPDATE journal_rows SET seq = ? WHERE seq = ?", (after, before))

        found = verify(connection, VAULT)

    assert {Finding(Fault.WRONG_LINK, seq) for seq in pair} <= set(found.findings)


def test_added_row_is_found(opened: sqlite3.Connection) -> None:
    """
    A row copied behind the last one has no right link and is not in the head.
    """
    opened.execute(copy_statement("seq"), (ROWS + 1, ROWS))

    found = {finding.fault for finding in verify(opened, VAULT).findings}

    assert {Fault.WRONG_LINK, Fault.WRONG_HEAD} <= found


@given(cut=st.integers(min_value=1, max_value=ROWS))
def test_cut_tail_is_found(journal: Path, cut: int) -> None:
    """
    The last rows gone: the head still names what was there.
    """
    with closing(opened_up(journal)) as connection:
        connection.execute("DELETE FROM journal_rows WHERE seq > ?", (ROWS - cut,))

        found = verify(connection, VAULT)

    assert (Finding(Fault.WRONG_HEAD, ROWS - cut),) == found.findings


@given(cut=st.integers(min_value=1, max_value=ROWS - 1))
def test_cut_tail_is_found_though_head_follows(journal: Path, cut: int) -> None:
    """
    A head set back by hand to the last row left has no right seal.
    """
    with closing(opened_up(journal)) as connection:
        connection.execute("DELETE FROM journal_rows WHERE seq > ?", (ROWS - cut,))
        connection.execute(
            "UPDATE journal_head SET (seq, chain) ="
            " (SELECT seq, chain FROM journal_rows ORDER BY seq DESC LIMIT 1)"
        )

        found = verify(connection, VAULT)

    assert (Finding(Fault.WRONG_HEAD, ROWS - cut),) == found.findings


def test_missing_head_is_found(opened: sqlite3.Connection) -> None:
    """
    Rows without a head are a fault.
    """
    opened.execute("DELETE FROM journal_head")

    assert (Finding(Fault.WRONG_HEAD, ROWS),) == verify(opened, VAULT).findings


def test_older_genuine_copy_passes_unnoticed(tmp_path: Path) -> None:
    """
    The limit that is told: a whole file of an earlier hour is sound in itself, and only
    the head noted elsewhere gives it away.
    """
    path = tmp_path / "journal.db"
    with JournalBench(path, vault=VAULT) as bench:
        bench.ask(Commit(entry_of(1), ending_of(), None))
        older = sqlite3.connect(":memory:", isolation_level=None)
        with closing(sqlite3.connect(path)) as source:
            source.backup(older)
        bench.ask(Commit(entry_of(2), ending_of(), None))
        with bench.reader() as reader:
            noted = reader.verify(VAULT).head

    with closing(older):
        found = verify_journal(older, VAULT)

    assert found.is_sound
    assert noted != found.head


def test_other_keys_find_every_link_wrong(opened: sqlite3.Connection) -> None:
    """
    Who does not hold the key cannot make a link: none is right under another vault.
    """
    found = verify(opened, fresh_vault())

    assert ROWS == sum(finding.fault is Fault.WRONG_LINK for finding in found.findings)


def test_missing_guard_is_found(journal: Path) -> None:
    """
    A journal whose triggers are gone is not sound even with every row right.
    """
    with closing(opened_up(journal)) as connection:
        found = verify_journal(connection, VAULT)

    assert (Finding(Fault.GUARD_MISSING, 0),) == found.findings


def test_damaged_file_is_found(journal: Path, tmp_path: Path) -> None:
    """
    A page of noise in the file is a finding, never a crash.
    """
    damaged = tmp_path / "damaged.db"
    raw = bytearray(journal.read_bytes())
    raw[4096 * 2 : 4096 * 3] = b"\xa5" * 4096
    damaged.write_bytes(raw)

    with closing(sqlite3.connect(damaged, isolation_level=None)) as connection:
        found = verify_journal(connection, VAULT)

    assert Fault.FILE_DAMAGED in {finding.fault for finding in found.findings}


def test_file_of_noise_is_found(tmp_path: Path) -> None:
    """
    A file that is no database at all is a finding, never a crash.
    """
    noise = tmp_path / "noise.db"
    noise.write_bytes(b"\xa5" * 8192)

    with closing(sqlite3.connect(noise, isolation_level=None)) as connection:
        found = verify_journal(connection, VAULT)

    assert (Finding(Fault.FILE_DAMAGED, 0),) == found.findings


def test_dropped_table_is_found(opened: sqlite3.Connection) -> None:
    """
    A table taken away is a finding, though SQLite calls it a mistake of the query.
    """
    opened.execute("DROP TABLE journal_head")

    assert (Finding(Fault.FILE_DAMAGED, ROWS),) == verify(opened, VAULT).findings


def test_hindered_walk_is_no_finding(opened: sqlite3.Connection) -> None:
    """
    A walk that was interrupted accuses nobody.
    """
    opened.set_progress_handler(lambda: 1, 100)

    with pytest.raises(sqlite3.OperationalError):
        verify_journal(opened, VAULT)


def test_chain_prints_no_key() -> None:
    """
    The repr of what holds the chain's key is its type.
    """
    assert "<JournalChain>" == repr(JournalChain(VAULT))


def test_findings_are_bounded(opened: sqlite3.Connection) -> None:
    """
    However much is wrong, no more than ``FINDINGS_MAX`` are named.
    """
    opened.executemany(
        copy_statement("seq", "ref"),
        [(ROWS + number, 2) for number in range(1, FINDINGS_MAX + 50)],
    )

    assert FINDINGS_MAX == len(verify(opened, VAULT).findings)
