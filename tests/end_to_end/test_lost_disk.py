"""A sync that fails in a real process: nothing is approved, it ends, the next start goes on."""

import shutil
import signal
import time
from contextlib import suppress
from pathlib import Path

import pytest

from atm_switch.adapters.journal_reader import JournalReader
from atm_switch.seat import LOST
from atm_switch.writer_apart import ENDING_SECONDS_MAX
from tests.chaos.disk_full import failing_syncs
from tests.chaos.plant import Plant, running, set_up
from tests.doubles.machines import set_in
from tests.doubles.served import SECONDS, make_folder, run, serve
from tests.doubles.stalled import asks, locked, under_way
from tests.doubles.talk import HungUp, Talk, inquiry
from tests.doubles.workers import with_workers

CARD, PIN = "9990090000000012", "123456"
pytestmark = pytest.mark.skipif(shutil.which("gcc") is None, reason="no C compiler")


@pytest.fixture
def plant(tmp_path: Path) -> Plant:
    """Make a switch whose syncs fail once there is a certain file."""
    plant = set_up(tmp_path, is_patient=True)
    plant.environment, _ = failing_syncs(tmp_path)
    return plant


def asked(talk: Talk, number: int) -> str:
    """Ask for a balance; return DE39."""
    return talk.ask(inquiry(number, {2: CARD, 52: talk.pin_block(PIN, CARD)}))[39]


def is_answered(plant: Plant, number: int) -> bool:
    """Tell whether a fresh inquiry on a fresh link gets 00."""
    try:
        with Talk.of(plant.port, plant.folder) as talk:
            return asked(talk, number) == "00"
    except (HungUp, AssertionError):
        return False


def told_until_hung_up(talk: Talk) -> list[str]:
    """Hear what comes until the end; return each DE39."""
    codes = []
    with suppress(HungUp):
        while True:
            codes.append(talk.packager.unpack(talk.hear())[39])
    return codes


@pytest.mark.parametrize(("writer", "workers"), [("thread", 1), ("process", 1), ("process", 2)])
def test_failed_sync_ends_the_switch_and_a_start_goes_on(
    plant: Plant, tmp_path: Path, writer: str, workers: int
) -> None:
    """
    What is under way is 96, the exit code is 74 and the log says why; what was answered
    before is on disk, and the switch that is started again answers.
    """
    set_in(plant.folder, "journal", writer=writer)
    if workers > 1:
        with_workers(plant.folder, workers)
    with running(plant):
        with Talk.of(plant.port, plant.folder) as talk:
            good = asked(talk, 1)
            (tmp_path / "fails").touch()
            bad = asked(talk, 2)
        assert plant.process is not None
        began = time.monotonic()
        code = plant.process.wait(90)
        took = time.monotonic() - began
    (tmp_path / "fails").unlink()
    with running(plant):
        again = is_answered(plant, 3)

    assert ("00", "96", LOST, True) == (good, bad, code, again)
    assert took < ENDING_SECONDS_MAX  # nobody waits there for what hangs
    assert 1 == plant.logged('"event": "journal lost"')
    verified = run("journal", "verify", plant.folder)
    assert 0 == verified.returncode, verified.stdout + verified.stderr
    with JournalReader(plant.folder / "journal.db") as reader:
        kept = {row.stan for row in reader.tail(100) if row.response_code == "00"}
    assert {"000001", "000003"} == kept


@pytest.mark.parametrize("writer", ["thread", "process"])
def test_sync_that_fails_only_behind_a_stop_is_the_exit_code(tmp_path: Path, writer: str) -> None:
    """All was answered 96 by then; that nobody knows what the disk holds is said all the same."""
    folder = make_folder(tmp_path, "--pin", "acquirer")
    set_in(folder, "journal", writer=writer)
    set_in(folder, "limits", drain_seconds_max=2)
    environment, fails = failing_syncs(tmp_path)
    with serve(folder, environment=environment) as served:
        if writer == "process":
            with under_way(folder, served) as talk:
                served.process.send_signal(signal.SIGTERM)
                served.wait_for('"event": "stopped"')
                told = told_until_hung_up(talk)
                fails.touch()
        else:
            with Talk.of(served.port, folder) as talk, locked(folder):
                asks(folder, talk)
                served.process.send_signal(signal.SIGTERM)
                told = told_until_hung_up(talk)
                fails.touch()
        code = served.process.wait(SECONDS)

    assert (["96"], LOST) == (told, code)
    assert 1 == served.log.read_text().count('"event": "journal lost"')
