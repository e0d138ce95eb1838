"""A question at fault is refused alone, on either store: what waits with it is written."""

import os
import sqlite3
import sys
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from atm_switch.adapters.journal_batch import JournalQuestion
from atm_switch.adapters.journal_writer import JournalWriter
from atm_switch.adapters.postgres_link import PostgresSession
from atm_switch.domain.errors import JournalRefusesRow, JournalUnavailable
from atm_switch.domain.identifiers import AcquirerId
from atm_switch.domain.secret import Key
from atm_switch.switch.ports import (
    AuditRecord,
    Commit,
    FindRepeat,
    JournalEntry,
    KeepBusinessDate,
    KeepRecord,
    Reserve,
    StoredResponse,
)
from tests.doubles.journal_bench import (
    ANSWER_SECONDS_MAX,
    NOON,
    JournalBench,
    Token,
    ending_of,
    entry_of,
    key_of,
    since,
)
from tests.doubles.postgres import PostgresServer
from tests.doubles.postgres_journal import PostgresJournalBench

Journal = JournalBench | PostgresJournalBench
LATER = NOON + timedelta(seconds=1)
BANK = AcquirerId("009")


class SharedWriter(JournalWriter[Token]):
    """Writes a file for several processes: the first answer kept counts."""

    def __init__(self, *given: Any) -> None:
        """Take what any writer does."""
        super().__init__(*given, is_shared=True)


@pytest.fixture
def nodes(postgres: PostgresServer) -> Iterator[PostgresJournalBench]:
    """Start a node on an empty database."""
    with PostgresJournalBench(postgres.empty()) as bench:
        yield bench


@pytest.fixture(params=["file", "PostgreSQL"])
def journal(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Journal]:
    """Give a journal that several processes may share."""
    if request.param == "file":
        with JournalBench(tmp_path / "journal.db", make=SharedWriter) as bench:
            yield bench
    else:
        yield request.getfixturevalue("nodes")


def keep_what_does_not_open(journal: Journal) -> None:
    """Have request 1 answered under a sealing key that is lost afterwards."""
    own = journal.vault
    journal.vault = replace(own, sealing_key=Key(os.urandom(32)))
    journal.reopen()
    assert journal.ask(Commit(entry_of(1), ending_of(), None, since(1))) is None
    journal.vault = own
    journal.reopen()


def committed(journal: Journal, *questions: Commit) -> list[str]:
    """Ask in one batch; return what is said of each, nothing where its row was written."""
    answers = journal.send_all(*questions)
    assert all(answer is None or isinstance(answer, JournalUnavailable) for answer in answers)
    return ["" if answer is None else str(answer) for answer in answers]


def commit(number: int) -> Commit:
    """Ask for row B of a request that came in a second later than the first of its key."""
    ending = ending_of(b"answer %d" % number)
    return Commit(entry_of(number, received_at=LATER), ending, None, since(1))


def found(journal: Journal, number: int) -> bytes | None:
    """Look for a kept answer."""
    stored = journal.find(FindRepeat(key_of(number), since(1)))
    return stored.payload if stored else None


def test_kept_answer_that_does_not_open_is_refused_alone(journal: Journal) -> None:
    """
    Its request is refused, for nobody knows what it was told; those of its batch are kept.
    """
    keep_what_does_not_open(journal)

    said = committed(journal, commit(2), commit(1), commit(3))

    assert [True, False, True] == [text == "" for text in said], said
    assert said[1].startswith("the journal could not write: ")
    assert [b"answer 2", b"answer 3"] == [found(journal, number) for number in (2, 3)]
    assert 4 == journal.ask(Reserve(entry_of(4), 3)).sequence


@pytest.mark.parametrize(
    ("name", "value", "error"),
    [("reason", "secret \ud800", "UnicodeEncodeError"), ("payload", "no bytes", "TypeError")],
    ids=["no text", "our mistake"],
)
def test_row_that_cannot_be_made_is_refused_alone(
    journal: Journal, name: str, value: str, error: str
) -> None:
    """
    It is named by its error and not quoted; the rows around it are written, one behind the other.
    """
    faulty = commit(2)
    object.__setattr__(faulty.ending, name, value)

    said = committed(journal, commit(1), faulty, commit(3))

    assert [True, False, True] == [text == "" for text in said], said
    assert error in said[1]
    assert value not in said[1]
    assert 3 == journal.ask(Reserve(entry_of(4), 3)).sequence


def with_a_nul() -> Commit:
    """Ask for a row PostgreSQL has no text for."""
    asked = commit(2)
    object.__setattr__(asked.ending, "reason", "secret \0")
    return asked


def with_a_long_key() -> Commit:
    """Ask for a row whose key fits no page of an index."""
    asked = commit(2)
    key = asked.entry.key._replace(rrn=os.urandom(5_000).hex())
    return replace(asked, entry=replace(asked.entry, key=key))


@pytest.mark.parametrize(
    ("faulty", "error"),
    [
        (with_a_nul(), "CharacterNotInRepertoireError"),
        (with_a_long_key(), "ProgramLimitExceededError"),
    ],
    ids=["text", "limit"],
)
def test_row_postgresql_does_not_take_is_refused_alone(
    nodes: PostgresJournalBench, faulty: Commit, error: str
) -> None:
    """
    What the server itself finds wrong with one row costs the others of its batch nothing.
    """
    said = committed(nodes, commit(1), faulty, commit(3))

    assert ["", f"the journal could not write: {error}", ""] == said
    assert 3 == nodes.ask(Reserve(entry_of(4), 3)).sequence


def test_repeats_asked_for_together_are_found_without_the_one_that_does_not_open(
    nodes: PostgresJournalBench,
) -> None:
    """
    One query looks for all that wait; the two beside the one at fault get their answers.
    """
    keep_what_does_not_open(nodes)
    assert ["", ""] == committed(nodes, commit(2), commit(3))
    tokens: list[Token] = [Future() for _ in range(3)]
    for number, token in zip((2, 1, 3), tokens, strict=True):
        nodes.repeats.submit(FindRepeat(key_of(number), since(1)), token, rings=False)
    nodes.repeats.ring()

    answers = [token.result(ANSWER_SECONDS_MAX) for token in tokens]

    kinds = [StoredResponse, JournalRefusesRow, StoredResponse]
    assert kinds == [type(answer) for answer in answers]
    assert "a stored response cannot be opened" in str(answers[1])


def refusing(journal: Journal, table: str, condition: str = "1 = 1") -> None:
    """Have the store refuse rows of a table, as a constraint of its own does."""
    if isinstance(journal, JournalBench):
        with closing(sqlite3.connect(journal.path, isolation_level=None)) as file:
            file.execute(
                f"CREATE TRIGGER refusing BEFORE INSERT ON {table} WHEN {condition}"
                " BEGIN SELECT raise(ABORT, 'no'); END"
            )
        return
    with closing(PostgresSession(journal.url, "a test")) as session:
        session.run(
            "CREATE FUNCTION refuses() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN RAISE check_violation; END $$"
        )
        session.run(
            f"CREATE TRIGGER refusing BEFORE INSERT ON {table} FOR EACH ROW"
            f" WHEN ({condition}) EXECUTE FUNCTION refuses()"
        )


RECORD = KeepRecord(AuditRecord("command", "switch", "bank", "a test"))


@pytest.mark.parametrize(
    ("table", "question"),
    [("journal_rows", commit(1)), ("journal_rows", Reserve(entry_of(1), 3)),
     ("audit_rows", RECORD)],
    ids=["B", "A", "audit"],
)  # fmt: skip
def test_journal_that_takes_no_row_blames_none(
    journal: Journal, table: str, question: JournalQuestion
) -> None:
    """
    From the first on, also where it takes rows of another kind: a sound one would be refused, too.
    """
    refusing(journal, table)

    first = [type(journal.ask(question)) for _ in range(2)]
    beside = journal.send_all(question, KeepBusinessDate(BANK, NOON.date()), question)

    assert [JournalUnavailable] * 2 == first
    assert [JournalUnavailable, type(None), JournalUnavailable] == [type(one) for one in beside]


def test_row_at_fault_ends_no_writer_whose_package_is_gone(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    What a row is tried beside is loaded then, from a package that may have been replaced under the
    switch: without it the row is refused like any other, and those around it are written.
    """
    faulty = commit(2)
    object.__setattr__(faulty.ending, "reason", "\ud800")
    monkeypatch.setitem(sys.modules, "atm_switch.adapters.journal_sample", None)

    answer = journal.ask(faulty)

    assert JournalRefusesRow is type(answer)
    assert [""] == committed(journal, commit(3))
    assert b"answer 3" == found(journal, 3)


def test_rows_of_one_terminal_at_fault_are_no_journal_at_fault(journal: Journal) -> None:
    """
    However many come on end: each is refused by itself, and the next of another is written.
    """
    refusing(journal, "journal_rows", "new.terminal = 'ATM00002'")

    def of_that_terminal(number: int) -> JournalEntry:
        entry = entry_of(number)
        return replace(entry, key=entry.key._replace(terminal="ATM00002"))

    said = [
        type(journal.ask(question))
        for at in range(10)
        for question in (
            Reserve(of_that_terminal(at), 3),
            Commit(of_that_terminal(at), ending_of(), None, since(1)),
        )
    ]

    assert [JournalRefusesRow] * 20 == said
    assert 1 == journal.ask(Reserve(entry_of(3), 3)).sequence
    assert journal.ask(commit(1)) is None
