"""A command that brings a folder's files up to date, and somebody who does not want to wait."""

import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from atm_switch.adapters.folder_lock import is_held_by_command, lock_folder
from tests.doubles.served import SECONDS, make_folder
from tests.doubles.workers import wait_for
from tests.end_to_end.test_upgrading import (
    ENDLESS,
    NEWEST,
    program_with_migration,
    version_of,
)


def is_written(file: Path) -> bool:
    """Tell whether somebody is amid a transaction that writes to a file."""
    with closing(sqlite3.connect(file, timeout=0.0, isolation_level=None)) as connection:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return True
        return False


def test_ctrl_c_ends_a_command_that_brings_the_files_up_to_date(tmp_path: Path) -> None:
    """However long a statement takes; the files are as they were, and nobody holds them."""
    folder = make_folder(tmp_path)
    program = program_with_migration(tmp_path / "program", ENDLESS)
    command = [sys.executable, "-m", "atm_switch", "migrate", str(folder)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL, cwd=program) as process:
        try:
            wait_for(lambda: is_held_by_command(folder) and is_written(folder / "journal.db"))
            process.send_signal(signal.SIGINT)
            code = process.wait(SECONDS)
        finally:
            process.kill()
            process.wait(SECONDS)

    assert code > 0
    assert (False, NEWEST) == (is_held_by_command(folder), version_of(folder))
    lock_folder(folder)()
