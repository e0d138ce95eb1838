"""Claims about the lock: one switch a folder, given back however it ends."""

from pathlib import Path

import pytest

from atm_switch.adapters.folder_lock import lock_folder
from atm_switch.domain.errors import Refused


def test_folder_is_taken_once(tmp_path: Path) -> None:
    """A second taker is refused in a sentence; after release the folder is free."""
    give_back = lock_folder(tmp_path)

    with pytest.raises(Refused, match="another atm-switch serves"):
        lock_folder(tmp_path)
    give_back()

    lock_folder(tmp_path)()
