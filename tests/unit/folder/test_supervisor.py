"""How long the supervisor lets its processes end: by the settings of the whole run."""

import asyncio
import io
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from atm_switch.adapters.service_manager import ServiceManager
from atm_switch.folder import open_folder
from atm_switch.server.admin_socket import FILE_NAME, ask_switch
from atm_switch.server.log import Logger, make_logger
from atm_switch.supervisor import Supervisor
from tests.doubles.machines import set_in
from tests.doubles.served import make_folder
from tests.doubles.workers import with_workers
from tests.unit.folder.test_writer_apart import becomes

DRAIN = 600


@asynccontextmanager
async def supervising(
    folder: Path, log: Logger
) -> AsyncIterator[tuple[Supervisor, asyncio.Task[int]]]:
    """Supervise the folder's processes from this one for a block, once all are up."""
    supervisor, is_up = Supervisor(open_folder(folder), log, ServiceManager()), asyncio.Event()
    running = asyncio.create_task(supervisor.run(lambda _listening, _dialled: is_up.set()))
    running.add_done_callback(lambda _ended: is_up.set())
    await is_up.wait()
    try:
        yield supervisor, running
    finally:
        if not running.done():
            supervisor.stop()
        await running


async def read_anew(folder: Path, log: Logger, level: str, drain: int) -> None:
    """Have the supervisor, this process, read settings with another drain, and wait for that."""
    set_in(folder, "limits", drain_seconds_max=drain)
    set_in(folder, "log", level=level)
    os.kill(os.getpid(), signal.SIGHUP)
    await becomes(lambda: log.level == level)


async def test_longest_drain_that_was_read_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    SIGHUP gives a drain ten minutes, the next takes them back; a worker that may have heard of
    the first only is not taken to hang before those are over.
    """
    folder, said = make_folder(tmp_path), io.StringIO()
    set_in(folder, "limits", drain_seconds_max=0)
    with_workers(folder, 2)
    log = make_logger("json", "info", said)
    async with supervising(folder, log) as (supervisor, running):
        told = await asyncio.to_thread(ask_switch, folder / FILE_NAME, "status")
        pid = told["processes"]["worker 1"]
        os.kill(pid, signal.SIGSTOP)
        try:
            await read_anew(folder, log, "warning", DRAIN)
            await read_anew(folder, log, "error", 0)
            with monkeypatch.context() as sooner:
                sooner.setattr("atm_switch.supervisor.ENDING_SECONDS_MAX", 0.1)
                supervisor.stop()
                await asyncio.sleep(1)  # in the supervisor's own loop: it has looked many times
        finally:
            os.kill(pid, signal.SIGCONT)
        code = await running

    assert 0 == code
    assert "process killed" not in said.getvalue()
