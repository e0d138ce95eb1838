"""A journal that stands still while an inquiry waits for its row: locked, or its writer stopped."""

import os
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from atm_switch.server.admin_socket import FILE_NAME, ask_switch
from tests.doubles.served import Served
from tests.doubles.talk import Talk, inquiry
from tests.doubles.workers import CARD, wait_for


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Let nobody write the journal's file for a block."""
    with closing(
        sqlite3.connect(folder / "journal.db", timeout=90.0, isolation_level=None)
    ) as lock:
        lock.execute("BEGIN IMMEDIATE")
        yield
        lock.execute("ROLLBACK")


def writer_of(folder: Path) -> int:
    """Return the number of the process that writes the journal."""
    there = ask_switch(folder / FILE_NAME, "status")["processes"]
    return int(next(pid for name, pid in there.items() if "writer" in name))


def asks(folder: Path, talk: Talk) -> None:
    """Have one inquiry under way."""
    talk.say(talk.keys.pack(inquiry(1, {2: CARD}), talk.packager))
    wait_for(lambda: ask_switch(folder / FILE_NAME, "status")["in_flight"] > 0)


@contextmanager
def under_way(folder: Path, served: Served) -> Iterator[Talk]:
    """Have one inquiry under way beside a writer that stands still until the block ends."""
    pid = writer_of(folder)
    with Talk.of(served.port, folder) as talk:
        os.kill(pid, signal.SIGSTOP)
        try:
            asks(folder, talk)
            yield talk
        finally:
            os.kill(pid, signal.SIGCONT)
