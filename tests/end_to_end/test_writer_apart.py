"""A switch of one worker whose journal a process beside it writes: it may die, the row may not."""

import asyncio
import os
import signal
from pathlib import Path

import pytest

from atm_switch.adapters.folder_lock import lock_writing
from atm_switch.adapters.journal_reader import JournalReader
from atm_switch.adapters.journal_rows import JournalRow
from tests.doubles.machines import set_in
from tests.doubles.served import SECONDS, make_folder, run, serve
from tests.doubles.talk import Talk, inquiry
from tests.doubles.workers import Workers, running, wait_for
from tests.end_to_end.test_stopping import held_up

CARD = "9990090000000012"
WRITER = "journal writer"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A bank whose host verifies its PINs, and a process that writes the journal."""
    made = make_folder(tmp_path, "--pin", "acquirer")
    set_in(made, "journal", writer="process")
    return made


def asked(talk: Talk, number: int) -> str:
    """Ask for a balance; return DE39."""
    return talk.ask(inquiry(number, {2: CARD}))[39]


def rows_of(folder: Path) -> list[JournalRow]:
    """What the journal holds."""
    with JournalReader(folder / "journal.db") as reader:
        return list(reader.tail(1000))


def test_writer_that_dies_comes_back(folder: Path) -> None:
    """Kill -9 of it: what was answered 00 is in the journal, the link stays, and it goes on."""
    with running(folder) as switch, switch.talk() as talk:
        codes = [asked(talk, at) for at in range(10)]
        gone = switch.kill(WRITER)
        codes += [asked(talk, at) for at in range(10, 20)]
        switch.wait_until_all_answer(gone)
        numbers = iter(range(900, 999_999))
        wait_for(lambda: asked(talk, next(numbers)) == "00")
    kept = {row.stan for row in rows_of(folder) if row.response_code == "00"}

    assert ["00"] * 10 == codes[:10]
    assert {"00", "96"} >= set(codes)
    assert {f"{at:06d}" for at, code in enumerate(codes) if code == "00"} <= kept
    assert 0 == run("journal", "verify", folder).returncode


def test_what_is_under_way_is_answered_when_all_are_told_to_end(folder: Path) -> None:
    """SIGTERM to both processes at once, as systemd does: the row is written, the answer leaves."""
    with serve(folder) as served, Talk.of(served.port, folder) as talk:
        writer = Workers(folder, served).told()["processes"][WRITER]
        with held_up(folder, talk):
            os.kill(writer, signal.SIGTERM)
            served.process.send_signal(signal.SIGTERM)
            served.wait_for('"event": "stopping"')
        answer = talk.packager.unpack(talk.hear())
        code = served.process.wait(SECONDS)

    asyncio.run(lock_writing(folder, 0.0))()  # nobody writes any more
    assert ("0210", "00", 0) == (answer.mti, answer[39], code)
    assert [("B", "00")] == [(row.kind, row.response_code) for row in rows_of(folder)]


def test_row_that_was_sent_outlives_the_switch(folder: Path) -> None:
    """Kill -9 of the switch: the writer ends behind its row, and a start goes on from there."""
    with serve(folder) as served, Talk.of(served.port, folder) as talk:
        with held_up(folder, talk):
            served.process.kill()
            served.process.wait(SECONDS)
        asyncio.run(lock_writing(folder))()  # the writer has ended
        left = [(row.stan, row.response_code) for row in rows_of(folder)]
    with serve(folder) as served, Talk.of(served.port, folder) as talk:
        code = asked(talk, 2)

    assert [("000001", "00")] == left
    assert "00" == code
    assert 0 == run("journal", "verify", folder).returncode


def test_too_many_deaths_end_the_switch(folder: Path) -> None:
    """A writer that dies six times within a minute: the switch stops and exits 70."""
    with running(folder) as switch:
        while switch.served.process.poll() is None:
            try:
                gone = switch.kill(WRITER)
                wait_for(lambda: switch.told()["processes"].get(WRITER) not in (None, gone))  # noqa: B023
            except (OSError, KeyError, AssertionError):
                continue
        code = switch.served.process.wait(SECONDS)

    assert 70 == code
    assert "given up" in switch.served.log.read_text()


def test_journal_of_other_keys_ends_the_start(folder: Path, tmp_path: Path) -> None:
    """What is wrong with the journal is said, and nothing stays behind."""
    with serve(folder):
        pass
    other = make_folder(tmp_path / "other")
    (folder / "journal.db").replace(other / "journal.db")
    set_in(other, "journal", writer="process")

    done = run("serve", other)

    assert 1 == done.returncode
    assert "the journal writer did not start" in done.stderr
    asyncio.run(lock_writing(other, 0.0))()


@pytest.mark.parametrize(("writer", "has_process"), [("thread", False), ("process", True)])
def test_settings_say_who_writes(folder: Path, writer: str, has_process: bool) -> None:  # noqa: FBT001
    """Either answers; status names the process where there is one."""
    set_in(folder, "journal", writer=writer)
    with running(folder) as switch, switch.talk() as talk:
        code = asked(talk, 1)
        shown = run("status", folder)

    assert ("00", 0) == (code, shown.returncode)
    assert has_process is (WRITER in shown.stdout)
