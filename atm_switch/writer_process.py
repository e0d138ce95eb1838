"""The process that writes the journal's file, for all workers or beside a switch of one.

It ends when whoever started it closes its end of their socket and all that was sent is
written - no signal does that, for systemd sends one to all processes at once and what is under
way is still to be written - or by itself, where the disk fails under it.
"""

import asyncio
import os
import signal

from atm_switch.adapters.clock import read_clock, utc_now
from atm_switch.adapters.folder_lock import lock_writing
from atm_switch.adapters.journal_server import JournalServer, Token
from atm_switch.adapters.journal_wire import SOCKET_NAME
from atm_switch.adapters.journal_writer import JournalWriter
from atm_switch.seat import LOST, Seat
from atm_switch.settling import Ended, Settling, tell_of_doubts
from atm_switch.writer_orders import WriterOrders

LOOK_SECONDS = 0.05
WAIT_SECONDS_MAX = 30.0
"""How long workers may take to finish once whoever started them is gone."""


async def write_for_all(orders: WriterOrders, seat: Seat, gone: asyncio.Event) -> int:
    """Write until whoever started this is ``gone``, and so is every worker.

    Returns the exit code: not 0 where the journal cannot go on.  Raises ``Refused``.
    """
    log = orders.logger()
    writer: JournalWriter[Token] = JournalWriter(
        orders.journal, orders.vault(), utc_now, os.urandom, orders.queue_max, orders.batch_max,
        is_shared=seat.count > 1,
    )  # fmt: skip
    server = JournalServer(orders.root / SOCKET_NAME, writer)

    def ended_doubts(ended: Ended) -> None:
        tell_of_doubts(log, ended)
        seat.tell_doubts(ended)

    def take_level(level: str) -> None:
        if level != log.level:
            log.level = level
            log.info("log level changed", least=level)

    seat.leveled = take_level
    settling = Settling(server.ask, ended_doubts, lambda: read_clock().monotonic)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, lambda: None)
    let_go = await lock_writing(orders.root)
    try:
        server.start()
        # Before the first worker; where some are at work they may still end what is there.
        await settling.start(is_alone=seat.is_fresh)
        await server.open()
        seat.tell_ready()
        await _over(writer, gone)
        server.shut()  # at once: a switch that starts anew is not to come here
        deadline = loop.time() + WAIT_SECONDS_MAX
        while server.workers and not writer.has_failed and loop.time() < deadline:
            await asyncio.sleep(LOOK_SECONDS)
    finally:
        settling.stop()
        server.close()
        let_go()
    if writer.has_failed:
        log.error("journal lost", does="ends and waits to be started again")
    return LOST if writer.has_failed else 0


async def _over(writer: JournalWriter[Token], gone: asyncio.Event) -> None:
    """Return when ``gone`` is set, or soon after the writer has failed.

    Why a bare timer looks: a task for each look took a tenth of a millisecond more of CPU.
    """
    loop = asyncio.get_running_loop()
    left = loop.create_task(gone.wait())
    timer: asyncio.TimerHandle

    def look() -> None:
        nonlocal timer
        if writer.has_failed:
            left.cancel()
        else:
            timer = loop.call_later(LOOK_SECONDS, look)

    timer = loop.call_later(LOOK_SECONDS, look)
    try:
        await asyncio.wait([left])
    finally:
        timer.cancel()
        left.cancel()
