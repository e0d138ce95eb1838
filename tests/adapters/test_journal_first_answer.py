"""The first answer counts: what a batch of rows asks of a file that several processes share."""

import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from sqlite3 import Connection

import pytest

from atm_switch.adapters.journal_batch import Ink, write_batch
from atm_switch.adapters.journal_chain import AuditChain, JournalChain
from atm_switch.adapters.schema import open_writer
from atm_switch.switch.ports import Commit, Reserve, StoredResponse
from tests.doubles.journal_bench import (
    card_of,
    clock,
    ending_of,
    entry_of,
    fresh_vault,
    since,
)

COUNT = 64 + 16 + 4 + 1
"""Keys are asked for so many at a time."""


@pytest.fixture
def file(tmp_path: Path) -> Iterator[Connection]:
    """Return a journal's file."""
    with closing(open_writer(tmp_path / "journal.db", "journal")) as connection:
        yield connection


@pytest.fixture
def ink() -> Ink:
    """Return that of a writer for several processes."""
    vault = fresh_vault()
    chains = JournalChain(vault), AuditChain(vault)
    return Ink(vault, *chains, clock, os.urandom, is_shared=True)


def row_b(number: int, payload: bytes = b"answer", days: int = 1) -> Commit:
    """Answer a request, unless another process has within so many days."""
    return Commit(entry_of(number), ending_of(payload), None, since(days))


@pytest.mark.parametrize("answered", [1, 64, 65, 80, 84, COUNT])
def test_one_answered_before_is_found_among_many(file: Connection, ink: Ink, answered: int) -> None:
    """Wherever it stands among them: it is answered from the file, and the others are written."""
    write_batch(file, ink, [row_b(answered, b"first")])

    answers = write_batch(file, ink, [row_b(number) for number in range(1, COUNT + 1)])

    given = StoredResponse(entry_of(answered).fingerprint, b"first")
    assert [given if at == answered else None for at in range(1, COUNT + 1)] == answers
    assert COUNT == file.execute("SELECT count(*) FROM journal_rows").fetchone()[0]


def test_answer_of_the_very_batch_counts(file: Connection, ink: Ink) -> None:
    """Two processes answer one request, and their rows meet in one commit."""
    first, second, other = write_batch(
        file, ink, [row_b(1, b"first"), row_b(1, b"second"), row_b(2)]
    )

    assert [None, StoredResponse(entry_of(1).fingerprint, b"first"), None] == [first, second, other]


def test_row_a_of_an_answered_request_is_its_answer(file: Connection, ink: Ink) -> None:
    """Nothing is reserved, and no try is counted."""
    write_batch(file, ink, [row_b(1, b"first")])

    asked = Reserve(entry_of(1, card_of(1)), 3, (), since(1))
    (given,) = write_batch(file, ink, [asked])

    assert StoredResponse(entry_of(1).fingerprint, b"first") == given
    assert [] == file.execute("SELECT tries FROM pin_tries").fetchall()


def test_answer_of_before_the_window_does_not_count(file: Connection, ink: Ink) -> None:
    """Since when another's answer counts is each question's affair."""
    write_batch(file, ink, [row_b(1, b"first")])

    assert [None] == write_batch(file, ink, [row_b(1, b"second", days=-1)])


def test_file_is_asked_once_for_many_rows(file: Connection, ink: Ink) -> None:
    """Not once a row: nearly no request was answered by another process meanwhile."""
    said: list[str] = []
    file.set_trace_callback(said.append)
    write_batch(file, ink, [row_b(number) for number in range(1, 65)])
    file.set_trace_callback(None)

    assert 1 == sum("response IS NULL" in one for one in said if "SELECT" in one)
