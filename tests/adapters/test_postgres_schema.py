"""A journal on PostgreSQL of an older release opens in this one."""

from contextlib import closing

from atm_switch.adapters.postgres_link import PostgresSession
from atm_switch.switch.ports import Commit, Reserve, StoredResponse, UnderWay
from tests.doubles.journal_bench import NOON, card_of, ending_of, entry_of, since
from tests.doubles.postgres import PostgresServer
from tests.doubles.postgres_journal import PostgresJournalBench


def _row_a(number: int) -> Reserve:
    return Reserve(entry_of(number, card_of(1)), 3, (), since(1), NOON)


def _to_schema_4(url: str) -> None:
    """Undo what came after; the rows stay."""
    with closing(PostgresSession(url, "a test")) as session:
        session.run("DROP TABLE untold")
        session.run("ALTER TABLE answers DROP COLUMN until")
        session.run("UPDATE journal_version SET version = 4")


def test_claims_of_an_older_release_stay_claims(postgres: PostgresServer) -> None:
    """
    Brought up to date beside a switch that runs: its answer is told, and what it is at work on
    is not begun a second time.
    """
    url = postgres.empty()
    with PostgresJournalBench(url) as one:
        one.ask(Commit(entry_of(1, card_of(1)), ending_of(b"told"), None, since(1)))
        one.reserve(_row_a(2))
        _to_schema_4(url)
        with PostgresJournalBench(url, "two", one.vault) as two:
            answers = two.send_all(_row_a(1), _row_a(2))

    prints = [entry_of(number).fingerprint for number in (1, 2)]
    assert [StoredResponse(prints[0], b"told"), UnderWay(prints[1])] == answers
