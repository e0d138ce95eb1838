"""Claims about the lock: one switch a folder, given back however it ends."""

import asyncio
from pathlib import Path

import pytest

from atm_switch.adapters.folder_lock import lock_folder, lock_writing
from atm_switch.domain.errors import Refused


def test_folder_is_taken_once(tmp_path: Path) -> None:
    """A second taker is refused in a sentence; after release the folder is free."""
    give_back = lock_folder(tmp_path)

    with pytest.raises(Refused, match="another atm-switch serves"):
        lock_folder(tmp_path)
    give_back()

    lock_folder(tmp_path)()


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
