"""A command on PostgreSQL that is interrupted or killed, at whatever step it is."""

import gc
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial

import pytest

from atm_switch.ledger.store_postgres import PostgresStore
from tests.doubles.postgres import PostgresServer

SECONDS_MAX = 120.0
STORMS = 12
INTERRUPTED = 130

BUSY = """
import sys
from contextlib import closing
from atm_switch.ledger.store_postgres import PostgresStore

try:
    with closing(PostgresStore(sys.argv[1])) as store:
        print("up", flush=True)
        while True:
            with store.transaction():
                store.change("CREATE TEMPORARY TABLE x (a BIGINT) ON COMMIT DROP")
                store.load("x", ["a"], [(n,) for n in range(1000)])
                assert 1000 == len(store.rows("SELECT a FROM x"))
except KeyboardInterrupt:
    sys.exit(130)
"""
SLOW = """
import sys
from atm_switch.ledger.store_postgres import PostgresStore

store = PostgresStore(sys.argv[1])
print(store.rows("SELECT pg_backend_pid()")[0][0], flush=True)
store.rows("SELECT pg_sleep(3600)")
"""


@pytest.fixture
def url(postgres: PostgresServer) -> str:
    """Return the address of a ledger whose schema is made."""
    made = postgres.empty()
    PostgresStore(made).close()
    return made


@contextmanager
def command(text: str, url: str) -> Iterator["subprocess.Popen[str]"]:
    """Lend a command that has said its first word."""
    with subprocess.Popen(
        [sys.executable, "-c", text, url],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def test_ctrl_c_ends_a_busy_command_in_order(url: str) -> None:
    """Sent at any moment, it ends the command with what it ends it with: no hang, no crash."""
    ends: list[tuple[int, str]] = []

    for number in range(STORMS):
        with command(BUSY, url) as process:
            assert process.stdout is not None
            assert "up\n" == process.stdout.readline()
            time.sleep(0.003 * number)  # another step of its work each time
            process.send_signal(signal.SIGINT)
            _, told = process.communicate(timeout=SECONDS_MAX)
            ends.append((process.returncode, told))

    assert [(INTERRUPTED, "")] * STORMS == ends


def test_transaction_let_go_behind_the_end_says_nothing(
    url: str, recwarn: pytest.WarningsRecorder
) -> None:
    """A Ctrl-C between BEGIN and the block leaves it to the collector: the end rolled it back."""
    gc.collect()  # what other tests have left is not of this one
    recwarn.clear()
    store = PostgresStore(url)
    begun = store._held("BEGIN", "COMMIT").gen
    next(begun)
    store.close()

    begun.close()

    assert [] == list(recwarn)


def test_ctrl_c_amid_a_transaction_undoes_it(url: str) -> None:
    """Interrupted, the transaction is rolled back at once and the connection serves on."""
    with closing(PostgresStore(url)) as store:
        store.change("CREATE TABLE kept (a BIGINT)")
        store._loop.later(0.05, partial(signal.raise_signal, signal.SIGINT))
        with pytest.raises(KeyboardInterrupt), store.transaction():
            store.rows("INSERT INTO kept SELECT 1 WHERE pg_sleep(3600) IS NOT NULL RETURNING a")

        assert [] == store.rows("SELECT a FROM kept")
        store.change("DROP TABLE kept")


def test_server_ends_the_statement_of_a_killed_command(url: str) -> None:
    """A command killed amid a long statement leaves no statement and no lock behind."""
    with command(SLOW, url) as process, closing(PostgresStore(url)) as store:
        assert process.stdout is not None
        backend = int(process.stdout.readline())
        asleep = "SELECT 1 FROM pg_stat_activity WHERE pid = ? AND wait_event = 'PgSleep'"
        wait_for(store, asleep, backend, is_there=True)
        process.kill()

        wait_for(store, "SELECT 1 FROM pg_stat_activity WHERE pid = ?", backend, is_there=False)


def wait_for(store: PostgresStore, question: str, backend: int, *, is_there: bool) -> None:
    """Wait until the server's process is as asked."""
    until = time.monotonic() + SECONDS_MAX
    while bool(store.rows(question, (backend,))) is not is_there:
        assert time.monotonic() < until, store.rows("SELECT * FROM pg_stat_activity")
        time.sleep(0.05)
