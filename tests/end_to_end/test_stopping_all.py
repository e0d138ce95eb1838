"""SIGTERM to every process of a switch at once, as systemd and a terminal send theirs."""

import asyncio
import os
import signal
import time
from contextlib import suppress
from pathlib import Path

import pytest

from atm_switch.adapters.journal_reader import JournalReader
from atm_switch.server.admin_socket import FILE_NAME, ask_switch
from tests.chaos.honest import Script
from tests.chaos.plant import Plant, running, set_up
from tests.chaos.stopped_under_load import load_and_stop
from tests.doubles.machines import set_in
from tests.doubles.processes import family, processes_of
from tests.doubles.served import SECONDS, make_folder, run, serve
from tests.doubles.talk import HungUp, Talk
from tests.doubles.workers import wait_for, with_workers
from tests.end_to_end.test_stopping import held_up

AT_ONCE = "stopped at once: requests under way were not answered: 1"
IN_SEVERAL = pytest.mark.parametrize("workers", [1, 2])


def set_processes(folder: Path, workers: int) -> None:
    """Have so many workers, and a process beside them that writes the journal."""
    if workers > 1:
        with_workers(folder, workers)
    else:
        set_in(folder, "journal", writer="process")


def signal_all(processes: list[int], number: signal.Signals) -> None:
    """Send it to each that is there."""
    for pid in processes:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def is_pending(pid: int, number: signal.Signals) -> bool:
    """Tell whether a process has yet to take a signal that was sent to all of it."""
    with suppress(FileNotFoundError, ProcessLookupError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("ShdPnd:"):
                return bool(int(line.split()[1], 16) >> number - 1 & 1)
    return False


@IN_SEVERAL
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_to_all_processes_is_one_stop(
    tmp_path: Path, workers: int, number: signal.Signals
) -> None:
    """What is under way is answered, and the exit code is 0: the processes were told once."""
    folder = make_folder(tmp_path, "--pin", "acquirer")
    set_in(folder, "limits", drain_seconds_max=60)
    set_processes(folder, workers)
    with serve(folder) as served:
        processes = family(served.process.pid)
        with Talk.of(served.port, folder) as talk:
            with held_up(folder, talk):
                signal_all(processes, number)
                served.wait_for('"in_flight": 1')
                wait_for(lambda: not any(is_pending(pid, number) for pid in processes))
                for _ in range(2):  # each process that answers has heard, too, what came before
                    ask_switch(folder / FILE_NAME, "status", SECONDS)
                time.sleep(0.2)  # a worker that took it for a second stop would be gone
            answer = talk.packager.unpack(talk.hear())
        code = served.process.wait(SECONDS)
        told = served.log.read_text()

    assert {1: 2, 2: 4}[workers] == len(processes)
    assert ("0210", "00", 0) == (answer.mti, answer[39], code)
    assert ("stopped at once" in told, "process killed" in told) == (False, False)
    assert [] == [pid for pid in processes if Path(f"/proc/{pid}").exists()]


@IN_SEVERAL
def test_all_that_was_accepted_is_answered(tmp_path: Path, workers: int) -> None:
    """Under load, too; what has a row in the journal was told its answer."""
    plant = set_up(tmp_path, "--pin", "acquirer", is_patient=True)
    set_processes(plant.folder, workers)
    with running(plant):
        answered, _ = asyncio.run(load_and_stop(plant, Script(plant.folder), Plant.stop_all))
        code = plant.process.returncode if plant.process else None
    with JournalReader(plant.folder / "journal.db") as reader:
        accepted = {row.rrn for row in reader.follow(0, 1_000_000)}
        in_doubt = reader.in_doubt()

    assert (0, 0, ()) == (code, plant.mistakes, in_doubt)
    assert accepted
    assert set() == accepted - answered


def test_worker_that_is_signalled_alone_finishes_and_is_started_again(tmp_path: Path) -> None:
    """What it has under way is answered, and the others go on."""
    folder = make_folder(tmp_path, "--pin", "acquirer")
    with_workers(folder, 2)
    with serve(folder) as served:
        before = processes_of(served.process.pid)
        workers = [name for name in before if name.startswith("worker")]
        with Talk.of(served.port, folder) as talk:
            with held_up(folder, talk):
                signal_all([before[name] for name in workers], signal.SIGTERM)
                served.wait_for('"in_flight": 1')
            answer = talk.packager.unpack(talk.hear())

        def is_whole() -> bool:
            now = processes_of(served.process.pid)
            return now.keys() == before.keys() and all(now[one] != before[one] for one in workers)

        wait_for(is_whole)
        others = processes_of(served.process.pid)

    assert 2 == len(workers)
    assert ("0210", "00") == (answer.mti, answer[39])
    assert [before[name] for name in before if name not in workers] == [
        others[name] for name in before if name not in workers
    ]


def test_worker_whose_supervisor_is_gone_heeds_signals(tmp_path: Path) -> None:
    """It drains, for ten minutes if it may, and the second signal ends that."""
    folder = make_folder(tmp_path, "--pin", "acquirer")
    set_in(folder, "limits", drain_seconds_max=600)
    with_workers(folder, 2)
    with serve(folder) as served:
        supervisor, *others = family(served.process.pid)
        with Talk.of(served.port, folder) as talk, held_up(folder, talk):
            os.kill(supervisor, signal.SIGKILL)
            served.process.wait(SECONDS)
            served.wait_for('"in_flight": 1')

            def is_told() -> bool:
                signal_all(others, signal.SIGTERM)  # of two at once the kernel may keep one
                return AT_ONCE in served.log.read_text()

            wait_for(is_told)
            with pytest.raises(HungUp):
                talk.hear()
        wait_for(lambda: not any(Path(f"/proc/{pid}").exists() for pid in others))
    assert 0 == run("journal", "verify", folder).returncode


def test_worker_that_is_killed_amid_a_stop_is_no_clean_stop(tmp_path: Path) -> None:
    """Its requests had no answer: the exit code is 1."""
    folder = make_folder(tmp_path, "--pin", "acquirer")
    with_workers(folder, 2)
    with serve(folder) as served:
        _, *others = family(served.process.pid)
        with Talk.of(served.port, folder) as talk, held_up(folder, talk):
            served.process.send_signal(signal.SIGTERM)
            served.wait_for('"in_flight": 1')
            signal_all(sorted(others, reverse=True), signal.SIGKILL)  # the writer, begun first
            with pytest.raises(HungUp):
                talk.hear()
        code = served.process.wait(SECONDS)

    assert 1 == code
