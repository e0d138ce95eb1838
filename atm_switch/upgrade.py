"""The files of a data folder brought to this release's schema, before its switch starts.

Why: of a large journal that takes longer than a process waits for a lock, or for another to be
ready.  So whoever starts the others does it, before there are any, and they find it done.
Plan: under the folder's lock and the writer's, so that no switch is at work with them.  systemd
is asked for more time for as long as it lasts, whatever SQLite is about.
Failures: a signal ends the process where it stands.  A migration is one transaction, so the file
is as it was before; the next start begins that migration anew.
"""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from atm_switch.adapters.clock import read_clock
from atm_switch.adapters.file_copy import schema_of
from atm_switch.adapters.folder_lock import lock_folder, lock_writing
from atm_switch.adapters.schema import is_outdated, migrations_of, open_writer
from atm_switch.adapters.service_manager import ServiceManager
from atm_switch.folder import DataFolder
from atm_switch.server.log import Logger

MORE_SECONDS: Final = 60.0
"""What systemd is asked for at a time."""
AGAIN_SECONDS: Final = 10.0
"""Between two times it is asked."""


async def bring_up_to_date(folder: DataFolder, log: Logger, manager: ServiceManager) -> None:
    """Apply the migrations that the folder's files lack.  Raises ``Refused``.

    To be awaited where no other work waits in the loop: it stands still meanwhile.
    """
    release = lock_folder(folder.root)
    try:
        let_go = await lock_writing(folder.root)  # of a switch that was killed
        try:
            with _signals_end_it(), _given_time(manager):
                for path, family in folder.databases:
                    if is_outdated(path, family):
                        _bring(path, family, log)
        finally:
            let_go()
    finally:
        release()


def _bring(path: Path, family: str, log: Logger) -> None:
    newest, began = migrations_of(family)[-1][0], read_clock().monotonic
    log.info("bringing up to date", file=path.name, schema=schema_of(path), wanted=newest)
    open_writer(path, family, migrates=True).close()
    seconds = round(read_clock().monotonic - began, 3)
    log.info("brought up to date", file=path.name, schema=newest, seconds=seconds)


@contextmanager
def _signals_end_it() -> Iterator[None]:
    """Have Ctrl-C end the process at once: SQLite would not let it be heard.  SIGTERM does so."""
    before = signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def _given_time(manager: ServiceManager) -> Iterator[None]:
    is_over = threading.Event()

    def ask() -> None:
        while True:
            manager.starting(MORE_SECONDS)
            if is_over.wait(AGAIN_SECONDS):
                return

    thread = threading.Thread(target=ask, name="given-time", daemon=True)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()
        manager.starting(MORE_SECONDS)  # for what is still to be started
        manager.close()
