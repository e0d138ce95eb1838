"""Whose priority follows ours: the server's process of this connection, and nobody else's."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.doubles.postgres import PostgresServer

LOWEST, STEPS = 19, 7
pytestmark = pytest.mark.skipif(
    os.getpriority(os.PRIO_PROCESS, 0) + STEPS > LOWEST,
    reason="this run has so low a priority itself that nothing can be seven steps below it",
)
STORE = """
import os, sys
from contextlib import closing
from pathlib import Path
from atm_switch.ledger.store_postgres import PostgresStore
os.nice(7)
with closing(PostgresStore(sys.argv[1])) as store:
    ((number,),) = store.rows("SELECT pg_backend_pid()")
    ((workers,),) = store.rows("SELECT current_setting('max_parallel_workers_per_gather')")
    group = Path(f"/proc/{number}/autogroup")
    share = group.read_text().split()[-1] if group.exists() else os.getpriority(0, number)
    print(os.getpriority(os.PRIO_PROCESS, number) - int(sys.argv[2]), workers,
          int(share) - int(sys.argv[2]))
"""
GIVES_WAY = """
import os, socket, sys
from atm_switch.adapters.postgres_turn import gives_way
os.nice(7)
print(gives_way(int(sys.argv[1]), socket.socket(fileno=int(sys.argv[2]))))
"""
WAITS = "import sys; sys.stdin.read()"


def test_server_of_a_command_that_gives_way_does_so(postgres: PostgresServer) -> None:
    """
    Its process for this connection has the priority of the command that uses it, in its session
    and between sessions, and no others beside it, which would not.
    """
    ours = os.getpriority(os.PRIO_PROCESS, 0)

    assert "7 0 7" == answer(STORE, postgres.database(), str(ours))


def test_process_that_names_our_port_gives_way() -> None:
    """By its title, as PostgreSQL has it of a client over TCP; one of another port stays."""
    with connected() as wire:
        port = wire.getsockname()[1]
        for named, is_ours in ((port, True), (port + 1, False)):
            with process(f"postgres: postgres members 127.0.0.1({named}) idle") as one:
                before = os.getpriority(os.PRIO_PROCESS, one.pid)
                assert str(is_ours) == answer(GIVES_WAY, str(one.pid), wire=wire)
                lower = os.getpriority(os.PRIO_PROCESS, one.pid) - before
                assert lower == (7 if is_ours else 0)


def test_number_from_behind_a_socket_file_must_be_of_its_listener() -> None:
    """A pooler gives the number of a process that is no child of its own: it stays."""
    ours, theirs = socket.socketpair()
    with ours, theirs, process("postgres: postgres members [local] idle") as child:
        assert "True" == answer(GIVES_WAY, str(child.pid), wire=ours)  # a child of this process
        assert "False" == answer(GIVES_WAY, str(os.getpid()), wire=ours)


def test_process_that_is_gone_is_no_fault() -> None:
    """Nobody has the number: nothing is changed, nothing raised."""
    with process("gone") as one:
        pass
    with connected() as wire:
        assert "False" == answer(GIVES_WAY, str(one.pid), wire=wire)


def answer(program: str, *words: str, wire: socket.socket | None = None) -> str:
    """Run a program that lowers its own priority, apart from this one; return what it says."""
    lent = [] if wire is None else [wire.fileno()]
    command = [sys.executable, "-c", program, *words, *map(str, lent)]
    done = subprocess.run(command, pass_fds=lent, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@contextmanager
def process(title: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a process that calls itself so, for a block."""
    command = [title, "-c", WAITS]
    with subprocess.Popen(command, executable=sys.executable, stdin=subprocess.PIPE) as one:
        yield one


@contextmanager
def connected() -> Iterator[socket.socket]:
    """Lend the client's end of a connection over TCP."""
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()) as wire,
    ):
        yield wire
