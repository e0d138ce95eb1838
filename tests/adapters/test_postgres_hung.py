"""A PostgreSQL that hangs under the journal is asked by one; others are told at once."""

import time
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import closing, contextmanager

import pytest

from atm_switch.adapters.postgres_link import PostgresSession
from atm_switch.domain.errors import JournalSilent, JournalUnavailable
from atm_switch.switch.ports import Commit, FindRepeat, StoredResponse
from tests.doubles.journal_bench import (
    ANSWER_SECONDS_MAX,
    Token,
    ending_of,
    entry_of,
    key_of,
    since,
)
from tests.doubles.postgres import FallenServer, PostgresServer, server_to_fall
from tests.doubles.postgres_journal import PostgresJournalBench
from tests.end_to_end.test_stopping_beside_a_hung_database import hanging

SOON = 0.6
"""What a connection may take while the server hangs."""
LOOK = "atm_switch.adapters.postgres_journal.LOOK_SECONDS_MAX"
COMMIT_SECONDS = 2.0
"""What a commit may take: of a server that does not hang it takes less on any machine."""


@pytest.fixture(scope="module")
def server() -> Iterator[FallenServer]:
    """Start one to be stopped and let go."""
    with server_to_fall() as server:
        yield server


@contextmanager
def hung(server: FallenServer) -> Iterator[None]:
    """Have it hang for a block, and nobody wait for a connection for long meanwhile."""
    with pytest.MonkeyPatch.context() as meanwhile, hanging(server):
        meanwhile.setattr("atm_switch.adapters.postgres_link.CONNECT_SECONDS", SOON)
        yield


def looked(bench: PostgresJournalBench, number: int) -> Token:
    """Begin to look for a repeat."""
    token: Token = Future()
    bench.repeats.submit(FindRepeat(key_of(number), since(number)), token)
    return token


def answer_of(token: Token) -> object:
    """Wait for what came of it."""
    return token.result(ANSWER_SECONDS_MAX)


def test_look_behind_one_that_finds_out_is_refused_at_once(
    server: FallenServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Known once a look had no answer: whoever waited behind it, and whoever comes then, is told
    without a wait, and one at a time is asked for.  Once that is answered all are again.
    """
    with PostgresJournalBench(server.url, "one") as bench:
        bench.ask(Commit(entry_of(1), ending_of(b"answer"), None))
        assert answer_of(looked(bench, 1))
        monkeypatch.setattr(LOOK, ANSWER_SECONDS_MAX)  # from the next connection on
        with hung(server):
            first = looked(bench, 1)
            behind = [looked(bench, 1) for _ in range(300)]
            said = [answer_of(first), *map(answer_of, behind)]
            for _ in range(3):
                finds_out = looked(bench, 1)
                with pytest.raises(JournalSilent):
                    looked(bench, 2)
                said.append(answer_of(finds_out))
        deadline = time.monotonic() + ANSWER_SECONDS_MAX
        while not isinstance(answer_of(looked(bench, 1)), StoredResponse):
            assert time.monotonic() < deadline
        came = [answer_of(one) for one in [looked(bench, 1) for _ in range(3)]]

    assert {JournalSilent} == {type(one) for one in said}
    assert {StoredResponse} == {type(one) for one in came}


def test_those_behind_a_look_without_answer_wait_no_longer_than_it(
    server: FallenServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else they would wait as long as a connection is tried for."""
    monkeypatch.setattr("atm_switch.adapters.postgres_link.CONNECT_SECONDS", ANSWER_SECONDS_MAX)
    with PostgresJournalBench(server.url, "two") as bench:
        answer_of(looked(bench, 0))  # connected before it hangs
        with hanging(server):
            first = looked(bench, 1)
            while bench.repeats.waiting:
                time.sleep(0.001)
            behind = looked(bench, 2)
            answer_of(first)
            began = time.monotonic()
            assert isinstance(answer_of(behind), JournalSilent)
            waited = time.monotonic() - began

    assert waited < ANSWER_SECONDS_MAX / 2


def test_row_without_answer_in_time_is_one_that_was_not_answered(
    server: FallenServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the gate before new requests goes by: no answer is no failure that was told."""
    monkeypatch.setattr("atm_switch.adapters.postgres_journal.COMMIT_SECONDS_MAX", COMMIT_SECONDS)
    with PostgresJournalBench(server.url, "three") as bench:
        bench.ask(Commit(entry_of(4), ending_of(), None))
        with hung(server):
            said = [bench.ask(Commit(entry_of(at), ending_of(), None)) for at in range(3)]

    assert {JournalSilent} == {type(one) for one in said}


def test_server_that_refuses_is_not_silent(postgres: PostgresServer) -> None:
    """It answered: as many as come may ask it again."""
    url = postgres.empty()
    with PostgresJournalBench(url) as bench:
        with closing(PostgresSession(url, "a test")) as session:
            session.run("ALTER TABLE journal_rows RENAME TO others")
        said = [answer_of(one) for one in [looked(bench, at) for at in range(3)]]
        said.append(bench.ask(Commit(entry_of(1), ending_of(), None)))

    assert {JournalUnavailable} == {type(one) for one in said}
