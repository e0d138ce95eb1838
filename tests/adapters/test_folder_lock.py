"""Claims about the lock: one switch a folder, given back however it ends."""

import asyncio
import fcntl
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from atm_switch.adapters import folder_lock
from atm_switch.adapters.folder_lock import (
    LOCK_FILE,
    held_at_rest,
    is_held_by_command,
    is_served,
    lock_folder,
    lock_writing,
)
from atm_switch.domain.errors import Refused


def test_folder_is_taken_once(tmp_path: Path) -> None:
    """A second taker is refused in a sentence; after release the folder is free."""
    give_back = lock_folder(tmp_path)

    with pytest.raises(Refused, match="another atm-switch serves"):
        lock_folder(tmp_path)
    give_back()

    lock_folder(tmp_path)()


@contextmanager
def looked_at(root: Path) -> Iterator[None]:
    """Be amid a look for whether a switch serves a folder, as a command is for microseconds."""
    with (root / LOCK_FILE).open("w") as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        yield


def test_several_look_at_once(tmp_path: Path) -> None:
    """None takes the other for a switch."""
    with looked_at(tmp_path):
        assert not is_served(tmp_path)

    give_back = lock_folder(tmp_path)
    assert is_served(tmp_path)
    give_back()
    assert not is_served(tmp_path)


def test_start_is_not_refused_for_one_that_only_looks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has the folder once that has looked, however slow the machine is just then."""
    monkeypatch.setattr(folder_lock, "LOOKERS_SECONDS_MAX", 60.0)
    with ThreadPoolExecutor() as threads:
        with looked_at(tmp_path):
            taking = threads.submit(lock_folder, tmp_path)
            with suppress(TimeoutError):
                taking.result(0.2)

        taking.result(60)()


async def test_writer_waits_for_the_one_before(tmp_path: Path) -> None:
    """One process at a time writes the journal; the next one has its turn when that has ended."""
    give_back = await lock_writing(tmp_path)

    with pytest.raises(Refused, match="does not end"):
        await lock_writing(tmp_path, 0.0)
    waiting = asyncio.create_task(lock_writing(tmp_path))
    await asyncio.sleep(0)
    assert not waiting.done()
    give_back()

    (await waiting)()


def test_command_that_holds_the_folder_is_taken_for_no_switch(tmp_path: Path) -> None:
    """Nobody is told to stop one; and whoever serves meanwhile is no command."""
    with held_at_rest(tmp_path):
        assert not is_served(tmp_path)
        with pytest.raises(Refused, match="a command brings the files of"):
            lock_folder(tmp_path)
    assert not is_held_by_command(tmp_path)

    give_back = lock_folder(tmp_path)
    with pytest.raises(Refused, match="another atm-switch serves"), held_at_rest(tmp_path):
        pass
    assert not is_held_by_command(tmp_path)
    give_back()
