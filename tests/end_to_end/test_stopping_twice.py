"""A stop that is asked for twice, of a switch whose journal a process beside it writes."""

import asyncio
import os
import signal
import time
from pathlib import Path

import pytest

from atm_switch.adapters.folder_lock import lock_writing
from atm_switch.writer_apart import ENDING_SECONDS_MAX
from tests.doubles.machines import set_in
from tests.doubles.served import SECONDS, make_folder, run
from tests.doubles.talk import HungUp, inquiry
from tests.doubles.workers import running, wait_for
from tests.end_to_end.test_stopping import held_up
from tests.end_to_end.test_writer_apart import CARD, WRITER, asked


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A bank of a writer's process, where a drain may take ten minutes."""
    made = make_folder(tmp_path, "--pin", "acquirer")
    set_in(made, "journal", writer="process")
    set_in(made, "limits", drain_seconds_max=600)
    return made


def test_second_sigterm_while_the_writer_hangs_ends_it_soon(folder: Path) -> None:
    """
    The switch itself has stopped and waits for a writer that stands still: told once more to
    end it kills it, exits with 1 and says what was still at work; the journal is sound.
    """
    with running(folder) as switch, switch.talk() as talk:
        assert "00" == asked(talk, 1)
        writer, served = switch.told()["processes"][WRITER], switch.served
        os.kill(writer, signal.SIGSTOP)
        served.process.send_signal(signal.SIGTERM)
        served.wait_for('"event": "stopped"')
        began = time.monotonic()
        served.process.send_signal(signal.SIGTERM)
        code = served.process.wait(SECONDS)
        took = time.monotonic() - began
        told = served.log.read_text()

    assert 1 == code
    assert "stopped at once: the journal writer was still at work, and was killed" in told
    assert not Path(f"/proc/{writer}").exists()
    assert took < ENDING_SECONDS_MAX
    assert 0 == run("journal", "verify", folder).returncode


def test_second_sigterm_amid_the_drain_leaves_no_writer_that_hangs(folder: Path) -> None:
    """
    A request waits for a writer that stands still, and the drain for the request: told once more
    to end the switch hangs up at once, gives the writer three seconds, and kills it.  It exits
    with 1, says what was unanswered and what was at work; the folder is free, the journal sound.
    """
    with running(folder) as switch, switch.talk() as talk:
        writer, served = switch.told()["processes"][WRITER], switch.served
        os.kill(writer, signal.SIGSTOP)
        talk.say(talk.keys.pack(inquiry(1, {2: CARD}), talk.packager))
        wait_for(lambda: switch.told()["in_flight"] == 1)
        served.process.send_signal(signal.SIGTERM)
        served.wait_for('"event": "stopping"')
        served.process.send_signal(signal.SIGTERM)
        with pytest.raises(HungUp):
            talk.hear()
        code = served.process.wait(SECONDS)
        told = served.log.read_text()

    assert 1 == code
    assert (
        "stopped at once: requests under way were not answered: 1; "
        "the journal writer was still at work, and was killed"
    ) in told
    assert not Path(f"/proc/{writer}").exists()
    asyncio.run(lock_writing(folder, 0.0))()
    assert 0 == run("journal", "verify", folder).returncode


def test_second_signal_that_comes_with_the_first_does_not_wait_for_the_drain(folder: Path) -> None:
    """Both come before the switch has gone on: it drains no ten minutes, and says the same."""
    with running(folder) as switch, switch.talk() as talk:
        served = switch.served
        with held_up(folder, talk):
            for number in (signal.SIGSTOP, signal.SIGTERM, signal.SIGINT, signal.SIGCONT):
                served.process.send_signal(number)
            with pytest.raises(HungUp):
                talk.hear()
        code = served.process.wait(SECONDS)

    assert 1 == code
    assert "stopped at once: requests under way were not answered: 1" in served.log.read_text()
