"""One switch a data folder: a lock file held as long as the process lives.

Two switches on one folder would count PIN tries, card turns and host references apart.
The kernel gives the lock back however the process ends.
"""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from atm_switch.domain.errors import Refused

LOCK_FILE = "serve.lock"
KEYS_LOCK_FILE = "keys.lock"


def lock_folder(root: Path) -> Callable[[], None]:
    """Take the folder for this process alone; return what gives it back.

    Raises ``Refused`` where another switch serves it.
    """
    descriptor = os.open(root / LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise Refused(f"another atm-switch serves {root} already; stop that one first") from None
    return lambda: os.close(descriptor)


def is_served(root: Path) -> bool:
    """Tell whether a switch serves the folder right now."""
    try:
        lock_folder(root)()
    except Refused:
        return True
    return False


@contextmanager
def keys_locked(root: Path) -> Iterator[None]:
    """Hold the key file for a change, waiting for whoever changes it now.

    A command and a running switch may both change keys; each reads, changes and writes
    the whole file, so they take turns.
    """
    descriptor = os.open(root / KEYS_LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
