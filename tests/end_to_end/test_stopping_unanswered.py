"""SIGTERM amid a request whose row the journal cannot write in the time of the drain.

The terminal hears 96 before the switch hangs up, and the journal counts what it heard: a row
that is written all the same, behind the stop, is noted as one that nobody was told.
"""

import json
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from atm_switch.adapters.journal_place import open_pages
from atm_switch.folder import open_folder
from tests.doubles.machines import set_in
from tests.doubles.served import SECONDS, Served, make_folder, run, serve
from tests.doubles.stalled import asks, locked, under_way
from tests.doubles.talk import HungUp, Talk
from tests.doubles.workers import with_workers
from tests.end_to_end.test_stopping import TRIES

DRAIN_SECONDS = 2


def made(root: Path, writer: str, workers: int = 1, drain: int = DRAIN_SECONDS) -> Path:
    """Make a bank whose host verifies its PINs."""
    folder = make_folder(root, "--pin", "acquirer")
    if workers > 1:
        with_workers(folder, workers)
    else:
        set_in(folder, "journal", writer=writer)
    set_in(folder, "limits", drain_seconds_max=drain)
    return folder


def told_in_drain(served: Served, talk: Talk) -> bool:
    """Say SIGTERM; 96 comes.  Return whether it came within the drain."""
    began = time.monotonic()
    served.process.send_signal(signal.SIGTERM)
    assert "96" == talk.packager.unpack(talk.hear())[39]
    return time.monotonic() - began < DRAIN_SECONDS


def in_time(root: Path, writer: str, workers: int, stop: Callable[[Path], bool]) -> Path | None:
    """Stop a switch, another one where 96 came too late: then it may be others' load.

    A switch that is too late is so each time.  Return the folder of one that was not.
    """
    for at in map(str, range(TRIES)):
        (root / at).mkdir()
        folder = made(root / at, writer, workers)
        if stop(folder):
            return folder
    return None


def report_of(folder: Path) -> dict[str, object]:
    """Return how many inquiries of the one's day were answered, noted as untold, in doubt."""
    with open_pages(open_folder(folder).journal_place) as pages:
        (told,) = pages.tail(10)[0]
    day = told.row.business_date
    done = run("journal", "report", folder, "--acquirer", "009", "--json", "--date", day)
    assert 0 == done.returncode, done.stderr
    found = json.loads(done.stdout)
    return {name: found[name] for name in ("answered", "untold", "in_doubt")}


LATE = {
    "answered": 0,
    "untold": [{"why": "late", "response_code": "00", "count": 1}],
    "in_doubt": 0,
}


@pytest.mark.parametrize(("writer", "workers"), [("thread", 1), ("process", 1), ("process", 2)])
def test_locked_journal_is_told_before_the_switch_hangs_up(
    tmp_path: Path, writer: str, workers: int
) -> None:
    """96 comes within the drain; the row that is written behind it is noted as told to nobody."""

    def stop(folder: Path) -> bool:
        with serve(folder) as served:
            with Talk.of(served.port, folder) as talk:
                with locked(folder):
                    asks(folder, talk)
                    was_in_time = told_in_drain(served, talk)
                with pytest.raises(HungUp):
                    talk.hear()
            assert 0 == served.process.wait(SECONDS)
        return was_in_time

    folder = in_time(tmp_path, writer, workers, stop)

    assert folder is not None
    assert LATE == report_of(folder)


def test_row_of_a_writer_that_stood_still_through_the_stop_is_noted(tmp_path: Path) -> None:
    """The note is on its way before the switch ends, behind the row, and survives a start."""

    def stop(folder: Path) -> bool:
        with serve(folder) as served:
            with under_way(folder, served) as talk:
                was_in_time = told_in_drain(served, talk)
                served.wait_for('"event": "stopped"')
            assert 0 == served.process.wait(SECONDS)
        return was_in_time

    folder = in_time(tmp_path, "process", 1, stop)
    assert folder is not None
    after_the_stop = report_of(folder)
    with serve(folder):
        pass

    assert LATE == after_the_stop == report_of(folder)


@pytest.mark.parametrize("workers", [1, 2])
def test_stop_at_once_is_noted_as_well(tmp_path: Path, workers: int) -> None:
    """A second SIGTERM hangs up without an answer; the row written behind it counts as not sent."""
    folder = made(tmp_path, "process", workers, drain=600)
    with serve(folder) as served:
        with under_way(folder, served) as talk:
            served.process.send_signal(signal.SIGTERM)
            served.wait_for('"event": "stopping"')
            served.process.send_signal(signal.SIGTERM)
            with pytest.raises(HungUp):
                talk.hear()
            if workers > 1:  # whose processes say so before the writer has ended
                served.wait_for("requests under way were not answered: 1")
        code = served.process.wait(SECONDS)

    noted = {"why": "not_sent", "response_code": "00", "count": 1}
    assert 1 == code
    assert {"answered": 0, "untold": [noted], "in_doubt": 0} == report_of(folder)
