"""``atm-switch drain`` where the switch cannot do all of it, or says nothing."""

import os
import socket
import threading
from pathlib import Path

import pytest

from tests.doubles.served import SECONDS, make_folder, run, serve
from tests.doubles.stalled import locked
from tests.doubles.workers import with_workers


@pytest.mark.parametrize("workers", [1, 2])
def test_drain_ends_a_switch_whose_journal_stands_still(tmp_path: Path, workers: int) -> None:
    """
    It stops all the same; the audit that cannot be told of it is named in the log.  The exit code
    is 1 where the writer waits so long for the file that it is taken to hang.
    """
    folder = make_folder(tmp_path)
    with_workers(folder, workers)
    with serve(folder) as served:
        with locked(folder):
            done = run("drain", folder, "--timeout", "80")
            code = served.process.wait(SECONDS)
        told = served.log.read_text()

    assert (0, "the switch has stopped\n") == (done.returncode, done.stdout), done.stderr
    assert code in {0, 1}, told
    assert '"event": "stopped"' in told
    assert ('"event": "event not kept"' in told) or ('"event": "events not kept"' in told)


def test_drain_of_several_workers_is_in_the_audit(tmp_path: Path) -> None:
    """Its record is written beside the stop, and is there when that is over."""
    folder = make_folder(tmp_path)
    with_workers(folder, 2)
    with serve(folder) as served:
        done = run("drain", folder)
        code = served.process.wait(SECONDS)
    audited = run("audit", "export", folder).stdout

    assert (0, 0) == (done.returncode, code), done.stderr
    assert f"over the admin socket, by uid {os.getuid()}, pid " in audited
    assert "not kept" not in served.log.read_text()


def test_switch_that_hangs_up_is_not_taken_for_none(tmp_path: Path) -> None:
    """It is there, and says nothing: exit 1 and a sentence that does not say how to start one."""
    folder = make_folder(tmp_path)
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(folder / "admin.sock"))
        other.listen()
        other.settimeout(SECONDS)

        def hang_up() -> None:
            asking, _ = other.accept()
            with asking:
                asking.recv(100)

        hanging_up = threading.Thread(target=hang_up)
        hanging_up.start()
        done = run("drain", folder)
        hanging_up.join(SECONDS)

    assert 1 == done.returncode
    assert "hung up without an answer" in done.stderr
    assert "no switch serves" not in done.stderr
