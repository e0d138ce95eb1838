"""A reload of settings that leaves nothing behind."""

import gc
import io
import os
import weakref
from pathlib import Path

from atm_switch.adapters.clock import read_clock
from atm_switch.app import Service
from atm_switch.folder import open_folder
from atm_switch.founding import Wishes, init
from atm_switch.server.log import make_logger


class Circle:
    """Something that holds itself."""

    def __init__(self) -> None:
        """Close it."""
        self.own = self


async def test_reload_looks_through_what_has_heaped_up(tmp_path: Path) -> None:
    """Nobody else looks: what went with the settings of before is gone behind it."""
    folder = init(tmp_path / "bank", Wishes(listen="127.0.0.1:0"), read_clock, os.urandom)
    settings = open_folder(folder.root)
    service = Service(settings, settings.vault(), make_logger("json", "info", io.StringIO()))
    threshold = gc.get_threshold()
    await service.start()
    try:
        gc.disable()
        left = weakref.ref(Circle())
        before = left() is not None
        digest = service.reload()
        after = left() is not None
    finally:
        gc.enable()
        await service.stop()
        gc.set_threshold(*threshold)
        gc.unfreeze()

    assert digest
    assert (True, False) == (before, after)
