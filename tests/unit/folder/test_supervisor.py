"""How long the supervisor lets its processes end, and what speaks against its health."""

import asyncio
import errno
import io
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from atm_switch.adapters.clock import read_clock
from atm_switch.adapters.service_manager import ServiceManager
from atm_switch.child import NO_ROOM, NOT_UP
from atm_switch.domain.instant import Instant
from atm_switch.folder import open_folder
from atm_switch.server.admin_socket import FILE_NAME, ask_switch
from atm_switch.server.log import Logger, make_logger
from atm_switch.supervisor import WELL_SECONDS, Supervisor
from tests.doubles.machines import set_in
from tests.doubles.served import make_folder, own_profile
from tests.doubles.waiting import becomes
from tests.doubles.workers import with_workers

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


def looks_at_the_clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Have a list grow with what each look says that compares with how long processes may take."""
    looks: list[float] = []

    def looking() -> Instant:
        now = read_clock()
        looks.append(now.monotonic)
        return now

    monkeypatch.setattr("atm_switch.endings.read_clock", looking)
    return looks


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
                looks = looks_at_the_clock(sooner)
                supervisor.stop()
                await becomes(lambda: len(looks) > 1 and looks[-1] > looks[0] + 0.2)
        finally:
            os.kill(pid, signal.SIGCONT)
        code = await running

    assert 0 == code
    assert "process killed" not in said.getvalue()


async def told_of(folder: Path) -> dict[str, Any]:
    """Ask how the switch is."""
    return await asyncio.to_thread(ask_switch, folder / FILE_NAME, "status")


async def no_room(*_args: object) -> None:
    """Start no process."""
    raise OSError(errno.ENOMEM, os.strerror(errno.ENOMEM))


async def test_worker_that_waits_for_room_says_nothing_against_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    One of two workers dies and there is no memory to start it with: the watchdog is fed for the
    other one, the status says what the missing one waits for, and with room it is there again.
    With neither of them nothing is well.
    """
    monkeypatch.setattr("atm_switch.supervisor.AGAIN_SECONDS_MAX", 1.0)
    folder, said = make_folder(tmp_path), io.StringIO()
    with_workers(folder, 2)
    async with supervising(folder, make_logger("json", "info", said)) as (supervisor, _running):
        await becomes(supervisor.is_well)
        pids = (await told_of(folder))["processes"]
        with monkeypatch.context() as without_room:
            without_room.setattr("atm_switch.supervisor.spawned", no_room)
            os.kill(pids["worker 1"], signal.SIGKILL)
            await becomes(lambda: "process not started" in said.getvalue())
            until, well = read_clock().monotonic + WELL_SECONDS + 1, []
            while read_clock().monotonic < until:
                well.append(supervisor.is_well())
                await asyncio.sleep(0.1)
            checks = (await told_of(folder))["checks"]
            os.kill(pids["worker 2"], signal.SIGKILL)
            await becomes(lambda: said.getvalue().count("process not started") == 2)
            is_well_without_any = supervisor.is_well()
        while set((again := (await told_of(folder))["checks"]).values()) != {"ok"}:
            await asyncio.sleep(0.1)

    assert {True} == set(well)
    assert NO_ROOM == checks["worker 1"]
    assert not is_well_without_any
    assert {"ok"} == set(again.values())


async def test_worker_that_does_not_come_up_says_nothing_against_the_others(tmp_path: Path) -> None:
    """
    One of two workers dies while its profile cannot be read: it is tried again behind pauses,
    the watchdog is fed for the other one, the status says what is missing, and when the profile
    can be read it is there again.
    """
    folder, said = make_folder(tmp_path), io.StringIO()
    profile = own_profile(folder)
    text = profile.read_text()
    with_workers(folder, 2)
    async with supervising(folder, make_logger("json", "info", said)) as (supervisor, _running):
        await becomes(supervisor.is_well)
        profile.write_text("[")
        os.kill((await told_of(folder))["processes"]["worker 1"], signal.SIGKILL)
        await becomes(lambda: said.getvalue().count('"code": 78') >= 3)
        was_well, checks = supervisor.is_well(), (await told_of(folder))["checks"]
        profile.write_text(text)
        while set((again := (await told_of(folder))["checks"]).values()) != {"ok"}:
            await asyncio.sleep(0.1)

    assert was_well
    assert NOT_UP == checks["worker 1"]
    assert {"ok"} == set(again.values())
