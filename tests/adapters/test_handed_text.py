"""A text that another process is handed: whole, whoever has read how much of it."""

import os
import subprocess
import sys

import pytest

from atm_switch.adapters.handed_text import handed, taken
from tests.doubles.descriptors import no_descriptors

LONG = 'name = "BANK CONTOH ééé Jalan Sudirman"\r\n' * 20_000
"""Longer than a pipe or a message between processes holds."""
PROGRAM = """
import sys
from atm_switch.adapters.handed_text import taken
sys.stdout.buffer.write(taken(int(sys.argv[1])).encode())
"""


def test_process_that_inherits_it_has_the_whole_text() -> None:
    """Byte for byte, and every process that it is handed to."""
    with handed(LONG) as descriptor:
        command = [sys.executable, "-c", PROGRAM, str(descriptor)]
        read = [
            subprocess.run(command, pass_fds=[descriptor], capture_output=True, check=True).stdout
            for _ in range(2)
        ]

    assert [LONG.encode()] * 2 == read


def test_whoever_took_it_and_whoever_handed_it_hold_nothing_any_more() -> None:
    """Each closes its own."""
    with handed("") as descriptor:
        other = os.dup(descriptor)
        assert "" == taken(other)

    for closed in (descriptor, other):
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(closed)


def test_without_descriptors_nothing_is_handed() -> None:
    """It is said, and whoever hands it decides what then."""
    with no_descriptors(), pytest.raises(OSError, match="Too many open files"), handed("x"):
        pass
