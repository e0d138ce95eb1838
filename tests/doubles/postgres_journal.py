"""A real journal on PostgreSQL, on a bench: one node of it, asked as the file's bench is."""

import os
import time
from concurrent.futures import Future
from contextlib import closing
from dataclasses import dataclass, field
from typing import Self

from atm_switch.adapters.postgres_journal import PostgresJournalWriter, PostgresRepeats
from atm_switch.adapters.postgres_link import PostgresSession
from atm_switch.adapters.postgres_schema import NODES
from atm_switch.security.vault import Vault
from atm_switch.switch.ports import FindRepeat, StoredResponse
from tests.doubles.journal_bench import (
    ANSWER_SECONDS_MAX,
    Asking,
    Batch,
    Token,
    clock,
    fresh_vault,
)


@dataclass
class PostgresJournalBench(Asking):
    """One node of a journal, and what its writer delivered."""

    url: str
    node: str = "one"
    vault: Vault = field(default_factory=fresh_vault)
    batches: list[Batch] = field(default_factory=list)
    writer: PostgresJournalWriter[Token] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Lay out both threads, not yet started."""
        self.writer = self._fresh_writer()
        self.repeats: PostgresRepeats[Token] = PostgresRepeats(self.url, self.vault)

    def _fresh_writer(self) -> PostgresJournalWriter[Token]:
        return PostgresJournalWriter(self.url, self.node, self.vault, clock, os.urandom)

    def __enter__(self) -> Self:
        """Start them."""
        self.writer.start(self._deliver)
        self.repeats.start(self._deliver)
        return self

    def __exit__(self, *_exception: object) -> None:
        """Stop them."""
        self.writer.stop()
        self.repeats.stop()

    def wait_until_gone(self) -> None:
        """Wait until the server, too, knows that this node has stopped: a stop waits a second."""
        deadline = time.monotonic() + ANSWER_SECONDS_MAX
        with closing(PostgresSession(self.url, "a test")) as session:
            free = "SELECT pg_try_advisory_xact_lock($1, hashtext($2))"
            while [(True,)] != session.rows(free, NODES, self.node):
                assert time.monotonic() < deadline
                time.sleep(0.02)

    def reopen(self) -> None:
        """Stop the writer and start another one as the same node."""
        self.writer.stop()
        self.writer = self._fresh_writer()
        self.writer.start(self._deliver)

    def find(self, question: FindRepeat) -> StoredResponse | None:
        """Ask for a repeat and wait."""
        token: Token = Future()
        self.repeats.submit(question, token)
        answer = token.result(ANSWER_SECONDS_MAX)
        assert answer is None or isinstance(answer, StoredResponse), answer
        return answer

    def _deliver(self, batch: Batch) -> None:
        self.batches.append(batch)
        for token, answer in batch:
            token.set_result(answer)


def until_quiet(url: str) -> None:
    """Wait until no transaction of the whole server, of any database, is under way.

    What was committed before is older than any that begins later, so nothing holds it back.
    """
    deadline = time.monotonic() + ANSWER_SECONDS_MAX
    quiet = "SELECT pg_snapshot_xmin(at) = pg_snapshot_xmax(at) FROM pg_current_snapshot() AS at"
    with closing(PostgresSession(url, "a test")) as session:
        while [(True,)] != session.rows(quiet):
            assert time.monotonic() < deadline
            time.sleep(0.01)
