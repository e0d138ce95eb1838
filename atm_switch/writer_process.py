"""The process that writes the journal's file for all workers of a folder."""

import asyncio
import os
import signal

from atm_switch.adapters.clock import read_clock, utc_now
from atm_switch.adapters.journal_server import JournalServer, Token
from atm_switch.adapters.journal_wire import SOCKET_NAME
from atm_switch.adapters.journal_writer import JournalWriter
from atm_switch.folder import DataFolder
from atm_switch.journaling import LOST
from atm_switch.seat import Seat
from atm_switch.security.vault import Vault
from atm_switch.server.log import Logger
from atm_switch.settling import Ended, Settling
from atm_switch.tidings import tell_of_doubts

LOOK_SECONDS = 0.05
WAIT_SECONDS_MAX = 30.0
"""How long workers may take to finish once the supervisor is gone."""


async def write_for_all(
    folder: DataFolder, vault: Vault, seat: Seat, log: Logger, gone: asyncio.Event
) -> int:
    """Write until SIGTERM, or until the supervisor is ``gone`` and so is every worker.

    Returns the exit code: not 0 where the journal cannot go on.
    """
    limits = folder.settings.journal
    writer: JournalWriter[Token] = JournalWriter(
        folder.journal, vault, utc_now, os.urandom, limits.queue_max, limits.batch_max,
        is_shared=True,
    )  # fmt: skip
    server = JournalServer(folder.root / SOCKET_NAME, writer)

    def ended_doubts(ended: Ended) -> None:
        tell_of_doubts(log, ended)
        seat.tell_doubts(ended)

    settling = Settling(server.ask, ended_doubts, lambda: read_clock().monotonic)
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    loop.add_signal_handler(signal.SIGINT, lambda: None)  # Ctrl-C is the supervisor's to hear
    loop.add_signal_handler(signal.SIGHUP, lambda: None)

    def is_over() -> bool:
        return stop.is_set() or writer.has_failed

    server.start()
    try:
        # Before the first worker; where some are at work they may still end what is there.
        await settling.start(is_alone=seat.is_fresh)
        await server.open()
        seat.tell_ready()
        while not (is_over() or gone.is_set()):
            await asyncio.sleep(LOOK_SECONDS)
        deadline = loop.time() + WAIT_SECONDS_MAX
        while server.workers and not is_over() and loop.time() < deadline:
            await asyncio.sleep(LOOK_SECONDS)
    finally:
        settling.stop()
        server.close()
    if writer.has_failed:
        log.error("journal lost", does="ends and waits to be started again")
    return LOST if writer.has_failed else 0
