"""A journal on PostgreSQL of an older release opens in this one."""

from contextlib import closing
from datetime import timedelta

from atm_switch.adapters.journal_rows import to_microseconds
from atm_switch.adapters.postgres_link import PostgresSession
from atm_switch.adapters.postgres_schema import NODES
from atm_switch.switch.ports import Commit, Reserve, StoredResponse, UnderWay
from tests.doubles.journal_bench import NOON, card_of, ending_of, entry_of, since
from tests.doubles.postgres import PostgresServer
from tests.doubles.postgres_journal import PostgresJournalBench


def _row_a(number: int) -> Reserve:
    return Reserve(entry_of(number, card_of(1)), 3, (), since(1), NOON)


def _to_schema_4(url: str) -> None:
    """Undo what came after; the rows stay."""
    with closing(PostgresSession(url, "a test")) as session:
        session.run("DROP FUNCTION taken_claims_are_young CASCADE")
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


_TAKEN_BY_SCHEMA_4 = (
    "UPDATE answers SET node = $1, received_at = $2, fingerprint = $3 WHERE stan = $4"
)
"""As a release before claims had a time of their own takes over what a dead process had."""


def test_claim_an_older_release_took_over_is_young(postgres: PostgresServer) -> None:
    """
    However old the dead process's was: what the older release is at work on is not begun here.
    """
    url, entry = postgres.empty(), entry_of(1, card_of(1))
    with PostgresJournalBench(url) as one:
        one.reserve(Reserve(entry, 3, (), since(1), NOON))
        with closing(PostgresSession(url, "a test")) as older:
            older.rows("SELECT pg_advisory_lock($1, hashtext($2))", NODES, "older")
            received_at = to_microseconds(NOON + timedelta(seconds=30))
            older.run("UPDATE answers SET until = now() - INTERVAL '20 seconds'")
            older.rows(_TAKEN_BY_SCHEMA_4, "older", received_at, entry.fingerprint, entry.key.stan)

            answer = one.ask(_row_a(1))

    assert UnderWay(entry.fingerprint) == answer
