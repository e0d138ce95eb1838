"""One switch a data folder: a lock file held as long as the process lives.

Two switches on one folder would count PIN tries, card turns and host references apart.
The kernel gives the lock back however the process ends.
"""

import asyncio
import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from atm_switch.domain.errors import Refused

LOCK_FILE = "serve.lock"
KEYS_LOCK_FILE = "keys.lock"
WRITER_LOCK_FILE = "writer.lock"
COMMAND_LOCK_FILE = "command.lock"
"""What a command that holds the folder holds besides, lest it be taken for a switch."""
WRITER_SECONDS_MAX = 20.0
LOOK_SECONDS: Final = 0.02
LOOKERS_SECONDS_MAX: Final = 0.5
"""How long whoever begins to serve waits for commands that look whether somebody does."""
_STILL_WRITES: Final = (
    "the process that wrote the journal for the run before does not end; is the disk well? It"
    " holds writer.lock; killed (fuser -k writer.lock), it takes nothing along that was answered"
)


def lock_folder(root: Path) -> Callable[[], None]:
    """Take the folder for this process alone; return what gives it back.

    Raises ``Refused`` where another switch serves it, or a command is at work with its files.
    """
    release = _taken_within(root / LOCK_FILE, LOOKERS_SECONDS_MAX)
    if release is None:
        raise Refused(
            f"a command brings the files of {root} up to date just now; try again when it has ended"
            if is_held_by_command(root)
            else f"another atm-switch serves {root} already; stop that one first"
        )
    return release


async def lock_writing(root: Path, seconds_max: float = WRITER_SECONDS_MAX) -> Callable[[], None]:
    """Be the one that writes the folder's journal; return what gives that back.

    A writer whose switch was killed still writes what it was sent, which is waited for.
    Raises ``Refused`` where that takes too long.
    """
    deadline = asyncio.get_running_loop().time() + seconds_max
    while (release := _taken(root / WRITER_LOCK_FILE)) is None:
        if asyncio.get_running_loop().time() > deadline:
            raise Refused(_STILL_WRITES)
        await asyncio.sleep(LOOK_SECONDS)
    return release


@contextmanager
def held_at_rest(root: Path) -> Iterator[None]:
    """Hold the folder for a block while nobody is at work with its files, nor can begin to.

    For a command: it waits for the writer of a switch that has just ended.  Raises ``Refused``
    where a switch serves the folder or another command is at it, or that takes too long.
    """
    with ExitStack() as held:
        held.callback(lock_folder(root))
        if let_be := _taken_within(root / COMMAND_LOCK_FILE, LOOKERS_SECONDS_MAX):
            held.callback(let_be)
        let_go = _taken_within(root / WRITER_LOCK_FILE, WRITER_SECONDS_MAX)
        if let_go is None:
            raise Refused(_STILL_WRITES)
        held.callback(let_go)
        yield


def _taken_within(file: Path, seconds_max: float) -> Callable[[], None] | None:
    deadline = time.monotonic() + seconds_max
    while (release := _taken(file)) is None and time.monotonic() <= deadline:
        time.sleep(LOOK_SECONDS)
    return release


def _taken(file: Path, how: int = fcntl.LOCK_EX) -> Callable[[], None] | None:
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, how | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return lambda: os.close(descriptor)


def is_served(root: Path) -> bool:
    """Tell whether a switch serves the folder right now; any number may look at once."""
    return _is_held(root / LOCK_FILE) and not is_held_by_command(root)


def is_held_by_command(root: Path) -> bool:
    """Tell whether a command holds the folder right now."""
    return _is_held(root / COMMAND_LOCK_FILE)


def _is_held(file: Path) -> bool:
    release = _taken(file, fcntl.LOCK_SH)
    if release is None:
        return True
    release()
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
