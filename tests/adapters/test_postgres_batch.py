"""A batch with a bad question in it, on PostgreSQL: what the others pay for that."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from atm_switch.adapters.journal_heads import HeadNotOurs
from atm_switch.adapters.postgres_link import PostgresSession
from atm_switch.domain.errors import JournalUnavailable
from atm_switch.switch.ports import Commit, Reserve
from tests.doubles.journal_bench import ending_of, entry_of
from tests.doubles.postgres_journal import PostgresJournalBench


@pytest.fixture
def one(url: str) -> Iterator[PostgresJournalBench]:
    """Start a node."""
    with PostgresJournalBench(url) as bench:
        yield bench


def test_row_at_fault_costs_the_others_no_commit(one: PostgresJournalBench, url: str) -> None:
    """A hundred and twenty rows, one of them bad, are written by one transaction."""
    reserved = one.reserve(Reserve(entry_of(1000), 3))
    one.ask(Commit(entry_of(1000), ending_of(), reserved.sequence))

    for batch, at in enumerate((0, 60, 119)):
        answers = one.send_all(
            *(
                Commit(entry_of(number), ending_of(), reserved.sequence if number == at else None)
                for number in range(120)
            )
        )
        assert [at] == [place for place, answer in enumerate(answers) if answer is not None]
        assert isinstance(answers[at], JournalUnavailable)
        with closing(PostgresSession(url, "a test")) as session:
            written = session.rows(
                "SELECT count(*), count(DISTINCT xmin::text) FROM journal_rows WHERE seq > $1",
                2 + 119 * batch,
            )
        assert [(119, 1)] == written


def test_second_ending_within_a_batch_is_the_one_at_fault(one: PostgresJournalBench) -> None:
    """Only because of the one before it; that one is written, and so is what comes behind."""
    reserved = one.reserve(Reserve(entry_of(1), 3))

    answers = one.send_all(
        *(
            Commit(entry_of(number), ending_of(), reserved.sequence if number in (4, 7) else None)
            for number in range(2, 12)
        )
    )

    assert [7 - 2] == [place for place, answer in enumerate(answers) if answer is not None]


def test_head_of_others_is_nobodys_fault(one: PostgresJournalBench, url: str) -> None:
    """A head that was changed beside us fails all, and no question is blamed for it."""
    one.ask(Commit(entry_of(1), ending_of(), None))
    with closing(PostgresSession(url, "a test")) as session:
        session.run("UPDATE heads SET chain = sha256(chain) WHERE book = 'journal'")
        answers = one.send_all(*(Commit(entry_of(at), ending_of(), None) for at in range(2, 7)))

    assert {"the journal could not write: HeadNotOurs"} == {str(answer) for answer in answers}
    assert not one.writer._judge(HeadNotOurs("changed")).blames_a_question
