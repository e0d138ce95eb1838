"""Claims about what systemd hears, on a datagram socket as systemd's."""

import asyncio
import os
import resource
import signal
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from atm_switch.adapters.service_manager import UNTOLD_MAX, ServiceManager
from tests.doubles.machines import set_in
from tests.doubles.served import SECONDS, make_folder, serve
from tests.doubles.workers import Workers, wait_for, with_workers


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[socket.socket]:
    """The manager's end."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as wire:
        wire.bind(str(tmp_path / "notify"))
        wire.settimeout(SECONDS)
        yield wire


def heard(wire: socket.socket) -> str:
    """Wait for the next datagram."""
    return wire.recv(4096).decode()


def heard_but_watchdog(wire: socket.socket) -> str:
    """Wait for the next datagram that is no feeding."""
    while (state := heard(wire)) == "WATCHDOG=1":
        continue
    return state


def drain(wire: socket.socket) -> None:
    """Take what waits, without waiting."""
    with suppress(BlockingIOError):
        while True:
            assert "WATCHDOG=1" == heard(wire)


def test_states_are_said_as_systemd_reads_them(systemd: socket.socket) -> None:
    """Ready, reloading with its time, stopping: a datagram each."""
    manager = ServiceManager(systemd.getsockname())

    manager.ready()
    manager.reloading()
    manager.stopping(600.0)

    assert "READY=1" == heard(systemd)
    state, _, at = heard(systemd).partition("\n")
    assert "RELOADING=1" == state
    assert at.removeprefix("MONOTONIC_USEC=").isdecimal()
    assert "STOPPING=1\nEXTEND_TIMEOUT_USEC=630000000" == heard(systemd)


def test_switch_without_a_descriptor_left_is_not_silent(systemd: socket.socket) -> None:
    """What is told needs none of its own: the watchdog would end a switch that serves."""
    manager = ServiceManager(systemd.getsockname())
    manager.ready()
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, limits[1]))
    try:
        manager.reloading()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
        manager.close()

    assert "READY=1" == heard(systemd)
    assert heard(systemd).startswith("RELOADING=1")


def fill(wire: socket.socket) -> int:
    """Say so much that no more is taken, as where systemd is busy; return how much that was."""
    said = 0
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other, suppress(BlockingIOError):
        other.setblocking(False)  # noqa: FBT003 - the standard library's signature
        while True:
            other.sendto(b"SOMEBODY=1", wire.getsockname())
            said += 1
    return said


async def test_busy_manager_hears_it_later(systemd: socket.socket) -> None:
    """Each state in its order, and the socket let go behind the last; a late feeding is none."""
    manager = ServiceManager(systemd.getsockname(), watchdog_seconds=SECONDS)
    said = fill(systemd)
    manager.watch(lambda: True)
    manager.ready()
    manager.watch(lambda: True)
    manager.stopping(600.0)

    for _ in range(said):
        assert "SOMEBODY=1" == heard(systemd)
    assert "READY=1" == await asyncio.to_thread(heard, systemd)
    assert "STOPPING=1\nEXTEND_TIMEOUT_USEC=630000000" == await asyncio.to_thread(heard, systemd)
    assert manager._wire is None


def test_busy_manager_hears_without_a_loop_what_is_told_with_the_next(
    systemd: socket.socket,
) -> None:
    """As of a start that brings files up to date, which speaks from a thread; the latest alone."""
    manager = ServiceManager(systemd.getsockname())
    said = fill(systemd)
    for seconds in range(2 * UNTOLD_MAX):
        manager.starting(seconds)

    for _ in range(said):
        assert "SOMEBODY=1" == heard(systemd)
    manager.ready()

    told = [heard(systemd) for _ in range(UNTOLD_MAX)]
    assert ["EXTEND_TIMEOUT_USEC=15000000", "READY=1"] == told[-2:]
    manager.close()


def test_abstract_socket_is_found() -> None:
    """A name with @ is of the abstract kind."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as wire:
        name = f"atm-switch-test-{os.getpid()}"
        wire.bind("\0" + name)
        wire.settimeout(SECONDS)

        manager = ServiceManager("@" + name)
        manager.ready()
        manager.close()

        assert "READY=1" == heard(wire)


def test_nobody_listening_is_no_trouble(tmp_path: Path) -> None:
    """Without a socket, or with one that is gone, nothing happens."""
    ServiceManager().ready()
    manager = ServiceManager(str(tmp_path / "gone"))
    manager.ready()
    manager.close()


@pytest.mark.parametrize(
    ("environment", "seconds"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "30000000"}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
    ],
)
def test_watchdog_of_another_process_is_not_ours(
    environment: dict[str, str], seconds: float | None
) -> None:
    """The time is taken where it is a time, and meant for this process."""
    assert seconds == ServiceManager.of(environment)._watchdog_seconds


async def test_watchdog_is_fed_only_while_all_is_well(systemd: socket.socket) -> None:
    """No datagram while the journal does not commit, and one again when it does."""
    manager, asked, is_well = ServiceManager(systemd.getsockname(), 0.02), 0, True

    def well() -> bool:
        nonlocal asked
        asked += 1
        return is_well

    async def until_asked(times: int) -> None:
        async with asyncio.timeout(SECONDS):
            while asked < times:
                await asyncio.sleep(0.005)

    manager.watch(well)
    await until_asked(2)
    is_well = False
    systemd.setblocking(False)  # noqa: FBT003
    await until_asked(asked + 1)
    drain(systemd)
    await until_asked(asked + 3)
    with pytest.raises(BlockingIOError):
        heard(systemd)
    is_well = True
    await until_asked(asked + 1)
    assert "WATCHDOG=1" == heard(systemd)
    manager.stopping(0.0)


def test_served_switch_tells_its_life(
    systemd: socket.socket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``serve`` is ready once it listens, says that it reloads, is alive, and stops."""
    folder = make_folder(tmp_path)
    monkeypatch.setenv("NOTIFY_SOCKET", systemd.getsockname())
    monkeypatch.setenv("WATCHDOG_USEC", "800000")  # a socket holds but ten datagrams
    with serve(folder) as served:
        assert "READY=1" == heard(systemd)
        assert "WATCHDOG=1" == heard(systemd) == heard(systemd)
        set_in(folder, "limits", drain_seconds_max=600)  # the stop asks for what counts by then
        served.process.send_signal(signal.SIGHUP)
        assert heard_but_watchdog(systemd).startswith("RELOADING=1\nMONOTONIC_USEC=")
        assert "READY=1" == heard_but_watchdog(systemd)
        served.process.send_signal(signal.SIGTERM)
        assert "STOPPING=1\nEXTEND_TIMEOUT_USEC=630000000" == heard_but_watchdog(systemd)
        assert 0 == served.process.wait(SECONDS)


def test_supervisor_speaks_for_all_its_workers(
    systemd: socket.socket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Ready when all are; a reload is over when every worker's is; the watchdog starves while
    one worker hangs, and is fed again when it goes on.
    """
    folder = make_folder(tmp_path)
    with_workers(folder, 2)
    monkeypatch.setenv("NOTIFY_SOCKET", systemd.getsockname())
    monkeypatch.setenv("WATCHDOG_USEC", "400000")
    with serve(folder) as served:
        assert "READY=1" == heard_but_watchdog(systemd)
        set_in(folder, "limits", drain_seconds_max=600)
        served.process.send_signal(signal.SIGHUP)
        assert heard_but_watchdog(systemd).startswith("RELOADING=1\n")
        assert "READY=1" == heard_but_watchdog(systemd)
        for worker in (1, 2):  # each has a log of its own, written behind its back
            served.wait_for(f'{{"worker": {worker}, "event": "settings reloaded"')

        hanging = Workers(folder, served).told()["processes"]["worker 2"]
        os.kill(hanging, signal.SIGSTOP)
        try:
            until_starved(systemd)
        finally:
            os.kill(hanging, signal.SIGCONT)
        systemd.settimeout(SECONDS)
        assert "WATCHDOG=1" == heard(systemd)
        served.process.send_signal(signal.SIGTERM)
        assert "STOPPING=1\nEXTEND_TIMEOUT_USEC=630000000" == heard_but_watchdog(systemd)
        assert 0 == served.process.wait(SECONDS)


def test_watchdog_starves_while_nobody_asks_and_the_journal_cannot_commit(
    systemd: socket.socket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its writer hangs on a night without traffic: that is found out, and told by the status."""
    folder = make_folder(tmp_path)
    set_in(folder, "journal", writer="process")
    monkeypatch.setenv("NOTIFY_SOCKET", systemd.getsockname())
    monkeypatch.setenv("WATCHDOG_USEC", "400000")
    with serve(folder) as served:
        assert "READY=1" == heard_but_watchdog(systemd)
        writer = Workers(folder, served).told()["processes"]["journal writer"]
        os.kill(writer, signal.SIGSTOP)
        try:
            # First: a switch that stands still for two seconds itself feeds nobody, either.
            wait_for(lambda: is_silent(Workers(folder, served)))
            until_starved(systemd)
        finally:
            os.kill(writer, signal.SIGCONT)
        systemd.settimeout(SECONDS)
        assert "WATCHDOG=1" == heard(systemd)


def is_silent(switch: Workers) -> bool:
    """Tell whether the status says that the journal has not answered for too long."""
    return str(switch.told()["checks"]["journal"]).startswith("has not answered for")


def until_starved(wire: socket.socket) -> None:
    """Wait until nothing has come for twenty times as long as between two feedings."""
    wire.settimeout(2.0)
    for _ in range(int(SECONDS / 0.1)):
        try:
            assert "WATCHDOG=1" == heard(wire)
        except TimeoutError:
            return
    pytest.fail("the watchdog is fed though what it watches hangs")
