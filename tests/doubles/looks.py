"""What is looked at again and again, seen: who waits for something is known to have waited."""

from collections.abc import Callable
from pathlib import Path

import pytest

from atm_switch.adapters import folder_lock
from atm_switch.adapters.folder_lock import WRITER_LOCK_FILE


def looks_at_the_writer(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Have a list grow with each look whether a writer is there still."""
    looks: list[Path] = []

    def looking(file: Path, *how: int) -> Callable[[], None] | None:
        if file.name == WRITER_LOCK_FILE:
            looks.append(file)
        return take(file, *how)

    take = folder_lock._taken
    monkeypatch.setattr(folder_lock, "_taken", looking)
    return looks
