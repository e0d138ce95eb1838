"""How many deaths a switch of several processes bears: of each so many, and starts that fail."""

from datetime import datetime, timedelta
from pathlib import Path

from tests.doubles.machines import set_in
from tests.doubles.served import make_folder, own_profile
from tests.doubles.workers import (
    PIN,
    Workers,
    another,
    asked,
    has_ended,
    running,
    wait_for,
    with_workers,
)

NAMES = ("worker 1", "worker 2", "worker 3")


def test_deaths_of_several_are_not_those_of_one(tmp_path: Path) -> None:
    """
    Three workers die twice each within a minute, as where memory ran out: six deaths, and the
    switch is there with all of them.
    """
    folder = make_folder(tmp_path)
    with_workers(folder, len(NAMES))
    with running(folder) as switch:
        for name in NAMES * 2:
            gone = switch.kill(name)
            wait_for(lambda: another(switch, name, gone))  # noqa: B023
        switch.wait_until_all_answer()
        ended = has_ended(switch)

    assert not ended
    assert 6 == sum(code == -9 for _, code in deaths(switch))


def test_start_that_fails_is_tried_again_behind_a_pause(tmp_path: Path) -> None:
    """
    A worker dies while its profile cannot be read: its place is tried later and later, and it is
    there again once the profile is.
    """
    folder = make_folder(tmp_path)
    profile = own_profile(folder)
    text = profile.read_text()
    with_workers(folder, 2)
    with running(folder) as switch:
        profile.write_text("[")
        switch.kill("worker 1")
        wait_for(lambda: len(deaths(switch)) >= 4)
        profile.write_text(text)
        switch.wait_until_all_answer()
        ended = has_ended(switch)

    (_, killed), (one, _), (two, _), (three, _), *_ = told = deaths(switch)
    assert not ended
    assert (-9, {78}) == (killed, {code for _, code in told[1:]})
    assert two - one >= timedelta(seconds=1)
    assert three - two >= timedelta(seconds=2)


def test_writer_that_does_not_start_is_tried_again_behind_a_pause(tmp_path: Path) -> None:
    """
    The writer beside one worker dies while the journal's file is away, another in its place: it
    is tried later and later, and writes again once the file is back.
    """
    folder = make_folder(tmp_path)
    set_in(folder, "journal", writer="process")
    journal, aside = folder / "journal.db", folder / "aside.db"
    with running(folder) as switch, switch.talk() as talk:
        before = asked(talk, 1, PIN)
        journal.replace(aside)
        journal.write_text("no database at all, for a while")
        switch.kill("journal writer")
        wait_for(lambda: len(deaths(switch)) >= 4)
        aside.replace(journal)
        numbers = iter(range(2, 999_999))
        wait_for(lambda: asked(talk, next(numbers), PIN) == "00")
        ended = has_ended(switch)

    _, (one, _), (two, _), (three, _), *_ = deaths(switch)
    assert ("00", False) == (before, ended)
    assert two - one >= timedelta(seconds=1)
    assert three - two >= timedelta(seconds=2)


def deaths(switch: Workers) -> list[tuple[datetime, int]]:
    """Read from the log when each process ended, and with which code."""
    return [
        (datetime.fromisoformat(told["timestamp"]), told["code"])
        for told in switch.said("process ended")
    ]
