"""A journal on PostgreSQL of an older release opens in this one."""

import time
from contextlib import closing
from datetime import timedelta
from itertools import count

import pytest

from atm_switch.adapters.journal_rows import to_microseconds
from atm_switch.adapters.postgres_link import PostgresSession
from atm_switch.adapters.postgres_schema import NODES
from atm_switch.adapters.schema import migrations_of
from atm_switch.domain.errors import JournalUnavailable, Refused
from atm_switch.switch.ports import Commit, FindRepeat, Reserve, StoredResponse, UnderWay
from tests.doubles.journal_bench import (
    ANSWER_SECONDS_MAX,
    NOON,
    card_of,
    ending_of,
    entry_of,
    key_of,
    since,
)
from tests.doubles.postgres import PostgresServer
from tests.doubles.postgres_journal import PostgresJournalBench


def _row_a(number: int) -> Reserve:
    return Reserve(entry_of(number, card_of(1)), 3, (), since(1), NOON)


def _to_schema_4(url: str) -> None:
    """Undo what came after; the rows stay."""
    with closing(PostgresSession(url, "a test")) as session:
        session.run("DROP FUNCTION taken_claims_are_young CASCADE")
        session.run("DROP TABLE untold")
        session.run("ALTER TABLE journal_version DROP COLUMN works_from")
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


OURS = 8
"""The schema from which the database says who works with a newer one."""
_NEWER = "CREATE TABLE newer (one BIGINT);"
_WORKS = f"-- Programs of schema {OURS} work with this one, too."
_TABLE = "atm_switch.adapters.postgres_schema.migrations_of"


def _cut_off(url: str) -> None:
    """End every connection to a database but the one that says so."""
    others = "datname = current_database() AND pid <> pg_backend_pid()"
    with closing(PostgresSession(url, "a test")) as session:
        session.rows(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}")  # noqa: S608


def _until_written(node: PostgresJournalBench) -> None:
    deadline, numbers = time.monotonic() + ANSWER_SECONDS_MAX, count(10)
    while node.ask(Commit(entry_of(next(numbers)), ending_of(), None)) is not None:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _until_found(node: PostgresJournalBench) -> StoredResponse | None:
    deadline = time.monotonic() + ANSWER_SECONDS_MAX
    while True:
        try:
            return node.find(FindRepeat(key_of(1), since(1)))
        except (AssertionError, JournalUnavailable):
            assert time.monotonic() < deadline
            time.sleep(0.05)


def test_older_node_goes_on_where_the_newer_schema_says_so(
    postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    A machine beside it is brought up to date, it loses its connection: it connects anew,
    writes and finds, and one started in its place does.
    """
    url, ours = postgres.empty(), migrations_of("journal_postgresql", "postgresql")[:OURS]
    newer = [*ours, (OURS + 1, f"{_WORKS}\n{_NEWER}"), (OURS + 2, f"{_WORKS}\nSELECT 1")]
    monkeypatch.setattr(_TABLE, lambda *_family: ours)
    with PostgresJournalBench(url, "older") as older:
        older.ask(Commit(entry_of(1), ending_of(b"told"), None))
        monkeypatch.setattr(_TABLE, lambda *_family: newer)
        with PostgresJournalBench(url, "newer", older.vault) as node:
            assert node.ask(Commit(entry_of(2), ending_of(), None)) is None
        monkeypatch.setattr(_TABLE, lambda *_family: ours)
        _cut_off(url)
        _until_written(older)
        found = _until_found(older)
    with PostgresJournalBench(url, "started", older.vault) as started:
        assert started.ask(Commit(entry_of(3), ending_of(), None)) is None

    assert StoredResponse(entry_of(1).fingerprint, b"told") == found
    with closing(PostgresSession(url, "a test")) as session:
        assert [(OURS + 2, OURS)] == session.rows("SELECT version, works_from FROM journal_version")


@pytest.mark.parametrize("before", ["", f"{_WORKS}\n"])
def test_older_program_is_shut_out_by_a_schema_that_says_nothing(
    postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch, before: str
) -> None:
    """Also where the one before it, or the one behind it, says that it is none's."""
    url, ours = postgres.empty(), migrations_of("journal_postgresql", "postgresql")[:OURS]
    newer = [*ours, (OURS + 1, f"{before}{_NEWER}"), (OURS + 2, "SELECT 1")]
    newer.append((OURS + 3, f"{_WORKS}\nSELECT 1"))
    monkeypatch.setattr(_TABLE, lambda *_family: newer)
    with PostgresJournalBench(url) as node:
        node.ask(Commit(entry_of(1), ending_of(), None))
    monkeypatch.setattr(_TABLE, lambda *_family: ours)

    with pytest.raises(Refused, match=f"has schema {OURS + 3}, this program knows up to {OURS}"):
        PostgresJournalBench(url, "older", node.vault).__enter__()
